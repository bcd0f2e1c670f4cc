import { pause } from '#process/wait.ts';
import { eachOf } from './pool.ts';
import type { Clock } from './ports.ts';

/** What is asked for is gathered so long, ms. */
const GATHER_MS = 2_000;
/** And gives way to other requests no longer than this, ms. */
const MOST_MS = 60_000;
/** Those of placements that share a ConfigMap are one write. */
const WIDTH = 192;

export type LazyWritesOptions = {
  /** Throws where it has to be tried again. */
  write(placement: string, signal: AbortSignal): Promise<void>;
  /** Resolves when no other request waits for its turn. */
  lull(signal: AbortSignal): Promise<void>;
  clock: Pick<Clock, 'now'>;
  life: AbortSignal;
};

/**
 * Writes that nobody waits for, one per placement however often it is asked for: gathered, and made when nothing else wants to be
 * written. What fails is tried again.
 */
export class LazyWrites {
  readonly #options: LazyWritesOptions;
  /** Since when each has been asked for, ms; the oldest first. */
  readonly #since = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(options: LazyWritesOptions) {
    this.#options = options;
  }

  ask(placement: string): void {
    const { clock, life } = this.#options;
    if (this.#since.has(placement) || life.aborted) return;
    this.#since.set(placement, clock.now());
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Writes everything that was asked for now. What fails is left. */
  async flush(signal: AbortSignal): Promise<void> {
    const placements = [...this.#since.keys()];
    this.#since.clear();
    await eachOf(placements, WIDTH, (placement) => this.#options.write(placement, signal));
  }

  /** After the life of the engine has ended. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, lull, life } = this.#options;
    while (!life.aborted) {
      const [oldest] = this.#since.values();
      if (oldest === undefined) return;
      await pause(oldest + GATHER_MS - clock.now(), life);
      const patience = AbortSignal.timeout(Math.max(0, oldest + MOST_MS - clock.now()));
      await lull(AbortSignal.any([life, patience]));
      if (life.aborted) return;
      await this.#some();
    }
  }

  async #some(): Promise<void> {
    const { clock, life } = this.#options;
    const due = [...this.#since].filter(([, since]) => since + GATHER_MS <= clock.now()).slice(0, WIDTH);
    await eachOf(due, WIDTH, async ([placement]) => {
      this.#since.delete(placement);
      try {
        await this.#options.write(placement, life);
      } catch {
        // It stays noted, and is asked for again like anything new.
        if (!life.aborted) this.#since.set(placement, clock.now());
      }
    });
  }
}
