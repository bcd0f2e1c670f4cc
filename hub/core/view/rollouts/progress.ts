import type { StateCounts } from '#rollouts/events.ts';
import type { TargetState } from '#rollouts/state.ts';

/** How many clusters of a rollout are where. */
export type Progress = {
  readonly total: number;
  readonly current: number;
  /** Also verifying. */
  readonly applying: number;
  readonly waiting: number;
  readonly failed: number;
  readonly offline: number;
  readonly blocked: number;
  readonly unchanged: number;
  readonly removed: number;
};

const COUNTED: Record<TargetState, Exclude<keyof Progress, 'total'>> = {
  Waiting: 'waiting',
  Applying: 'applying',
  Verifying: 'applying',
  Current: 'current',
  Failed: 'failed',
  Offline: 'offline',
  Blocked: 'blocked',
  Unchanged: 'unchanged',
  Removed: 'removed',
};

export const NONE: Progress = {
  total: 0,
  current: 0,
  applying: 0,
  waiting: 0,
  failed: 0,
  offline: 0,
  blocked: 0,
  unchanged: 0,
  removed: 0,
};

export function statesOf(rows: readonly { readonly state: TargetState }[]): StateCounts {
  const counts: Partial<Record<TargetState, number>> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export function progressOf(states: StateCounts): Progress {
  const counts = { ...NONE };
  for (const [state, count] of Object.entries(states) as [TargetState, number][]) {
    counts[COUNTED[state]] += count;
    counts.total += count;
  }
  return counts;
}

export function sumOf(all: readonly Progress[]): Progress {
  const sum = { ...NONE };
  for (const one of all)
    for (const key of Object.keys(sum) as (keyof Progress)[])
      (sum as Record<keyof Progress, number>)[key] += one[key];
  return sum;
}

/** Of the clusters that it changes, those that are Current by it or rid of it; rounded down, so that 100 means all. */
export function percentOf({ total, unchanged, current, removed }: Progress): number {
  const changed = total - unchanged;
  return changed === 0 ? 100 : Math.floor((1_000 * (current + removed)) / changed) / 10;
}
