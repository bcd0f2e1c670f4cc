/** A request that takes longer no longer counts, so that a webhook that hangs holds up nobody else, ms. */
const SLOW_MS = 2_000;

/**
 * Bounds how many requests are under way at once, first come, first served: more would only wait in the API server, each with a
 * connection of its own.
 */
export class Gate {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(width: number) {
    this.#free = width;
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

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      if (this.#waiting.delete(resolve)) reject(signal.reason);
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
  }
}
