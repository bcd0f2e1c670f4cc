import type { Parsed } from '../args.ts';
import type { Shape } from '../output/print.ts';
import type { Surroundings } from '../verb.ts';

/** A kind of thing that can be listed. */
export type Listed<T> = {
  readonly one: string;
  readonly shape: (now: number) => Shape<T>;
  /** What `get KIND NAME…` names. */
  key(item: T): string;
  /** A text that changes when the item does, times of observation aside. */
  fingerprint(item: T): string;
  list(question: Question, around: Surroundings): Promise<T[]>;
};
/** What `get` is asked for. */
export type Question = {
  readonly selector: string | undefined;
  readonly names: readonly string[];
  readonly parsed: Parsed;
  /** @throws FlotillaError selector-invalid */
  readonly check: () => Promise<void>;
};
