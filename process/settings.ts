import { parseArgs } from 'node:util';
import type { z } from 'zod';
import { FlotillaError } from '#proto/faults.ts';

/** One thing that a process is told from outside, as text. */
export type Setting = { readonly schema: z.ZodType; readonly fallback?: string; readonly help?: string };
export type Settings = Readonly<Record<string, Setting>>;
/** What was read; a setting without a fallback that is not required may be missing. */
export type SettingValues<S extends Settings> = { [F in keyof S]?: z.infer<S[F]['schema']> };

/** The variable of a flag: `--log-level` is FLOTILLA_LOG_LEVEL. */
const variableOf = (flag: string): string => `FLOTILLA_${flag.toUpperCase().replaceAll('-', '_')}`;

/**
 * Reads settings from flags and FLOTILLA_* variables; a flag wins, an empty variable counts as none. All that is wrong is named at
 * once, by the flag or variable that it came from.
 * @throws FlotillaError config-invalid, one line for each
 */
export function readSettings<S extends Settings>(
  settings: S,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  required: readonly (keyof S & string)[],
): SettingValues<S> {
  const given = parseFlags(Object.keys(settings), argv);
  const values: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const [flag, { schema, fallback, help }] of Object.entries(settings)) {
    const text = given[flag] ?? (env[variableOf(flag)] || undefined);
    if (text === undefined && fallback === undefined) {
      if (required.includes(flag)) wrong.push(`${variableOf(flag)} (--${flag}) is missing: ${help}`);
      continue;
    }
    const read = schema.safeParse(text ?? fallback);
    const named = given[flag] === undefined ? variableOf(flag) : `--${flag}`;
    if (read.success) values[flag] = read.data;
    else wrong.push(`${named}: ${read.error.issues.map(({ message }) => message).join('; ')}`);
  }
  if (wrong.length > 0) throw new FlotillaError('config-invalid', wrong.join('\n'));
  return values as SettingValues<S>;
}

function parseFlags(flags: readonly string[], argv: readonly string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(flags.map((flag) => [flag, { type: 'string' as const }]));
  try {
    return parseArgs({ args: [...argv], options, strict: true }).values;
  } catch (cause) {
    throw new FlotillaError('config-invalid', (cause as Error).message, { cause });
  }
}
