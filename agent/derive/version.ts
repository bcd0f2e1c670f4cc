import type { GitObjects } from '#git/objects.ts';
import {
  type Assignment,
  type Policy,
  policyOf,
  resolveAssignment,
  whyNotSelected,
} from '#proto/assignment.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import type { SharedValues } from '#proto/documents/values.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { DesiredAssignment } from '#proto/messages.ts';
import { declaredNames } from '#proto/values.ts';
import type { NodeCache } from '#render/closure.ts';
import { type AssignmentClosure, digestOf } from '#render/digest.ts';
import { type FleetReader, required } from './fleet-reader.ts';

/** One version of a placement on this cluster, as Git alone tells it. */
export type DerivedVersion = {
  assignment: Assignment;
  closure: AssignmentClosure;
  /** The root tree that paths are relative to. */
  tree: string;
  /** As at its own revision; a newer one may be in force. */
  policy: Policy;
};

/**
 * What a desired document calls one assignment, derived from Git with the code that the hub uses: Fleet, placement, Values and
 * files at `revision`, the cluster's labels and values at `entryRevision`. Nothing of the document but the two revisions is believed.
 *
 * @throws FlotillaError not-selected where Git does not give the placement to this cluster; digest-mismatch where hub and agent
 *   disagree; path-variable-unknown, value-missing, and those of documents, closures and Git
 */
export async function deriveVersion(
  reader: FleetReader,
  objects: GitObjects,
  cache: NodeCache,
  cluster: string,
  wanted: DesiredAssignment,
  signal: AbortSignal,
): Promise<DerivedVersion> {
  const { placement: name, revision, entryRevision } = wanted;
  const [fleet, placement, entry] = [
    required(await reader.fleet(revision, signal), 'flotilla.yaml', revision),
    required(await reader.placement(revision, name, signal), `placement ${name}`, revision),
    required(await reader.cluster(entryRevision, cluster, signal), `cluster ${cluster}`, entryRevision),
  ];
  const why = whyNotSelected(placement, entry);
  if (why !== undefined) {
    throw new FlotillaError(
      'not-selected',
      `placement ${name} at ${revision} does not select cluster ${cluster}: it ${why}`,
    );
  }
  const values = await valuesFor(reader, placement, revision, signal);
  const resolution = resolveAssignment(fleet, placement, entry, { values });
  if ('faults' in resolution) {
    const [first] = resolution.faults;
    throw new FlotillaError(first!.code, resolution.faults.map(({ message }) => message).join('; '));
  }
  const { assignment } = resolution;
  const tree = await reader.treeOf(revision, signal);
  const closure = await digestOf(objects, tree, assignment, cache, signal);
  if (closure.digest !== wanted.digest) {
    throw new FlotillaError(
      'digest-mismatch',
      `placement ${name} at ${revision}: the hub says digest ${wanted.digest.slice(0, 12)}, Git gives ${closure.digest.slice(0, 12)}`,
    );
  }
  return { assignment, closure, tree, policy: policyOf(fleet, placement) };
}

/**
 * The Values documents that a placement is resolved with. One that is invalid may have been meant for it: without it the assignment
 * would get other values in silence. A placement that declares no names gets none from anywhere.
 */
async function valuesFor(
  reader: FleetReader,
  placement: Placement,
  revision: string,
  signal: AbortSignal,
): Promise<readonly Sourced<SharedValues>[]> {
  const { valid, problems } = await reader.values(revision, signal);
  const [first] = problems;
  if (!first || declaredNames(placement).size === 0) return valid;
  const message = `placement ${placement.metadata.name} takes values, and Values at ${revision} are invalid: ${first.message}`;
  throw new FlotillaError(first.code, message, { source: first.source });
}
