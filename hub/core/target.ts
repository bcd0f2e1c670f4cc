import type { StatusFacts, TargetState, TargetStateName } from './types.ts';

/** The state of a target as its agent's reports have it; the same object when nothing changed. */
export function observe(
  target: TargetState,
  status: StatusFacts | undefined,
  offline: boolean,
  now: number,
): TargetState {
  const state = target.removal === undefined ? judge(target, status, offline) : judgeRemoval(target, status);
  return state === target.state ? target : { ...target, state, since: now };
}

/** Reports for another attempt never count. Once Current or Failed, going through the motions again is no news. */
function judge(target: TargetState, status: StatusFacts | undefined, offline: boolean): TargetStateName {
  const { state } = target;
  if (state === 'Current' || state === 'Unchanged') return state;
  if (!status || status.attempt !== target.attempt) {
    if (state !== 'Waiting' && state !== 'Offline') return state;
    return offline ? 'Offline' : 'Waiting';
  }
  const seen = stateOf(status, target.digest);
  return state === 'Failed' && seen !== 'Current' ? state : seen;
}

/** Gone is what the agent says is gone since it was ordered. What it said before may be about an earlier life. */
function judgeRemoval(
  { state, removalAfter = 0 }: TargetState,
  status: StatusFacts | undefined,
): TargetStateName {
  if (state === 'Removed') return 'Removed';
  return status?.removed && status.epoch > removalAfter ? 'Removed' : 'Waiting';
}

/** What the echo of an attempt says. What awaits approval is counted as done: everything else was applied. */
function stateOf({ sync, health, appliedDigest }: StatusFacts, digest: string): TargetStateName {
  switch (sync) {
    case 'FAILED':
      return 'Failed';
    case 'SYNCED':
    case 'AWAITING_APPROVAL':
      if (appliedDigest !== digest) return 'Applying';
      if (health === 'FAILED') return 'Failed';
      return health === 'CURRENT' ? 'Current' : 'Verifying';
    case 'SUSPENDED':
    case 'HELD':
    case 'PENDING':
      return 'Waiting';
    case 'APPLYING':
    case 'UNKNOWN':
      return 'Applying';
    default:
      sync satisfies never;
      return 'Waiting';
  }
}

/** Targets that a line no longer waits for. */
export function hasEnded({ state }: TargetState): boolean {
  return state === 'Current' || state === 'Unchanged' || state === 'Removed' || state === 'Offline';
}

/** A new start on a cluster: never the number of an earlier one. */
export function nextAttempt(last: number, now: number): number {
  return Math.max(now, last + 1);
}
