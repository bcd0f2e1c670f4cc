import type { GitObjects } from '#git/objects.ts';
import { diffTrees } from '#git/tree.ts';
import { DOCUMENT_FOLDERS } from '#proto/documents/kinds.ts';
import { groupByLabels } from '#proto/fleet-checks/context.ts';
import { type FleetModel, judgeFleet } from '#proto/fleet-model.ts';
import { readDocuments } from '../documents.ts';
import type { Side } from '../side.ts';
import { OverlayBook } from './book.ts';
import { documentChanges } from './documents.ts';
import { type Moment, planPlacement } from './placement.ts';
import type { Plan, PlanSide } from './plan.ts';
import { entryDifferences } from './policy.ts';
import type { Range } from './range.ts';
import { StageMoves } from './stage-moves.ts';
import type { ReadsStore } from './store.ts';
import { touchedOverlays } from './touched.ts';

export type Planning = {
  readonly store: ReadsStore;
  progress(line: string): void;
  /** When approvals have to be in force, Unix ms. */
  readonly now: number;
};

/** Compares a fleet repo at two moments; only what a change can reach is looked at closely. */
export async function makePlan(
  objects: GitObjects,
  { from, to }: Range,
  { store, progress, now: at }: Planning,
  signal: AbortSignal,
): Promise<{ plan: Plan; before: FleetModel; after: FleetModel }> {
  progress('reading documents');
  const old = await readDocuments(objects, from.tree, new Map(), signal);
  const now = await readDocuments(objects, to.tree, old, signal);
  const before = judgeFleet([...old.values()].map(({ read }) => read));
  const after = judgeFleet(
    [...now.values()].map(({ read }) => read),
    before,
  );
  const changes = (await diffTrees(objects, from.tree, to.tree, signal)).filter(
    ({ path }) => !isDocument(path),
  );
  const moments: { before: Moment; after: Moment } = {
    before: {
      model: before,
      groups: groupByLabels(before.clusters),
      book: new OverlayBook(objects, from.tree),
    },
    after: { model: after, groups: groupByLabels(after.clusters), book: new OverlayBook(objects, to.tree) },
  };
  const overlays = await touchedOverlays(
    objects,
    { tree: from.tree, ...moments.before },
    changes,
    store,
    progress,
    signal,
  );
  const clusters = movedClusters(before, after);
  const moved = {
    clusters,
    stages: new StageMoves(before, after, clusters),
    shared: sharedMoved(before, after),
    overlays,
    now: at,
  };
  const names = [
    ...new Set([...before.placements.keys(), ...after.placements.keys(), ...after.invalid.placements]),
  ];
  const placements = [];
  for (const name of names.sort()) {
    progress(`comparing placement ${name}`);
    const planned = await planPlacement(name, moments.before, moments.after, moved, signal);
    if (planned) placements.push(planned);
  }
  const added = [...after.clusters.keys()].filter(
    (name) => !before.clusters.has(name) && !before.invalid.clusters.has(name),
  );
  const removed = [...before.clusters.keys()].filter(
    (name) => !after.clusters.has(name) && !after.invalid.clusters.has(name),
  );
  return {
    plan: {
      from: sideIn(from),
      to: sideIn(to),
      clusters: { added, removed, changed: treated(before, after) },
      documents: documentChanges(before, after),
      placements,
    },
    before,
    after,
  };
}

/** Entries that say otherwise how their cluster is treated. */
function treated({ clusters: was }: FleetModel, { clusters: is }: FleetModel): Plan['clusters']['changed'] {
  return [...is].flatMap(([cluster, { document }]) => {
    const old = was.get(cluster)?.document;
    const why = old && old !== document ? entryDifferences(old, document) : [];
    return why.length > 0 ? [{ cluster, why }] : [];
  });
}

function movedClusters({ clusters: was }: FleetModel, { clusters: is }: FleetModel): Set<string> {
  const names = [...was.keys(), ...is.keys()];
  return new Set(names.filter((name) => was.get(name)?.document !== is.get(name)?.document));
}

/** Whether Values differ, or what the Fleet says of every assignment. */
function sharedMoved(was: FleetModel, is: FleetModel): boolean {
  const defaults = ({ fleet }: FleetModel) => {
    const { prune, kubeVersion, apiVersions } = fleet?.document.spec.defaults ?? {};
    return JSON.stringify([fleet !== undefined, prune, kubeVersion, apiVersions]);
  };
  const values = ({ values }: FleetModel) => [...values.values()].map(({ document }) => document);
  const [old, now] = [values(was), values(is)];
  return (
    defaults(was) !== defaults(is) || old.length !== now.length || old.some((one, at) => one !== now[at])
  );
}

const sideIn = ({ name, commit }: Side): PlanSide => ({ name, revision: commit?.oid ?? null });

/** Documents are compared by what they say. An overlay that reads one is looked at as if it were content, too. */
function isDocument(path: string): boolean {
  const slash = path.indexOf('/');
  return slash > 0 ? DOCUMENT_FOLDERS.includes(path.slice(0, slash)) : path === 'flotilla.yaml';
}
