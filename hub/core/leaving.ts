import type { FleetState } from '#rollouts/state.ts';
import type { ClusterState, HubFacts, Leave } from './types.ts';

/**
 * The orders for a cluster whose entry says `decommission: prune`: everything that it had is removed there at once. That is its own
 * approval, and no stage waits for it. Undefined for every other cluster.
 */
export function leavingOf(
  cluster: string,
  was: ClusterState | undefined,
  before: FleetState,
  { index, reports }: HubFacts,
  now: number,
): ClusterState['leaving'] {
  if (index.clusters.get(cluster)?.document.spec.decommission !== 'prune') return undefined;
  const orders: Record<string, Leave> = {};
  for (const [placement, order] of Object.entries(was?.leaving ?? {})) {
    const report = reports.get(placement)?.get(cluster);
    const done = report?.phase === 'removed' && report.attempt === order.attempt;
    orders[placement] = done && !order.done ? { ...order, done: true } : order;
  }
  const order = (placement: string, attempt: number) => {
    orders[placement] ??= {
      revision: index.head.oid,
      attempt: Math.max(now, attempt + 1),
      since: now,
    };
  };
  for (const [placement, { targets, attempt }] of Object.entries(before.lines)) {
    const run = targets[cluster]?.run;
    if (run && run.phase !== 'removed') order(placement, attempt);
  }
  for (const [placement, { attempt, digest }] of Object.entries(was?.observed ?? {}))
    if (digest !== null) order(placement, attempt);
  return orders;
}
