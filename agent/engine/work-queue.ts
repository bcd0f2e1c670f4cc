import type { Clock } from './ports.ts';

/**
 * Items that want to be worked on, now or at a time. Level-triggered: an item stands in it once however often it is asked for, and an
 * item asked for while it is worked on comes again. Bounded by the number of items.
 */
export class WorkQueue<T> {
  readonly #work: (item: T) => Promise<void>;
  readonly #width: number;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #life: AbortSignal;
  readonly #ready = new Set<T>();
  readonly #later = new Map<T, number>();
  readonly #running = new Set<Promise<void>>();
  #calls: { at: number; call: () => void }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;

  /** `work` must not reject. `width` at a time. */
  constructor(work: (item: T) => Promise<void>, width: number, clock: Pick<Clock, 'now'>, life: AbortSignal) {
    this.#work = work;
    this.#width = width;
    this.#clock = clock;
    this.#life = life;
  }

  /** At once, or at a time (ms); the earlier of several wins. */
  schedule(item: T, at = 0): void {
    if (this.#ready.has(item)) return;
    if (at <= this.#clock.now()) {
      this.#later.delete(item);
      this.#ready.add(item);
      this.#pump();
      return;
    }
    const known = this.#later.get(item);
    if (known !== undefined && known <= at) return;
    this.#later.set(item, at);
    this.#wakeAt(at);
  }

  /** What was to be done later is not needed any more. */
  cancel(item: T): void {
    this.#later.delete(item);
  }

  /** Calls back at a time (ms). */
  afterwards(at: number, call: () => void): void {
    this.#calls.push({ at, call });
    this.#wakeAt(at);
  }

  /** Resolves when nothing runs any more; for the end of the engine. */
  async ended(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#running);
  }

  #wakeAt(at: number): void {
    if (at >= this.#wakesAt || this.#life.aborted) return;
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => this.#due(), Math.max(1, at - this.#clock.now()));
  }

  #due(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    if (this.#life.aborted) return;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [item, at] of this.#later) {
      if (at > now) next = Math.min(next, at);
      else {
        this.#later.delete(item);
        this.#ready.add(item);
      }
    }
    const due = this.#calls.filter(({ at }) => at <= now);
    this.#calls = this.#calls.filter(({ at }) => at > now);
    for (const { call } of due) call();
    for (const { at } of this.#calls) next = Math.min(next, at);
    this.#pump();
    if (next < Number.POSITIVE_INFINITY) this.#wakeAt(next);
  }

  #pump(): void {
    for (const item of this.#ready) {
      if (this.#running.size >= this.#width || this.#life.aborted) return;
      this.#ready.delete(item);
      const run = this.#work(item).finally(() => {
        this.#running.delete(run);
        this.#pump();
      });
      this.#running.add(run);
    }
  }
}
