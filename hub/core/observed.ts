import type { FleetFacts } from '#rollouts/facts.ts';
import { membershipOf } from '#rollouts/membership.ts';
import type { FleetState } from '#rollouts/state.ts';
import { versionsOf } from '#rollouts/versions.ts';
import type { ClusterState, HubFacts, Told } from './types.ts';

/**
 * What a cluster that only observes is shown: for every placement the version that its stage has taken last. It writes nothing, so no
 * gate and no slot is in the way, and no stage waits for it. Undefined for a cluster that enforces.
 */
export function observedBy(
  cluster: string,
  was: ClusterState['observed'],
  fleet: FleetState,
  { index }: HubFacts,
  { clusters, placements, reports }: FleetFacts,
  now: number,
): ClusterState['observed'] {
  if (index.clusters.get(cluster)?.document.spec.mode !== 'observe') return undefined;
  const shown: Record<string, Told> = {};
  for (const [placement, line] of Object.entries(fleet.lines)) {
    const facts = placements.get(placement);
    const before = was?.[placement];
    if (!facts) {
      if (before) shown[placement] = before;
      continue;
    }
    const stage = membershipOf(clusters, facts.strategy.stages).stageOf.get(cluster);
    const { work, passed } = line.stages.find(({ name }) => name === stage) ?? { passed: [] };
    const version = versionsOf(facts.versions).get(work?.version ?? passed.at(-1));
    const run = line.targets[cluster]?.run;
    const isGone = reports.get(placement)?.get(cluster)?.phase === 'removed';
    const content = version?.contents.get(cluster);
    if (!version || (!content && (!(before ?? run) || (before?.digest === null && isGone)))) continue;
    const told = {
      revision: version.revision,
      entryRevision: content?.entryRevision ?? version.revision,
      digest: content?.digest ?? null,
      ...(content?.revision !== undefined && { readAt: content.revision }),
    };
    const same = [before, run].find((one) => one?.digest === told.digest);
    const last = Math.max(before?.attempt ?? 0, line.attempt);
    shown[placement] = { ...told, attempt: same?.attempt ?? Math.max(now, last + 1) };
  }
  return shown;
}
