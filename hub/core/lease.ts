import { z } from 'zod';
import { atLeast, atMost, type Moment } from '#process/moment.ts';

/** Who decides: the entry that all hubs of a fleet compete for. `id` is empty where the last holder has given it up. */
const entry = z.object({
  v: z.literal(1),
  id: z.string(),
  /** For people. */
  name: z.string(),
  /** Unix milliseconds, by the holder's clock; for people. */
  since: z.number(),
  /** How long the others have to see it unchanged before one of them takes over. */
  durationMs: z.number().positive(),
});
export type LeaseEntry = Omit<z.infer<typeof entry>, 'v'>;

export const writeLease = (lease: LeaseEntry): string => JSON.stringify({ v: 1, ...lease });

/** Undefined for what is none, or is of a version that this hub does not know: it is waited for all the same. */
export function readLease(text: string): LeaseEntry | undefined {
  try {
    const { v: _, ...lease } = entry.parse(JSON.parse(text));
    return lease;
  } catch {
    return undefined; // taken over after this hub's own duration, as from anybody who is gone
  }
}

/** The holder lets go so much earlier than another may take over: room for clocks that run differently. */
const HELD_FOR = 2 / 3;
export const RENEWALS = 1 / 3;

/** Whether whoever began to write its entry at a moment may still decide (ADR 15). */
export const isHeld = (writtenAt: Moment, now: Moment, durationMs: number): boolean =>
  atMost(writtenAt, now) < durationMs * HELD_FOR;

/** What another hub has seen of the entry: its revision, and when that was seen first. */
export type Sight = { readonly revision: number; readonly at: Moment; readonly durationMs: number };

/**
 * Whether the entry can be taken over: it is not there, was given up, or has been seen unchanged for as long as it says.
 * Nobody's clock is compared with anybody else's.
 */
export function isFree(
  lease: LeaseEntry | undefined,
  sight: Sight | undefined,
  now: Moment,
  ownMs: number,
): boolean {
  if (sight === undefined || lease?.id === '') return true;
  return atLeast(sight.at, now) >= Math.max(lease?.durationMs ?? 0, ownMs);
}
