import { isDeepStrictEqual } from 'node:util';
import type { ClusterFacts, DriftState, HealthState, SyncState } from '#proto/messages.ts';
import type { Labels } from '#proto/selector.ts';
import type { EffectiveCluster } from '../types.ts';
import type { AssignmentRow } from './assignment.ts';
import {
  type Axes,
  type Axis,
  type Connectivity,
  DRIFT_WORST_FIRST,
  HEALTH_WORST_FIRST,
  SYNC_WORST_FIRST,
  worstOf,
} from './axes.ts';
import type { Removal } from './decided.ts';
import { foldHeadlines, type StatusView } from './headline.ts';

/** One cluster, as shown. Immutable: each change makes a new row with a higher `version`. */
export type ClusterRow = {
  readonly name: string;
  readonly labels: Labels;
  readonly entry: EffectiveCluster;
  /** Reported by the agent; never used for targeting. */
  readonly facts: ClusterFacts;
  readonly status: StatusView;
  /** By name of the placement. */
  readonly assignments: readonly AssignmentRow[];
  readonly removals: readonly Removal[];
  /** The view's counter when this row was made. */
  readonly version: number;
};

type Part<S extends string> = readonly [name: string, axis: Axis<S>];

/** Folds the axes worst-of over the assignments. A cluster without any is synced: there is nothing to do. */
export function foldCluster(
  entry: EffectiveCluster,
  connectivity: Axis<Connectivity>,
  assignments: readonly AssignmentRow[],
  removals: readonly Removal[],
): StatusView {
  const since = entry.enrolledBy.committer.at * 1_000;
  const fold = <S extends string>(worstFirst: readonly S[], parts: readonly Part<S>[]): Axis<S> =>
    parts.length > 0
      ? worstOf(worstFirst, parts)
      : { state: worstFirst.at(-1)!, reason: 'nothing is assigned', since };
  const leaving = removals.map(
    (removal): Part<'APPLYING'> => [
      removal.placement,
      { state: 'APPLYING', reason: 'is being removed', since: removal.since },
    ],
  );
  const axes: Axes = {
    connectivity,
    sync: fold<SyncState>(SYNC_WORST_FIRST, [
      ...assignments.map(({ placement, status }) => [placement, status.sync] as const),
      ...leaving,
    ]),
    drift: fold<DriftState>(
      DRIFT_WORST_FIRST,
      assignments.map(({ placement, status }) => [placement, status.drift] as const),
    ),
    health: fold<HealthState>(
      HEALTH_WORST_FIRST,
      assignments.map(({ placement, status }) => [placement, status.health] as const),
    ),
  };
  const headlines = [...assignments.map((row) => [row.placement, row.status.headline] as const), ...leaving];
  return { ...axes, headline: foldHeadlines(axes, headlines) };
}

/** Whether two rows show the same; times at which it was observed do not count. */
export function sameRow(a: ClusterRow, b: ClusterRow): boolean {
  return (
    sameEntry(a.entry, b.entry) &&
    a.facts === b.facts &&
    sameStatus(a.status, b.status) &&
    a.removals.length === b.removals.length &&
    a.assignments.length === b.assignments.length &&
    a.assignments.every((row, index) => sameAssignment(row, b.assignments[index]!))
  );
}

const sameEntry = (a: EffectiveCluster, b: EffectiveCluster) =>
  a === b ||
  (a.file === b.file &&
    a.invalid === b.invalid &&
    (a.document === b.document || isDeepStrictEqual(a.document, b.document)));

const sameAssignment = (a: AssignmentRow, b: AssignmentRow) =>
  a.placement === b.placement &&
  a.report === b.report &&
  a.desired?.digest === b.desired?.digest &&
  a.desired?.revision === b.desired?.revision &&
  a.waitingFor === b.waitingFor &&
  sameStatus(a.status, b.status);

const sameStatus = (a: StatusView, b: StatusView) =>
  (['headline', 'connectivity', 'sync', 'drift', 'health'] as const).every(
    (axis) =>
      a[axis].state === b[axis].state && a[axis].reason === b[axis].reason && a[axis].since === b[axis].since,
  );
