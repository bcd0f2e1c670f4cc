import { parseArgs } from 'node:util';
import { FlotillaError } from '#proto/faults.ts';
import { didYouMean } from '#proto/problems.ts';

/** A flag: a switch, or one with a value, of which `choices` lists all that are allowed. */
export type Flag = {
  readonly short?: string;
  /** Placeholder of its value in the help; a switch has none. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly multiple?: boolean;
  /** '' is a value, too. */
  readonly mayBeEmpty?: boolean;
  readonly describe: string;
};
export type Flags = Readonly<Record<string, Flag>>;

export type Parsed = {
  readonly positionals: readonly string[];
  readonly switches: ReadonlySet<string>;
  /** Flag → its values in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
};

export const GLOBAL_FLAGS = {
  hub: { value: 'URL', describe: 'address of the hub (default: FLOTILLA_HUB, else http://127.0.0.1:8080)' },
  'token-file': {
    value: 'FILE',
    describe:
      'file with a token of the hub, for what changes something (default: the token in FLOTILLA_TOKEN)',
  },
  help: { short: 'h', describe: 'this text' },
} as const satisfies Flags;

/** @throws FlotillaError usage for an unknown flag (with the one that may be meant), a missing value or a wrong choice */
export function readFlags(argv: readonly string[], flags: Flags): Parsed {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries(flags).map(([name, { value, short }]) => [
        name,
        { type: value ? 'string' : 'boolean', ...(short && { short }) } as const,
      ]),
    ),
  });
  const positionals: string[] = [];
  const switches = new Set<string>();
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (!flag) throw unknown('flag', rawName, longNames(flags), flagOf);
    if (!flag.value) {
      if (value !== undefined) throw usage(`${rawName} takes no value`);
      switches.add(name);
      continue;
    }
    if (value === undefined || (value === '' && !flag.mayBeEmpty))
      throw usage(`${rawName} needs a value: ${flag.value}`);
    if (flag.choices && !flag.choices.includes(value)) {
      const near = didYouMean(value, flag.choices);
      const meant = near ? `; did you mean ${near}?` : '';
      throw usage(`${rawName} ${value} is not one of ${flag.choices.join(', ')}${meant}`);
    }
    values.set(name, flag.multiple ? [...(values.get(name) ?? []), value] : [value]);
  }
  return { positionals, switches, values };
}

const longNames = (flags: Flags) => Object.keys(flags);
const flagOf = (name: string) => `--${name}`;

export const usage = (message: string): FlotillaError => new FlotillaError('usage', message);

/** "unknown verb statsu; did you mean status?" */
export function unknown(
  what: string,
  given: string,
  known: readonly string[],
  show: (name: string) => string = (name) => name,
): FlotillaError {
  const near = didYouMean(given.replace(/^-+/, ''), known);
  return usage(`unknown ${what} ${given}${near ? `; did you mean ${show(near)}?` : ''}`);
}

/**
 * Splits off the verb: the first word that is neither a flag nor the value of a global one. Global flags may stand
 * before it.
 */
export function splitVerb(argv: readonly string[]): { verb: string | undefined; rest: readonly string[] } {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === '--hub' || word === '--token-file') index++;
    else if (!word.startsWith('-')) {
      return { verb: word, rest: [...argv.slice(0, index), ...argv.slice(index + 1)] };
    }
  }
  return { verb: undefined, rest: argv };
}
