import type { Commit } from '#git/objects.ts';
import { type Assignment, resolveAssignment, whyNotSelected } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { SharedValues } from '#proto/documents/values.ts';
import { FlotillaError } from '#proto/faults.ts';
import { placeOf } from '#proto/fleet-checks/assignments.ts';
import type { Problem } from '#proto/problems.ts';
import { declaredNames, type SharedLayer, sharedLayer } from '#proto/values.ts';
import type { DocumentsInForce, InForce, InForceCluster } from '../core/in-force.ts';
import { type AssignmentVersion, assignmentKey } from '../core/types.ts';
import type { Digested, Digests } from './digests.ts';

/** One placement on one cluster, with where its digest is read from. */
export type Row = {
  readonly assignment: Assignment | undefined;
  readonly version: AssignmentVersion | undefined;
  readonly files: number;
  readonly problem?: Problem;
  /** It was not looked at, because a document is invalid: one of its own, or one of Values, any of which may concern it. */
  readonly held?: 'document' | 'values';
};

/** What a placement's version reads its staged fields and content from. */
export type VersionSource = {
  readonly name: string;
  readonly tree: string;
  readonly placement: Placement;
  readonly fleet: Fleet;
  readonly values: DocumentsInForce['values'];
};

export type Assigned = {
  /** By `assignmentKey`. */
  readonly rows: ReadonlyMap<string, Row>;
  /** By placement. */
  readonly versions: ReadonlyMap<string, VersionSource>;
  /** The tree at which every row was looked at that is not held and has no problem. */
  readonly tree: string;
};

type Before = Assigned & { readonly docs: DocumentsInForce };
type Resolved = {
  readonly key: string;
  readonly cluster: InForceCluster;
  readonly assignment: Assignment;
  readonly digested: Digested;
};

/**
 * Resolves every placement on every cluster that it selects at a commit. What cannot be resolved, or belongs to an invalid
 * document, stays at its last version, with the problem. A placement keeps its version's name as long as that version gives
 * today's clusters these digests: a cluster that joined or was relabelled is tried with the version's own content.
 * @throws FlotillaError git-…; everything else becomes a problem
 */
