import type { DriftState, HealthState, SyncState } from '#proto/messages.ts';

/**
 * The four axes of a status. They are orthogonal and never folded into one another: each has a state, a reason in words
 * and the moment it began (Unix milliseconds).
 */
export const CONNECTIVITY_STATES = ['CONNECTED', 'STALE', 'OFFLINE', 'NEVER_CONNECTED'] as const;
export type Connectivity = (typeof CONNECTIVITY_STATES)[number];

export type Axis<S extends string> = {
  readonly state: S;
  readonly reason?: string | undefined;
  readonly since: number;
};

export type Axes = {
  readonly connectivity: Axis<Connectivity>;
  readonly sync: Axis<SyncState>;
  readonly drift: Axis<DriftState>;
  readonly health: Axis<HealthState>;
};

/** Worst first. Not knowing is worse than being on the way, and better than knowing that it failed. */
export const SYNC_WORST_FIRST = [
  'FAILED',
  'UNKNOWN',
  'AWAITING_APPROVAL',
  'APPLYING',
  'PENDING',
  'HELD',
  'SUSPENDED',
  'SYNCED',
] as const satisfies readonly SyncState[];
export const DRIFT_WORST_FIRST = [
  'DRIFTED',
  'ERROR',
  'UNKNOWN',
  'NONE',
] as const satisfies readonly DriftState[];
export const HEALTH_WORST_FIRST = [
  'FAILED',
  'NOT_FOUND',
  'UNKNOWN',
  'TERMINATING',
  'IN_PROGRESS',
  'CURRENT',
] as const satisfies readonly HealthState[];

/**
 * Worst-of over named parts. A state that is not the best one began when its first part entered it; the best one began
 * when the last part reached it. The reason names the part, and how many more share the state.
 * `parts` must not be empty.
 */
export function worstOf<S extends string>(
  worstFirst: readonly S[],
  parts: readonly (readonly [name: string, axis: Axis<S>])[],
): Axis<S> {
  const state = worstFirst.find((candidate) => parts.some(([, axis]) => axis.state === candidate))!;
  const sharing = parts.filter(([, axis]) => axis.state === state);
  const times = sharing.map(([, axis]) => axis.since);
  const best = state === worstFirst.at(-1);
  return {
    state,
    since: best ? Math.max(...times) : Math.min(...times),
    ...(!best && { reason: shared(sharing.map(([name, axis]) => [name, axis.reason])) }),
  };
}

/** `checkout: image cannot be pulled (and 2 more)`. */
export function shared(parts: readonly (readonly [name: string, reason: string | undefined])[]): string {
  const [name, reason] = parts.find(([, reason]) => reason !== undefined) ?? parts[0]!;
  const more = parts.length > 1 ? ` (and ${parts.length - 1} more)` : '';
  return `${name}${reason === undefined ? '' : `: ${reason}`}${more}`;
}
