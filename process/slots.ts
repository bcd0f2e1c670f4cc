type Waiting = { start(): void };

/** Lets a few of many run at once; the others wait in order, and when too many wait the next one is turned away. */
export class Slots {
  #free: number;
  readonly #mostWaiting: number;
  readonly #refuse: (most: number) => Error;
  readonly #waiting = new Set<Waiting>();

  /** `refuse` makes what the one too many is told. */
  constructor(slots: number, mostWaiting: number, refuse: (most: number) => Error) {
    this.#free = slots;
    this.#mostWaiting = mostWaiting;
    this.#refuse = refuse;
  }

  async run<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    signal.throwIfAborted();
    await this.#take(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #take(signal: AbortSignal): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    if (this.#waiting.size >= this.#mostWaiting) throw this.#refuse(this.#mostWaiting);
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        this.#waiting.delete(waiting);
        reject(signal.reason);
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #release(): void {
    const [next] = this.#waiting;
    if (!next) this.#free++;
    else {
      this.#waiting.delete(next);
      next.start();
    }
  }
}
