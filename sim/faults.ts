import type { StatusError } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { Asked } from './write/asked.ts';

/** Refuses a write by returning an error. `object` is the state about to be stored, undefined on delete. */
export type WriteRule = (write: Asked, object: JsonObject | undefined) => StatusError | undefined;

/** What a test can make go wrong in one cluster. */
export class Faults {
  /** Every connection is cut without an answer, open watches included. */
  unreachable = false;
  /** Milliseconds each request waits before it is worked on. */
  delay = 0;
  readonly #rules = new Set<WriteRule>();
  readonly #cut = new Set<() => void>();

  /** Adds a rule that may refuse writes. Returns the way to take it back. */
  refuse(rule: WriteRule): () => void {
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** Makes the cluster unreachable, or reachable again. */
  setUnreachable(unreachable: boolean): void {
    this.unreachable = unreachable;
    if (unreachable) this.cutWatches();
  }

  /** Ends every open watch; clients have to come back. */
  cutWatches(): void {
    for (const cut of [...this.#cut]) cut();
  }

  /** Registers an open watch. Returns the way to take it back. */
  onCut(cut: () => void): () => void {
    this.#cut.add(cut);
    return () => this.#cut.delete(cut);
  }

  admit(write: Asked, object: JsonObject | undefined): void {
    for (const rule of this.#rules) {
      const refusal = rule(write, object);
      if (refusal) throw refusal;
    }
  }
}
