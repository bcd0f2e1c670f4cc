import { setTimeout as delay } from 'node:timers/promises';

/** Waits that an AbortSignal ends, for everything that acts. */

/** What a timer of Node can hold; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Resolves after `ms`, or at once when the signal is aborted: the caller looks at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await delay(Math.min(ms, LONGEST_TIMER), undefined, { signal }).catch(ignoreAbort);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A signal that is aborted once all of these are, for work that several wait for. Disposing of it leaves nothing at them. */
export function untilAll(signals: readonly AbortSignal[]): { signal: AbortSignal } & Disposable {
  const end = new AbortController();
  const look = (): void => {
    if (signals.every(({ aborted }) => aborted)) end.abort(signals[0]?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', look);
  look();
  return {
    signal: end.signal,
    [Symbol.dispose]() {
      for (const signal of signals) signal.removeEventListener('abort', look);
    },
  };
}

/**
 * Runs works side by side until all have ended. The first that fails ends the others, and its failure is thrown once nothing runs any
 * more; what the others throw while they are being ended is not news.
 */
export async function together(
  works: readonly ((signal: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const end = new AbortController();
  const during = AbortSignal.any([signal, end.signal]);
  let failure: { error: unknown } | undefined;
  const guarded = works.map(async (work) => {
    try {
      await work(during);
    } catch (error) {
      if (!during.aborted) failure = { error };
      end.abort();
    }
  });
  await Promise.all(guarded);
  if (failure) throw failure.error;
}

function ignoreAbort(error: unknown): void {
  if ((error as { name?: unknown }).name !== 'AbortError') throw error;
}

/**
 * A random wait before the n-th retry (from 1), in milliseconds: exponential with full jitter, so that many who lost the
 * same server do not come back at once. (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015.)
 */
export function fullJitter(attempt: number, options: { first: number; most: number }): number {
  return Math.random() * Math.min(options.most, options.first * 2 ** Math.min(attempt - 1, 20));
}

/** A level that somebody waits for: `ring` while nobody waits is remembered, many rings are one. */
export class Bell {
  #rung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#waiting?.();
  }

  /** Resolves when the bell has been rung since the last wait, after `ms` at most, or when aborted. One waiter at a time. */
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
