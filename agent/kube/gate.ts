import { aborted, pause } from '#process/wait.ts';

/** A request that takes longer no longer counts, so that a webhook that hangs holds up nobody else, ms. */
const SLOW_MS = 2_000;
const LULL_MS = 3_000;

/**
 * Bounds how many requests are under way at once, first come, first served: more would only wait in the API server, each with a
 * connection of its own.
 */
export class Gate {
  #free: number;
  readonly #lullMs: number;
  readonly #waiting = new Set<() => void>();
  /** When somebody waited last, ms. */
  #crowdedAt = 0;
  #lull = Promise.withResolvers<void>();

  /** `lullMs`: how long nobody must have waited for a lull. */
  constructor(width: number, lullMs = LULL_MS) {
    this.#free = width;
    this.#lullMs = lullMs;
  }

  /** Rejects with the reason of the signal when it is aborted before the turn has come. */
  async pass<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      this.#leave();
    };
    const slow = setTimeout(leave, SLOW_MS);
    try {
      return await work();
    } finally {
      clearTimeout(slow);
      leave();
    }
  }

  /**
   * Resolves when nobody has had to wait for a turn for a while, or the signal is aborted: what is not urgent gives way to everything
   * else, and to what controllers make of it.
   */
  async lull(signal: AbortSignal): Promise<void> {
    const over = aborted(signal);
    while (!signal.aborted) {
      const left = this.#crowdedAt + this.#lullMs - Date.now();
      if (this.#waiting.size > 0) await Promise.race([this.#lull.promise, over]);
      else if (left > 0) await pause(left, signal);
      else return;
    }
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal.reason);
      this.#noteLull();
    };
    this.#waiting.add(resolve);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
    this.#noteLull();
  }

  #noteLull(): void {
    if (this.#waiting.size > 0) return;
    this.#crowdedAt = Date.now();
    this.#lull.resolve();
    this.#lull = Promise.withResolvers();
  }
}