export async function assign(
  before: Before | undefined,
  docs: DocumentsInForce,
  commit: Commit,
  digests: Digests,
  signal: AbortSignal,
): Promise<Assigned> {
  const fleet = docs.fleet;
  if (!fleet || fleet.invalid) return before ?? { rows: new Map(), versions: new Map(), tree: commit.tree };
  const rows = new Map<string, Row>();
  const versions = new Map<string, VersionSource>();
  const changed = before && (await digests.changed(before.tree, commit.tree, signal));
  const sameValues = before !== undefined && sameDocumentsIn(before.docs.values, docs.values);
  const layers = new Layers();

  for (const [name, placement] of docs.placements) {
    const known = before?.versions.get(name);
    const inDoubt = docs.valuesInDoubt && declaredNames(placement.document).size > 0;
    if (placement.invalid || inDoubt) {
      if (known) versions.set(name, known);
      await keep(placement, known);
      continue;
    }
    const resolved: Resolved[] = [];
    for (const [clusterName, cluster] of docs.clusters) {
      const key = assignmentKey(clusterName, name);
      const row = before?.rows.get(key);
      if (cluster.invalid) {
        if (row) rows.set(key, held(row, 'document'));
      } else if (whyNotSelected(placement.document, cluster.document) === undefined) {
        const result = await resolve(key, placement, cluster);
        if ('problem' in result) rows.set(key, { ...(row ?? UNRESOLVED), problem: result.problem });
        else resolved.push(result);
      }
    }
    const holding = known && (await allHold(known, resolved));
    for (const { key, assignment, digested } of resolved) {
      const version = holding?.get(key) ?? {
        revision: commit.oid,
        entryRevision: commit.oid,
        digest: digested.digest,
      };
      rows.set(key, sameRow(before?.rows.get(key), { assignment, version, files: digested.files }));
    }
    const fresh = {
      name: commit.oid,
      tree: commit.tree,
      placement: placement.document,
      fleet: fleet.document,
      values: docs.values,
    };
    versions.set(name, holding ? known : fresh);
  }
  return { rows, versions, tree: commit.tree };

  /**
   * Nothing moves of a placement that is invalid or whose values are in doubt, but a cluster may join the version in force. Whom an
   * invalid placement selects is not known: then nobody leaves it.
   */
  async function keep(placement: InForce<Placement>, known: VersionSource | undefined): Promise<void> {
    const name = placement.document.metadata.name;
    const why = placement.invalid ? 'document' : 'values';
    for (const [clusterName, cluster] of docs.clusters) {
      const key = assignmentKey(clusterName, name);
      const row = before?.rows.get(key);
      const selected = whyNotSelected(placement.document, cluster.document) === undefined;
      if (row && (selected || placement.invalid || cluster.invalid)) rows.set(key, held(row, why));
      else if (!cluster.invalid && selected) {
        const joined = known && (await atVersion(known, cluster));
        if (joined) {
          const { assignment, digested } = joined;
          const revisions = { revision: known.name, entryRevision: commit.oid };
          const version = { ...revisions, digest: digested.digest };
          rows.set(key, { held: why, assignment, version, files: digested.files });
        } else if (!placement.invalid) rows.set(key, held(UNRESOLVED, why));
      }
    }
  }

  async function resolve(
    key: string,
    placement: InForce<Placement>,
    cluster: InForceCluster,
  ): Promise<Resolved | { problem: Problem }> {
    const row = before?.rows.get(key);
    const sameDocuments =
      (sameValues || declaredNames(placement.document).size === 0) &&
      before?.docs.fleet?.document === fleet!.document &&
      before.docs.placements.get(placement.document.metadata.name)?.document === placement.document &&
      before.docs.clusters.get(cluster.document.metadata.name)?.document === cluster.document;
    const settled = row?.assignment && row.version && !row.problem && !row.held ? row : undefined;
    if (settled && sameDocuments && changed && !changed(settled.assignment!)) {
      const digested = { digest: settled.version!.digest, files: settled.files };
      return { key, cluster, assignment: settled.assignment!, digested };
    }
    const shared = layers.of(docs.values, placement.document, cluster.document);
    const resolution = resolveAssignment(fleet!.document, placement.document, cluster.document, {
      ...(shared && { shared }),
    });
    if ('faults' in resolution) {
      const fault = resolution.faults[0]!;
      const source = fault.locate?.() ?? placement.locate(placeOf(placement.document, fault));
      return { problem: problemOf(fault.code, fault.message, source, placement, cluster) };
    }
    const { assignment } = resolution;
    try {
      return { key, cluster, assignment, digested: await digests.of(assignment, commit.tree, signal) };
    } catch (error) {
      if (!isContentFault(error)) throw error;
      const source = error.code === 'overlay-missing' ? undefined : error.source;
      const where = source ?? placement.locate(['spec', 'path']);
      return { problem: problemOf(error.code, error.message, where, placement, cluster) };
    }
  }

  /** The rows under the version in force, when it gives every one the digest that it has now; undefined when it does not. */
  async function allHold(
    known: VersionSource,
    resolved: readonly Resolved[],
  ): Promise<ReadonlyMap<string, AssignmentVersion> | undefined> {
    const held = new Map<string, AssignmentVersion>();
    for (const { key, cluster, digested } of resolved) {
      const row = before?.rows.get(key);
      const moved = !row || cluster.relabelledAt === commit.oid;
      if (row?.version?.digest === digested.digest) held.set(key, row.version);
      else if (!moved) return undefined;
      else if ((await atVersion(known, cluster))?.digested.digest !== digested.digest) return undefined;
      else held.set(key, { revision: known.name, entryRevision: commit.oid, digest: digested.digest });
    }
    return held;
  }

  /** A cluster as it is now, under a version as it was; undefined where that cannot be had. */
  async function atVersion(
    { tree, placement, fleet: then, values }: VersionSource,
    cluster: InForceCluster,
  ): Promise<{ assignment: Assignment; digested: Digested } | undefined> {
    if (whyNotSelected(placement, cluster.document) !== undefined) return undefined;
    const shared = layers.of(values, placement, cluster.document);
    const resolution = resolveAssignment(then, placement, cluster.document, { ...(shared && { shared }) });
    if ('faults' in resolution) return undefined;
    const { assignment } = resolution;
    try {
      return { assignment, digested: await digests.at(assignment, tree, signal) };
    } catch (error) {
      if (isContentFault(error) || (error instanceof FlotillaError && error.code === 'git-object-missing'))
        return undefined;
      throw error;
    }
  }
}

const UNRESOLVED: Row = { assignment: undefined, version: undefined, files: 0 };

const held = (row: Row, why: NonNullable<Row['held']>): Row =>
  row.held === why ? row : { ...row, held: why };

function sameDocumentsIn<T>(a: ReadonlyMap<string, InForce<T>>, b: ReadonlyMap<string, InForce<T>>): boolean {
  return a.size === b.size && [...a].every(([name, { document }]) => b.get(name)?.document === document);
}

/** What Values documents give a placement on clusters of equal labels, worked out once in a step. */
class Layers {
  readonly #known = new Map<ReadonlyMap<string, InForce<SharedValues>>, Map<string, SharedLayer>>();

  of(
    values: ReadonlyMap<string, InForce<SharedValues>>,
    placement: Placement,
    { metadata: { labels = {} } }: Cluster,
  ): SharedLayer | undefined {
    if (values.size === 0) return undefined;
    const known = this.#known.get(values) ?? new Map<string, SharedLayer>();
    this.#known.set(values, known);
    const key = `${placement.metadata.name} ${canonicalJson(labels)}`;
    const layer = known.get(key) ?? sharedLayer(values.values(), placement, labels);
    known.set(key, layer);
    return layer;
  }
}

/** What the content of the repository is to blame for; anything else is no property of the revision. */
function isContentFault(error: unknown): error is FlotillaError {
  return error instanceof FlotillaError && !error.code.startsWith('git-') && error.code !== 'internal';
}

function problemOf(
  code: Problem['code'],
  message: string,
  source: Problem['source'],
  placement: InForce<Placement>,
  cluster: InForceCluster,
): Problem {
  return {
    code,
    severity: 'error',
    message,
    source,
    cluster: cluster.document.metadata.name,
    placement: placement.document.metadata.name,
  };
}

/** The old row where nothing differs. */
function sameRow(old: Row | undefined, now: Row): Row {
  const same =
    old?.assignment === now.assignment && old?.version === now.version && !old?.problem && !old?.held;
  return same && old ? old : now;
}
