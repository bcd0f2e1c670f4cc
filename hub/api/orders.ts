import type { EffectivePlacement } from '../core/types.ts';
import type { ApprovalRow } from '../core/view/approvals.ts';
import type { AssignmentRow } from '../core/view/assignment.ts';
import type { ClusterRow } from '../core/view/cluster.ts';
import type { EventRow } from '../core/view/events.ts';
import { rankOf } from '../core/view/headline.ts';
import type { Order, SortKey } from '../core/view/paging.ts';
import type { ProblemRow } from '../core/view/problems.ts';
import type { DriftRow, ResourceRow } from '../core/view/resources.ts';
import type { ChangeRow } from '../core/view/rollouts/change.ts';
import type { RolloutRow } from '../core/view/rollouts/rollout.ts';
import type { StageApprovalRow } from '../core/view/rollouts/stage-approvals.ts';
import type { TargetRow } from '../core/view/rollouts/targets.ts';

export const CLUSTER_ORDER_FIELDS = ['NAME', 'HEADLINE', 'SINCE', 'LAST_CONNECTED'] as const;
export type ClusterOrder = {
  readonly field: (typeof CLUSTER_ORDER_FIELDS)[number];
  readonly direction: 'ASC' | 'DESC';
};

/** HEADLINE ascending is worst first. A cluster that was never heard of counts as last connected at the beginning of time. */
export function clusterOrder(
  { field, direction }: ClusterOrder,
  observedAt: (cluster: string) => number | undefined,
): Order<ClusterRow> {
  const keys = (row: ClusterRow): SortKey[] => {
    switch (field) {
      case 'NAME':
        return [row.name];
      case 'HEADLINE':
        return [rankOf(row.status.headline.state), row.name];
      case 'SINCE':
        return [row.status.headline.since, row.name];
      case 'LAST_CONNECTED':
        return [observedAt(row.name) ?? 0, row.name];
    }
  };
  return { name: `clusters ${field} ${direction}`, keys, descending: direction === 'DESC' };
}

export const clustersByName: Order<ClusterRow> = {
  name: 'clusters NAME ASC',
  keys: ({ name }) => [name],
};
export const assignmentsByName: Order<AssignmentRow> = {
  name: 'assignments',
  keys: ({ cluster, placement }) => [cluster, placement],
};
export const placementsByName: Order<EffectivePlacement> = {
  name: 'placements',
  keys: ({ document }) => [document.metadata.name],
};
export const newestApprovals: Order<ApprovalRow | StageApprovalRow> = {
  name: 'approvals',
  keys: (row) => [
    row.requestedAt,
    row.placement,
    ...(row.kind === 'STAGE' ? [row.version, row.stage, row.gate] : [row.setHash]),
  ],
  descending: true,
};
export const newestRollouts: Order<RolloutRow> = {
  name: 'rollouts',
  keys: ({ place, placement, version }) => [place, placement, version],
  descending: true,
};
export const newestChanges: Order<ChangeRow> = {
  name: 'changes',
  keys: ({ place, revision }) => [place, revision],
  descending: true,
};
/** `places` are those of the stages in their line. */
export const targetsByStage = (places: ReadonlyMap<string, number>): Order<TargetRow> => ({
  name: 'targets',
  keys: ({ stage, cluster }) => [places.get(stage) ?? places.size, cluster],
});
export const newestRolloutEvents: Order<{ readonly place: number }> = {
  name: 'rollout events',
  keys: ({ place }) => [place],
  descending: true,
};
export const resourcesByName: Order<ResourceRow> = {
  name: 'resources',
  keys: ({ assignment, object }) => [assignment.cluster, assignment.placement, object.id],
};
export const driftsByName: Order<DriftRow> = {
  name: 'drift',
  keys: ({ assignment, field }) => [
    assignment.cluster,
    assignment.placement,
    field.id,
    field.path,
    field.kind,
  ],
};
export const newestProblems: Order<ProblemRow> = {
  name: 'problems',
  keys: ({ since, id }) => [since, id],
  descending: true,
};
export const newestEvents: Order<EventRow> = {
  name: 'events',
  keys: ({ at, id }) => [at, id],
  descending: true,
};
