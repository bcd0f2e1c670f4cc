import type { Checkout } from '#git/local/checkout.ts';
import type { Assignment, ResolveFault } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import { FLEET_FILE, kindAt, stemOf } from '#proto/documents/kinds.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import { resolveAll } from '#proto/fleet-checks/assignments.ts';
import { type FleetModel, judgeFleet } from '#proto/fleet-model.ts';
import { didYouMean } from '#proto/problems.ts';
import type { Surroundings } from '../verb.ts';
import { readDocuments } from './documents.ts';
import { told } from './report/told.ts';
import { type Side, sideAt } from './side.ts';

/** A fleet repo, read at one side. */
export type Fleet = { readonly side: Side; readonly model: FleetModel };

/** What is wrong between documents is charged to the one that changed since `before`, as the hub does. */
export async function fleetAt(
  checkout: Checkout,
  rev: string | undefined,
  signal: AbortSignal,
  before?: FleetModel,
): Promise<Fleet> {
  const side = await sideAt(checkout, rev, signal);
  const documents = await readDocuments(checkout.objects, side.tree, new Map(), signal);
  const files = [...documents.values()].map(({ read }) => read);
  return { side, model: judgeFleet(files, before) };
}

/**
 * Whether assignments can be resolved at all; says on stderr where not, and what is left out where a Values document cannot be
 * read.
 */
export function isResolvable({ model, side }: Fleet, { talk }: Surroundings): boolean {
  const say = (what: string, file: string) => {
    const problem = model.problems.find((one) => one.source.file === file && one.severity === 'error');
    const place = problem && told(problem);
    talk(
      `${what} in ${side.name}${place ? `: ${file}:${place.line}:${place.column}: ${place.message}` : ''}`,
    );
  };
  const files = new Set(
    model.problems.flatMap(({ source, severity }) =>
      severity === 'error' && kindAt(source.file) === 'Values' ? [source.file] : [],
    ),
  );
  for (const file of files)
    if (model.invalid.values.has(stemOf(file)))
      say(`Values ${stemOf(file)} is not valid, and its values are left out here`, file);
  if (model.fleet) return true;
  say('nothing can be resolved: the Fleet is not valid', FLEET_FILE);
  return false;
}

/** A cluster by name; undefined, with a word to the user, where there is none that is valid. */
export function clusterNamed(
  { model, side }: Fleet,
  name: string,
  { talk }: Surroundings,
): Sourced<Cluster> | undefined {
  const found = model.clusters.get(name);
  if (!found) talk(whyAbsent('cluster', name, side, model, model.clusters, model.invalid.clusters));
  return found;
}

/** A placement by name; undefined, with a word to the user, where there is none that is valid. */
export function placementNamed(
  { model, side }: Fleet,
  name: string,
  { talk }: Surroundings,
): Sourced<Placement> | undefined {
  const found = model.placements.get(name);
  if (!found) talk(whyAbsent('placement', name, side, model, model.placements, model.invalid.placements));
  return found;
}

function whyAbsent(
  kind: 'cluster' | 'placement',
  name: string,
  side: Side,
  { problems }: FleetModel,
  valid: ReadonlyMap<string, unknown>,
  invalid: ReadonlySet<string>,
): string {
  const problem = problems.find((one) => one[kind] === name && one.severity === 'error');
  if (invalid.has(name) && problem) {
    const { file, line, column, message } = told(problem);
    return `${kind} ${name} is not valid in ${side.name}: ${file}:${line}:${column}: ${message}`;
  }
  const near = didYouMean(name, [...valid.keys(), ...invalid]);
  return `${kind} ${name} does not exist in ${side.name}${near ? `; did you mean ${near}?` : ''}`;
}

/** One placement that selects a cluster, resolved or not. */
export type Row = { readonly placement: Sourced<Placement>; readonly cluster: Sourced<Cluster> } & (
  | { readonly assignment: Assignment }
  | { readonly faults: readonly ResolveFault[] }
);

/** Assignments of a fleet, of one cluster or of one placement, in order of placements and clusters. */
export function rowsOf(
  model: FleetModel,
  {
    cluster,
    placements,
  }: { cluster?: Sourced<Cluster>; placements?: ReadonlyMap<string, Sourced<Placement>> } = {},
): Row[] {
  const clusters = cluster ? new Map([[cluster.document.metadata.name, cluster]]) : model.clusters;
  const documents = { ...model, clusters, placements: placements ?? model.placements };
  return [...resolveAll(documents)].map(({ resolution, ...of }) => ({ ...of, ...resolution }));
}
