import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '#proto/faults.ts';
import { span } from './rollouts/looks.ts';
import type { Surroundings } from './verb.ts';

const QUERY = 'subscription { clusterChanges { name } }';
const LEAST_MS = 500;
/** What is shown besides clusters has no subscription: it is at most this old. */
const MOST_MS = 5_000;
const RETRY_MS = 2_000;
/** A hub that needs longer is said to, for what is shown grows old meanwhile. */
const SLOW_MS = 5_000;

/**
 * Calls `show` at once, whenever a cluster has changed, and every 5 s, but not more than twice a second; until the signal
 * says so. A hub that goes away, or does not answer for 5 s, is waited for, and said so once.
 */
export async function watch(
  show: () => Promise<void>,
  { hub, talk, now, signal }: Surroundings,
): Promise<void> {
  const done = new AbortController();
  const until = AbortSignal.any([signal, done.signal]);
  let wake: () => void = () => undefined;
  const follow = async () => {
    while (!until.aborted) {
      try {
        for await (const _ of hub.subscribe(QUERY, until)) wake();
      } catch (error) {
        // Whatever it is, the next `show` meets it too and says so; without the subscription there is still the 5 s.
        if (!(error instanceof Error)) throw error;
      }
      wake();
      await pause(RETRY_MS, until);
    }
  };
  const following = follow();
  let lost = false;
  let shownAt = now();
  const isLost = (why: string) => {
    const age = span(now() - shownAt);
    if (!lost) talk(`${why}; what is shown is ${age} old; waiting for it`);
    lost = true;
  };
  try {
    while (!signal.aborted) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const slow = setTimeout(() => isLost(`hub ${hub.url} has not answered for 5s`), SLOW_MS);
      try {
        await show();
        shownAt = now();
        if (lost) talk(`hub ${hub.url} answers again`);
        lost = false;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof FlotillaError) || error.code !== 'hub-unreachable') throw error;
        isLost(error.message);
      } finally {
        clearTimeout(slow);
      }
      await pause(LEAST_MS, until);
      await Promise.race([changed, pause(MOST_MS, until)]);
    }
  } finally {
    done.abort();
    await following;
  }
}

/** Sleeps, or less long when the signal comes. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
