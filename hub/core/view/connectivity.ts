import type { Axis, Connectivity } from './axes.ts';

/** How silence is judged; milliseconds. */
export type Patience = {
  /** Between two heartbeats of an agent, before its jitter of ±20 %. */
  readonly heartbeatMs: number;
  readonly offlineAfterMs: number;
};
export const DEFAULT_PATIENCE: Patience = { heartbeatMs: 30_000, offlineAfterMs: 300_000 };
const MISSED = 3;
const JITTER = 1.2;

/**
 * When an agent was last heard of. `at` is Unix milliseconds by the clock of the hub or its bus; `clock` is hub time: it
 * counts only while this hub listens. `live` is false where all that is known was stored before this hub listened.
 */
export type Heard = {
  readonly at: number;
  readonly clock: number;
  readonly live: boolean;
  /** When the current unbroken contact began. */
  readonly contactSince: number;
};

/** Silence after which a cluster is STALE: three heartbeats at their longest. */
const staleAfterMs = ({ heartbeatMs }: Patience): number => MISSED * heartbeatMs * JITTER;

/**
 * Connectivity by hub time alone: nobody else's clock is used, and while the hub itself is cut off nobody is judged,
 * because its clock stands. `enrolledAt` is when the cluster's entry was committed.
 */
export function connectivityOf(
  heard: Heard | undefined,
  clock: number,
  patience: Patience,
  enrolledAt: number,
): Axis<Connectivity> {
  if (!heard) {
    return { state: 'NEVER_CONNECTED', reason: 'its agent has never been heard of', since: enrolledAt };
  }
  const { live, at, contactSince } = heard;
  const state = stateOf(heard, clock, patience);
  switch (state) {
    case 'OFFLINE':
      return { state, reason: `silent for ${inWords(patience.offlineAfterMs)}`, since: at };
    case 'STALE':
      return {
        state,
        reason: live ? `missed ${MISSED} heartbeats` : 'not heard of since the hub started',
        since: at,
      };
    case 'CONNECTED':
      return { state, since: contactSince };
  }
}

/** The same without words, for asking it of everybody every second. */
export function stateOf(
  heard: Heard,
  clock: number,
  patience: Patience,
): Exclude<Connectivity, 'NEVER_CONNECTED'> {
  const silence = clock - (heard.live ? heard.clock : 0);
  if (silence >= patience.offlineAfterMs) return 'OFFLINE';
  return !heard.live || silence >= staleAfterMs(patience) ? 'STALE' : 'CONNECTED';
}

const inWords = (ms: number) => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`);
