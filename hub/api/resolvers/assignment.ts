import type { EffectivePlacement } from '../../core/types.ts';
import type { AssignmentRow, Version } from '../../core/view/assignment.ts';
import { countStatuses } from '../../core/view/facets.ts';
import { type AssignmentFilter, assignmentTest } from '../../core/view/filters.ts';
import { type Connection, connect, type PageArguments } from '../connection.ts';
import type { ApiContext } from '../context.ts';
import { idOf } from '../ids.ts';
import { assignmentsByName } from '../orders.ts';
import { placementRollouts } from './rollout.ts';
import { listLabels, location, type Resolver, revision, statusOf } from './shared.ts';

export type ApiAssignmentFilter = AssignmentFilter & { lagSecondsGreaterThan?: number | null };
type Of<A = unknown> = Resolver<AssignmentRow, A>;

export function assignmentConnection(
  rows: readonly AssignmentRow[],
  { filter, ...page }: PageArguments & { filter?: ApiAssignmentFilter | null },
  context: ApiContext,
): Connection<AssignmentRow> {
  const { view } = context;
  const test = assignmentTest(filter, (cluster) => view.labelsOf(cluster));
  const most = filter?.lagSecondsGreaterThan;
  const lags = (row: AssignmentRow) => most == null || (view.lag(row)?.seconds ?? 0) > most;
  return connect(
    rows.filter((row) => test(row) && lags(row)),
    assignmentsByName,
    page,
    context,
  );
}

export const version = (of: Version | undefined, context: ApiContext) =>
  of && { revision: revision(of.revision, context), digest: of.digest };

const Assignment = {
  id: (({ cluster, placement }) => idOf('Assignment', cluster, placement)) as Of,
  cluster: (({ cluster }, _, { view }) => view.cluster(cluster)) as Of,
  placement: (({ placement }, _, { view }) => view.placement(placement)) as Of,
  path: ((row, _, { view }) => view.indexed(row)?.assignment?.path) as Of,
  namespace: ((row, _, { view }) => view.indexed(row)?.assignment?.namespace) as Of,
  desired: (({ desired }, _, context) => version(desired, context)) as Of,
  applied: (({ applied }, _, context) => version(applied, context)) as Of,
  lag: ((row, _, { view }) => view.lag(row)) as Of,
  stage: (({ cluster, placement }, _, { view }) => view.rollouts.stageOf(cluster, placement)) as Of,
  status: (({ status, cluster }, _, context) => statusOf(status, cluster, context)) as Of,
  counts: (({ report }) => report?.counts) as Of,
  truncated: (({ report }) => report?.truncated ?? { objects: 0, drifts: 0 }) as Of,
};

const AssignmentConnection = {
  statusCounts: (({ rows }) => countStatuses(rows)) as Resolver<Connection<AssignmentRow>>,
  revisionCounts: (({ rows }, _, context) => {
    const applied = rows.filter((row) => row.applied);
    const counted = [...Map.groupBy(applied, (row) => row.applied!.revision)];
    const age = (oid: string) => context.view.ageOf(oid) ?? Number.MAX_SAFE_INTEGER;
    return counted
      .sort(([a], [b]) => age(a) - age(b) || (a < b ? -1 : 1))
      .map(([oid, members]) => ({ revision: revision(oid, context), count: members.length }));
  }) as Resolver<Connection<AssignmentRow>>,
};

const Placement = {
  ...placementRollouts,
  id: (({ document }) => idOf('Placement', document.metadata.name)) as Resolver<EffectivePlacement>,
  name: (({ document }) => document.metadata.name) as Resolver<EffectivePlacement>,
  labels: (({ document }) => listLabels(document.metadata.labels)) as Resolver<EffectivePlacement>,
  owner: (({ document }) => document.spec.owner) as Resolver<EffectivePlacement>,
  runbook: (({ document }) => document.spec.runbook) as Resolver<EffectivePlacement>,
  source: ((placement) => location(placement)) as Resolver<EffectivePlacement>,
  deleted: (({ document }, _, { view }) =>
    !view.index?.placements.has(document.metadata.name)) as Resolver<EffectivePlacement>,
  version: (({ versions }, _, context) =>
    revision(
      versions.at(-1)?.revision ?? context.view.index!.head.oid,
      context,
    )) as Resolver<EffectivePlacement>,
  dependsOn: (({ document }, _, { view }) =>
    (document.spec.dependsOn ?? [])
      .map((name) => view.index?.placements.get(name))
      .filter((placement) => placement !== undefined)) as Resolver<EffectivePlacement>,
  assignments: (({ document }, args, context) =>
    assignmentConnection(
      context.view.assignments().filter(({ placement }) => placement === document.metadata.name),
      args,
      context,
    )) as Resolver<EffectivePlacement, PageArguments & { filter?: ApiAssignmentFilter | null }>,
};

export const assignmentResolvers = { Assignment, AssignmentConnection, Placement };
