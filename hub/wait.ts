import { setTimeout as delay } from 'node:timers/promises';

/** Waits that an AbortSignal ends, for the parts of the hub that act. */

/** Resolves after `ms`, or at once when the signal is aborted: the caller looks at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/**
 * A random wait before the n-th retry (from 1), in milliseconds: exponential with full jitter, so that many who lost the
 * same server do not come back at once. (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015.)
 */
export function fullJitter(attempt: number, options: { first: number; most: number }): number {
  return Math.random() * Math.min(options.most, options.first * 2 ** Math.min(attempt - 1, 20));
}

/** A level that somebody waits for: ringing while nobody waits is remembered, many rings are one. */
export class Bell {
  #rung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiting?.();
  }

  /** Resolves when it was rung since the last wait, after `ms` at most, or when aborted. One waiter at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const over = new AbortController();
      this.#waiting = () => over.abort();
      await pause(ms, AbortSignal.any([signal, over.signal]));
      this.#waiting = undefined;
    }
    this.#rung = false;
  }
}
