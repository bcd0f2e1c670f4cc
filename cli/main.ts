#!/usr/bin/env node
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { withoutTokens } from '#proto/bearer.ts';
import { FlotillaError } from '#proto/faults.ts';
import { withoutSeeds } from '#proto/nkey.ts';
import { GLOBAL_FLAGS, readFlags, splitVerb, unknown, usage } from './args.ts';
import { readMachine } from './config.ts';
import { EXIT, exitCodeOf } from './exit.ts';
import { helpOf, helpOfVerb } from './help.ts';
import { type Hub, hubAt } from './hub.ts';
import { Progress } from './output/progress.ts';
import { harmless } from './output/table.ts';
import { inTheOpen, readToken } from './token.ts';
import { VERBS } from './verbs.ts';

/** `flotilla`: data on stdout, talk on stderr, and an exit code that says what was found. */
const DEFAULT_HUB = 'http://127.0.0.1:8080';
const { env, stdout, stderr } = process;
const interrupted = new AbortController();
const progress = new Progress(stderr, Date.now);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
  });
}
// `flotilla get clusters | head` closes the pipe: nobody is left to tell anything.
stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? EXIT.yes : EXIT.error),
);

try {
  const code = await main(process.argv.slice(2));
  process.exitCode ??= code;
} catch (error) {
  progress.clear();
  if (!interrupted.signal.aborted) {
    stderr.write(`flotilla: ${fit(error instanceof Error ? error.message : String(error))}\n`);
    if (error instanceof FlotillaError && error.code === 'usage') stderr.write('Try flotilla --help.\n');
    process.exitCode = exitCodeOf(error);
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const { verb: name, rest } = splitVerb(argv);
  if (name === undefined) {
    const { switches } = readFlags(rest, { ...GLOBAL_FLAGS, version: { describe: '' } });
    if (switches.has('version')) return main(['version', '--client']);
    if (!switches.has('help')) throw usage(`what? one of ${Object.keys(VERBS).join(', ')}`);
    stdout.write(helpOf(VERBS));
    return EXIT.yes;
  }
  if (!Object.hasOwn(VERBS, name)) throw unknown('verb', name, Object.keys(VERBS));
  const verb = await VERBS[name]!.load();
  const words = argv.slice(argv.indexOf(name) + 1);
  const parsed = verb.verbatim?.(words)
    ? { positionals: words, switches: new Set<string>(), values: new Map() }
    : readFlags(rest, { ...verb.flags, ...GLOBAL_FLAGS });
  if (parsed.switches.has('help')) {
    stdout.write(helpOfVerb(verb));
    return EXIT.yes;
  }
  const terminal = stdout.isTTY === true;
  const talk = (line: string) => {
    progress.clear();
    stderr.write(`${fit(line)}\n`);
  };
  let hub: Hub | undefined;
  const reachHub = () => {
    const address = parsed.values.get('hub')?.[0] ?? (env.FLOTILLA_HUB || DEFAULT_HUB);
    const token = readToken(parsed.values.get('token-file')?.[0], env.FLOTILLA_TOKEN);
    const made = hubAt(address, token);
    const warning = token === undefined ? undefined : inTheOpen(made.url);
    if (warning !== undefined) talk(warning);
    return made;
  };
  return verb.run(parsed, {
    get hub() {
      hub ??= reachHub();
      return hub;
    },
    machine: readMachine(env),
    out(text) {
      progress.clear();
      stdout.write(text);
    },
    talk,
    progress: (line) => progress.show(harmless(line)),
    color: terminal && !env.NO_COLOR && env.TERM !== 'dumb',
    terminal,
    screen: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    confirm: process.stdin.isTTY && stderr.isTTY ? confirm : undefined,
    now: Date.now,
    signal: interrupted.signal,
  });
}

/** Anything but yes is no, the end of the input too. */
async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: stderr });
  try {
    const answer = await Promise.race([
      lines.question(question, { signal: interrupted.signal }),
      once(lines, 'close').then(() => ''),
    ]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/**
 * What is told on stderr may repeat what somebody typed: never a seed or a token, and nothing that moves the cursor. Further lines are
 * indented, so that none passes for another message.
 */
function fit(text: string): string {
  return withoutTokens(withoutSeeds(text)).split('\n').map(harmless).join('\n  ');
}
