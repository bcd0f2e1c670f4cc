import type { TargetState } from '#rollouts/state.ts';
import { changedTargets } from '#rollouts/target-table.ts';
import { toldOf } from '../desired.ts';
import type { HubState } from '../types.ts';

/** What the hub has decided that a cluster runs of a placement, and how far it is. */
export type Decided = {
  readonly revision: string;
  readonly entryRevision: string;
  readonly digest: string;
  readonly attempt: number;
  /** Undefined where nobody waits for it: the cluster only observes. */
  readonly state: TargetState | undefined;
  readonly since: number | undefined;
};

/** Undefined where nothing is decided, or that it is removed. */
export function decidedOf(
  { fleet, clusters }: HubState,
  placement: string,
  cluster: string,
): Decided | undefined {
  const told = toldOf(fleet, clusters[cluster], placement, cluster);
  if (!told || told.digest === null) return undefined;
  const { revision, readAt, entryRevision, digest, attempt } = told;
  const target = fleet.lines[placement]?.targets[cluster];
  const isObserved = clusters[cluster]?.observed !== undefined;
  return {
    revision: readAt ?? revision,
    entryRevision,
    digest,
    attempt,
    state: isObserved ? undefined : target?.state,
    since: target?.since,
  };
}

/** What Git no longer gives the cluster and is on its way out. */
export type Removal = { readonly placement: string; readonly revision: string; readonly since: number };

/** What a cluster is told to remove, by name. */
export function removalsOf({ fleet, clusters }: HubState, cluster: string): Removal[] {
  const own = clusters[cluster];
  const found: Removal[] = [];
  const look = (placement: string) => {
    const told = toldOf(fleet, own, placement, cluster);
    if (told?.digest !== null) return;
    const since = own?.leaving?.[placement]?.since ?? fleet.lines[placement]?.targets[cluster]?.since ?? 0;
    found.push({ placement, revision: told.readAt ?? told.revision, since });
  };
  for (const placement in fleet.lines) look(placement);
  for (const placement in own?.leaving) if (!fleet.lines[placement]) look(placement);
  return found.sort((a, b) => (a.placement < b.placement ? -1 : 1));
}

/**
 * The clusters for which something else is decided, and the placement where it is one alone. Unchanged lines, targets and clusters are
 * known by being the same objects.
 */
export function changedClusters(before: HubState, after: HubState): Map<string, string | undefined> {
  const changed = new Map<string, string | undefined>();
  const note = (cluster: string, placement?: string) => {
    const isFirst = !changed.has(cluster);
    changed.set(cluster, isFirst || changed.get(cluster) === placement ? placement : undefined);
  };
  if (before.clusters !== after.clusters) {
    for (const cluster in after.clusters) {
      const [was, is] = [before.clusters[cluster], after.clusters[cluster]!];
      // Its numbers and hashes are not shown.
      if (was !== is && (was?.observed !== is.observed || was?.leaving !== is.leaving)) note(cluster);
    }
    for (const cluster in before.clusters) if (!after.clusters[cluster]) note(cluster);
  }
  const [was, is] = [before.fleet.lines, after.fleet.lines];
  for (const placement of new Set([...Object.keys(was), ...Object.keys(is)]))
    for (const cluster of changedTargets(was[placement]?.targets, is[placement]?.targets))
      note(cluster, placement);
  for (const placement of new Set([...Object.keys(before.removals), ...Object.keys(after.removals)])) {
    const held = [before.removals[placement]?.held, after.removals[placement]?.held];
    if (held[0] === held[1]) continue;
    for (const one of held) for (const cluster of one?.clusters ?? []) note(cluster);
  }
  return changed;
}
