import type { DriftState, HealthState, Status as Report, SyncState } from '#proto/messages.ts';
import type { EffectiveCluster, IndexedAssignment } from '../types.ts';
import type { Axes, Axis, Connectivity } from './axes.ts';
import type { Decided } from './decided.ts';
import { headlineOf, type StatusView } from './headline.ts';

export type Version = { readonly revision: string; readonly digest: string };

/** One placement on one cluster, as shown. There is one for every assignment of the fleet: what can be looked up is not in it. */
export type AssignmentRow = {
  readonly cluster: string;
  readonly placement: string;
  /** What the hub has decided that the cluster runs; undefined while nothing is decided. */
  readonly desired: Version | undefined;
  readonly applied: Version | undefined;
  readonly attempt: number | undefined;
  readonly status: StatusView;
  readonly waitingFor: string | undefined;
  /** The newest that the agent has said. */
  readonly report: Report | undefined;
};

export type AssignmentFacts = {
  readonly cluster: string;
  readonly placement: string;
  readonly entry: EffectiveCluster;
  readonly indexed: IndexedAssignment;
  readonly target: Decided | undefined;
  readonly report: Report | undefined;
  readonly connectivity: Axis<Connectivity>;
  /** Its removal waits for an approval: why, and since when. */
  readonly held?: { readonly reason: string; readonly since: number } | undefined;
};

/**
 * Desired, applied and the axes of an assignment. The agent's words stand, except where the hub has decided something
 * that the agent has not echoed yet: what it says is then about the attempt before.
 */
export function deriveAssignment(facts: AssignmentFacts): AssignmentRow {
  const { cluster, placement, target, report, connectivity } = facts;
  const axes: Axes = {
    connectivity,
    sync: heldBack(syncOf(facts), facts),
    drift: report ? timed<DriftState>(report.drift) : unreported(facts),
    health: report ? timed<HealthState>(report.health) : unreported(facts),
  };
  return {
    cluster,
    placement,
    desired: target,
    applied: report?.applied,
    attempt: target?.attempt,
    status: { ...axes, headline: headlineOf(axes) },
    waitingFor: waitingFor(facts, axes.sync),
    report,
  };
}

/** True while the agent has not echoed the attempt that the hub has decided on. */
function isUnechoed({ target, report }: AssignmentFacts): boolean {
  if (!target || (report && report.attempt >= target.attempt)) return false;
  return target.state !== 'Unchanged' && target.state !== 'Current';
}

function syncOf(facts: AssignmentFacts): Axis<SyncState> {
  const { indexed, target, report, entry } = facts;
  if (!target && !report && indexed.problem) {
    return { state: 'FAILED', reason: indexed.problem.message, since: indexed.problem.since };
  }
  const unechoed = isUnechoed(facts);
  if (!unechoed && report) return timed<SyncState>(report.sync);
  if (entry.document.spec.suspend) {
    return { state: 'SUSPENDED', reason: 'its entry says suspend: true', since: begun(facts) };
  }
  if (target && !unechoed) return unreported(facts);
  return { state: 'PENDING', reason: awaited(facts), since: begun(facts) };
}

/** It is enforced as before; what goes wrong with that is told first. */
function heldBack(sync: Axis<SyncState>, { held }: AssignmentFacts): Axis<SyncState> {
  return held && sync.state === 'SYNCED' ? { state: 'AWAITING_APPROVAL', ...held } : sync;
}

/** What an assignment waits for that the hub has decided on, or not even that. */
function awaited({ target, connectivity }: AssignmentFacts): string {
  if (connectivity.state === 'NEVER_CONNECTED') return 'the agent to connect for the first time';
  if (connectivity.state === 'OFFLINE' || target?.state === 'Offline') return 'the cluster to come back';
  if (!target) return 'the rollout to reach its stage';
  return `the agent to take up ${target.revision.slice(0, 7)}`;
}

function waitingFor(facts: AssignmentFacts, sync: Axis<SyncState>): string | undefined {
  const { indexed, target, report, held } = facts;
  if (held) return held.reason;
  if (indexed.problem) {
    const kept = target ?? report?.applied;
    const where = kept ? `stays at ${kept.revision.slice(0, 7)} until this is mended` : 'this to be mended';
    return `${where}: ${indexed.problem.message}`;
  }
  if (sync.state === 'PENDING' || sync.state === 'AWAITING_APPROVAL') return sync.reason;
  return undefined;
}

const begun = ({ target, entry }: AssignmentFacts): number =>
  target?.since ?? entry.enrolledBy.committer.at * 1_000;

const unreported = (facts: AssignmentFacts): Axis<'UNKNOWN'> => ({
  state: 'UNKNOWN',
  reason: 'not reported yet',
  since: begun(facts),
});

function timed<S extends string>(axis: { state: S; reason?: string | undefined; since: string }): Axis<S> {
  return { state: axis.state, reason: axis.reason, since: Date.parse(axis.since) };
}
