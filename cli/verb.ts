import type { Flags, Parsed } from './args.ts';
import type { Machine } from './config.ts';
import type { ExitCode } from './exit.ts';
import type { Hub } from './hub.ts';

/** What a verb may touch. Data goes to `out`, talk to `talk`. */
export type Surroundings = {
  /** @throws FlotillaError usage when its address is none */
  readonly hub: Hub;
  /** For what works on a checkout and asks no hub. */
  readonly machine: Machine;
  out(text: string): void;
  /** One line for the person at the terminal. */
  talk(line: string): void;
  /** How far long work is: one line that the next one replaces. */
  progress(line: string): void;
  /** Colours are wanted and possible. */
  readonly color: boolean;
  readonly terminal: boolean;
  /** Of the terminal, as it is now. */
  screen(): { readonly columns: number; readonly rows: number };
  /** Asks the person at the terminal a question that is answered with yes or no; undefined where nobody can be asked. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
  /** Unix milliseconds. */
  now(): number;
  readonly signal: AbortSignal;
};

export type Verb = {
  /** One line. */
  readonly summary: string;
  /** After `flotilla`. */
  readonly usage: readonly string[];
  readonly flags: Flags;
  /** Further paragraphs of the help. */
  readonly notes: readonly string[];
  /** Its words and flags are another program's: all of them, `--help` too, are its positionals, as they were typed. */
  readonly verbatim?: (words: readonly string[]) => boolean;
  run(parsed: Parsed, around: Surroundings): Promise<ExitCode>;
};
