import type { GitObjects } from '#git/objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { NodeCache } from '#render/closure.ts';
import type { KubeObject } from '#render/objects.ts';
import type { Renderer } from '#render/renderer.ts';
import { rowsOf } from '../fleet.ts';
import { checkRendered } from '../neighbours.ts';
import type { PlacementPlan, Plan } from '../plan/plan.ts';
import type { Range } from '../plan/range.ts';
import { type Outcome, renderAll } from '../rendering.ts';
import { told } from '../report/told.ts';
import { fold, type Group } from './fold.ts';
import { diffObjects, type ObjectDiff } from './objects.ts';

/** What a change renders to. The JSON of `flotilla diff`: members are added, never renamed. */
export type FleetDiff = Pick<Plan, 'from' | 'to'> & {
  readonly placements: readonly PlacementDiff[];
  /** Objects that two placements render on one cluster at the end. */
  readonly conflicts: readonly string[];
};
export type PlacementDiff = {
  readonly placement: string;
  readonly groups: readonly Group[];
  /** Clusters whose digest changes, while they render the same. */
  readonly same: readonly string[];
  readonly unchanged: number;
  readonly failed: readonly {
    readonly cluster: string;
    readonly side: 'from' | 'to';
    readonly message: string;
  }[];
};

type Sides = { readonly before: FleetModel; readonly after: FleetModel };

/** Renders both sides of whatever a plan says changes, and folds what changes in the same way. */
export async function diffFleet(
  objects: GitObjects,
  range: Range,
  plan: Plan,
  { before, after }: Sides,
  renderer: Renderer,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<FleetDiff> {
  const caches = { from: new NodeCache(), to: new NodeCache() };
  const rendered = async (side: 'from' | 'to', assignments: readonly Assignment[]) =>
    renderAll(
      assignments,
      {
        objects,
        tree: range[side].tree,
        cache: caches[side],
        renderer,
        progress: (done, all) =>
          progress(`rendered ${done} of ${all} (${side === 'from' ? 'before' : 'after'})`),
      },
      signal,
    );
  const placements: PlacementDiff[] = [];
  const creating = new Set<string>();
  for (const one of plan.placements) {
    const moving = one.changed.length + one.joined.length + one.left.length;
    if (moving === 0 && one.held.length === 0) continue;
    const old = await outcomes(before, one, [...one.changed, ...one.left], (list) => rendered('from', list));
    const now = await outcomes(after, one, [...one.changed, ...one.joined], (list) => rendered('to', list));
    const diff = diffPlacement(one, old, now);
    for (const { objects: changed, clusters } of diff.groups)
      if (changed.some(({ action }) => action === 'created'))
        for (const cluster of clusters) creating.add(cluster);
    placements.push(diff);
  }
  return {
    from: plan.from,
    to: plan.to,
    placements,
    conflicts: await conflicts(after, creating, (list) => rendered('to', list)),
  };
}

/** By cluster. */
async function outcomes(
  model: FleetModel,
  { placement }: PlacementPlan,
  changes: readonly { readonly cluster: string }[],
  render: (assignments: readonly Assignment[]) => Promise<Map<Assignment, Outcome>>,
): Promise<Map<string, Outcome>> {
  const document = model.placements.get(placement);
  const wanted = new Set(changes.map(({ cluster }) => cluster));
  if (!document || wanted.size === 0) return new Map();
  const assignments = rowsOf(model, { placements: new Map([[placement, document]]) }).flatMap((row) =>
    'assignment' in row && wanted.has(row.assignment.cluster) ? [row.assignment] : [],
  );
  const found = await render(assignments);
  return new Map([...found].map(([{ cluster }, outcome]) => [cluster, outcome]));
}

function diffPlacement(
  { placement, changed, joined, left, held, unchanged }: PlacementPlan,
  old: ReadonlyMap<string, Outcome>,
  now: ReadonlyMap<string, Outcome>,
): PlacementDiff {
  const known = new Map<Outcome | undefined, Map<Outcome | undefined, readonly ObjectDiff[]>>();
  const failed: { cluster: string; side: 'from' | 'to'; message: string }[] = [];
  const diffs: [string, readonly ObjectDiff[]][] = [];
  const same: string[] = [];
  for (const { cluster } of [...changed, ...joined, ...left]) {
    const [was, is] = [old.get(cluster), now.get(cluster)];
    if (is && 'error' in is) failed.push({ cluster, side: 'to', message: is.error.message });
    else if (was && 'error' in was) failed.push({ cluster, side: 'from', message: was.error.message });
    else {
      const pairs = known.get(was) ?? new Map<Outcome | undefined, readonly ObjectDiff[]>();
      known.set(was, pairs);
      const diff = pairs.get(is) ?? diffObjects(objectsOf(was), objectsOf(is));
      pairs.set(is, diff);
      if (diff.length === 0) same.push(cluster);
      else diffs.push([cluster, diff]);
    }
  }
  for (const { cluster, message } of held) failed.push({ cluster, side: 'to', message });
  return { placement, groups: fold(diffs), same, unchanged, failed };
}

const objectsOf = (outcome: Outcome | undefined): readonly KubeObject[] =>
  outcome && 'rendered' in outcome ? outcome.rendered.objects : [];

/** Only where objects are new can two placements have come to share one. */
async function conflicts(
  model: FleetModel,
  clusters: ReadonlySet<string>,
  render: (assignments: readonly Assignment[]) => Promise<Map<Assignment, Outcome>>,
): Promise<string[]> {
  const fleet = model.fleet?.document;
  if (!fleet || clusters.size === 0) return [];
  const rows = [...clusters].flatMap((name) => rowsOf(model, { cluster: model.clusters.get(name)! }));
  const found = await render(rows.flatMap((row) => ('assignment' in row ? [row.assignment] : [])));
  const rendered = rows.flatMap((row) =>
    'assignment' in row
      ? [{ cluster: row.assignment.cluster, placement: row.placement, outcome: found.get(row.assignment)! }]
      : [],
  );
  return checkRendered(rendered, fleet).flatMap((problem) =>
    problem.code === 'object-conflict' ? [told(problem).message] : [],
  );
}
