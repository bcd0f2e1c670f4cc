import { Checkout } from '#git/local/checkout.ts';
import { type Flags, type Parsed, usage } from '../args.ts';
import type { Surroundings } from '../verb.ts';

/** Flags of verbs that look at a checkout. */
export const CHECKOUT: Flags = {
  directory: {
    short: 'C',
    value: 'DIR',
    describe: 'a directory of the fleet repo (default: the current one)',
  },
};
export const REVISION: Flags = {
  rev: { value: 'REV', describe: 'look at this revision, not at the work tree' },
};

/** For verbs that take DIR as a word, too. @throws FlotillaError usage where both are given, or a further word */
export function directoryOf({ positionals: [word, more], values }: Parsed): string | undefined {
  const flag = values.get('directory')?.[0];
  if (more !== undefined) throw usage(`unexpected word ${more}`);
  if (word !== undefined && flag !== undefined) throw usage(`which directory: ${word}, or -C ${flag}?`);
  return word ?? flag;
}

/** The checkout that the command line means. Dispose of it. */
export function openCheckout(
  parsed: Parsed,
  { machine, signal }: Surroundings,
  directory = parsed.values.get('directory')?.[0] ?? '.',
): Promise<Checkout> {
  return Checkout.open(directory, machine, signal);
}
