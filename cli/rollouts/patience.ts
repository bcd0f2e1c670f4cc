import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '#proto/faults.ts';
import type { Hub } from '../hub.ts';
import { span } from './looks.ts';

export const RETRY_MS = 2_000;
const BEAT_MS = 2_000;

/**
 * A hub that goes away, or stands still with its connections open, is waited for. It is asked for a sign of life every 2 s; where none
 * comes, that is said once, and once that it answers again, and what is under way is asked anew.
 */
export class Patience {
  readonly until: AbortSignal;
  readonly #hub: Hub;
  readonly #now: () => number;
  readonly #say: (words: string) => void;
  #heardAt: number;
  #lost = false;
  /** Aborted with everything that a hub was asked which has fallen silent since. */
  #round = new AbortController();

  constructor(hub: Hub, now: () => number, say: (words: string) => void, until: AbortSignal) {
    this.#hub = hub;
    this.#now = now;
    this.#say = say;
    this.until = until;
    this.#heardAt = now();
  }

  /** While the hub does not answer: how old is what it said last. */
  get trouble(): string | undefined {
    return this.#lost ? `${span(this.#now() - this.#heardAt)} old: the hub does not answer` : undefined;
  }

  /** Looks for signs of life until the signal says so. */
  async beat(): Promise<void> {
    for (;;) {
      await pause(BEAT_MS, this.until);
      if (this.until.aborted) return;
      try {
        await this.#hub.pulse(this.until);
        this.#isBack();
      } catch (error) {
        if (this.until.aborted) return;
        // What is refused is an answer: what else is asked says so better.
        if (!isAway(error)) continue;
        this.#isLost(error);
        const silent = this.#round;
        this.#round = new AbortController();
        silent.abort();
      }
    }
  }

  /** @throws what the hub refuses, and the reason of the signal once that is aborted */
  async ask<T>(query: string, variables: object): Promise<T> {
    for (;;) {
      try {
        const answer = await this.#hub.ask<T>(query, variables, this.#signal());
        this.#isBack();
        return answer;
      } catch (error) {
        await this.#bear(error);
      }
    }
  }

  /** Yields for everything that a subscription tells, over and over, until the signal says so. */
  async *follow(query: string): AsyncGenerator<void> {
    while (!this.until.aborted) {
      try {
        for await (const _ of this.#hub.subscribe(query, this.#signal())) {
          this.#isBack();
          yield;
        }
        await pause(RETRY_MS, this.until);
      } catch (error) {
        if (this.until.aborted) return;
        await this.#bear(error);
      }
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.until, this.#round.signal]);
  }

  async #bear(error: unknown): Promise<void> {
    this.until.throwIfAborted();
    if (!isAway(error)) throw error;
    this.#isLost(error);
    await pause(RETRY_MS, this.until);
  }

  #isLost({ message }: FlotillaError): void {
    if (this.#lost) return;
    this.#lost = true;
    const heard = new Date(this.#heardAt).toISOString().slice(11, 19);
    const age = span(this.#now() - this.#heardAt);
    this.#say(`${message}; what is told is ${age} old (${heard}Z); waiting for it`);
  }

  #isBack(): void {
    this.#heardAt = this.#now();
    if (this.#lost) this.#say(`hub ${this.#hub.url} answers again`);
    this.#lost = false;
  }
}

const isAway = (error: unknown): error is FlotillaError =>
  error instanceof FlotillaError && error.code === 'hub-unreachable';

/** Sleeps, or less long when the signal comes. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
