import type { Headline } from './headline.ts';

/** One cluster has changed, appeared or (`gone`) left the fleet. */
export type Change = {
  readonly name: string;
  readonly gone: boolean;
  readonly previousHeadline: Headline | undefined;
};
export type ChangeListener = (change: Change) => void;

/**
 * Counts changes and tells listeners. Whoever comes back with a count learns what has changed since: rows carry the count
 * at which they were made, and names that left are remembered, the newest of them.
 */
export class Changes {
  #version = 0;
  readonly #gone = new Map<string, number>();
  #forgotten = 0;
  readonly #listeners = new Set<ChangeListener>();
  readonly #mostGone: number;

  constructor(mostGone = 1_000) {
    this.#mostGone = mostGone;
  }

  get version(): number {
    return this.#version;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** The number of the change that is about to be told. */
  next(): number {
    return ++this.#version;
  }

  tell(change: Change): void {
    this.#gone.delete(change.name);
    if (change.gone) {
      this.#gone.set(change.name, this.#version);
      if (this.#gone.size > this.#mostGone) {
        const [name, version] = this.#gone.entries().next().value!;
        this.#gone.delete(name);
        this.#forgotten = version;
      }
    }
    for (const listener of this.#listeners) listener(change);
  }

  /** Names that left after `version` with the number of that change, oldest first; undefined where too much was forgotten. */
  goneSince(version: number): (readonly [name: string, version: number])[] | undefined {
    if (version < this.#forgotten) return undefined;
    return [...this.#gone].filter(([, at]) => at > version);
  }

  /** Returns how to stop listening. A listener must not throw, and must be quick. */
  listen(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
