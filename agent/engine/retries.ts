import { backoff } from '../core/backoff.ts';
import type { PlacementState } from './placement-state.ts';
import type { Clock } from './ports.ts';

/** After another placement has taken an object, the one that had it looks so much later, ms. */
const SOON = 100;

export type RetriesOptions = {
  /** Tries the placement again; must not reject. */
  again(state: PlacementState): Promise<void>;
  /** Back-off of applies that were not whole, ms. */
  delays: { first: number; most: number };
  clock: Clock;
  life: AbortSignal;
};

/** Tries placements again by themselves: what was not whole, and what is being handed over. */
export class Retries {
  readonly #options: RetriesOptions;
  readonly #planned = new Map<PlacementState, NodeJS.Timeout>();
  readonly #soon = new Map<PlacementState, NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** After a run. A hold or a missing approval is not a matter of trying. */
  plan(state: PlacementState): void {
    const { delays, clock } = this.#options;
    if (!state.hasFailed && !state.fault && state.handing.size === 0) {
      state.failures = 0;
      return;
    }
    state.failures++;
    this.#set(this.#planned, state, backoff(delays, state.failures, clock.random()));
  }

  /** Something that the placement hands over has been taken: once for however many objects change hands. */
  soon(state: PlacementState): void {
    if (!this.#soon.has(state)) this.#set(this.#soon, state, SOON);
  }

  /** Somebody else runs it now, or it is gone. */
  cancel(state: PlacementState): void {
    for (const timers of [this.#planned, this.#soon]) {
      clearTimeout(timers.get(state));
      timers.delete(state);
    }
  }

  /** After the life of the engine has ended. */
  async ended(): Promise<void> {
    for (const timers of [this.#planned, this.#soon])
      for (const timer of timers.values()) clearTimeout(timer);
    await Promise.all(this.#running);
  }

  #set(timers: Map<PlacementState, NodeJS.Timeout>, state: PlacementState, delay: number): void {
    const { again, life } = this.#options;
    clearTimeout(timers.get(state));
    const due = (): void => {
      timers.delete(state);
      if (life.aborted || (timers === this.#soon && state.handing.size === 0)) return;
      const done = again(state).finally(() => this.#running.delete(done));
      this.#running.add(done);
    };
    timers.set(state, setTimeout(due, delay));
  }
}
