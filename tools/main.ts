/** `npm run tools`: obtains the external programs, or lists what is there. */
import { parseArgs } from 'node:util';
import { readToolsConfig } from './config.ts';
import { ToolsError } from './errors.ts';
import { lookupTool, obtainTools } from './obtain.ts';
import { ALL_TOOLS, PINS, type ToolName } from './pins.ts';

const HELP = `usage: npm run tools -- [--only NAME,NAME…] [--list]

Obtains the external programs that Flotilla runs, at the versions pinned in tools/pins.ts: from PATH or the cache,
else the official release (verified by sha256), else built with Go, else (nats-server) the Debian package.
A second run starts nothing and downloads nothing.

  --only A,B   only these: ${ALL_TOOLS.join(', ')}
  --list       say what is pinned and what is there; obtain nothing
  --help       this text

FLOTILLA_CACHE_DIR moves the cache (now ${readToolsConfig().cacheDir}).
`;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
process.exitCode = await main();

async function main(): Promise<number> {
  let names: ToolName[];
  let list: boolean;
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    names = selectNames(values.only);
    list = values.list ?? false;
  } catch (error) {
    process.stderr.write(`tools: ${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 64;
  }
  try {
    if (list) await printList(names);
    else await obtain(names);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) {
      process.stderr.write('\ntools: interrupted; nothing half-finished is left\n');
      return 130;
    }
    if (!(error instanceof ToolsError)) throw error;
    process.stderr.write(`tools: ${error.message}\n`);
    return 69;
  }
}

async function obtain(names: readonly ToolName[]): Promise<void> {
  const paths = await obtainTools(names, {}, stop.signal);
  for (const name of names) process.stdout.write(`${name.padEnd(24)} ${paths[name]}\n`);
}

async function printList(names: readonly ToolName[]): Promise<void> {
  for (const name of names) {
    const entry = await lookupTool(name);
    const state = entry ? `${entry.path} (${entry.from})` : 'not obtained yet';
    process.stdout.write(`${name.padEnd(24)} ${PINS[name].version.padEnd(8)} ${state}\n`);
  }
}

function selectNames(only: string | undefined): ToolName[] {
  if (only === undefined) return [...ALL_TOOLS];
  const wanted = only
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = wanted.filter((name) => !(ALL_TOOLS as string[]).includes(name));
  if (unknown.length > 0 || wanted.length === 0) {
    throw new Error(`--only does not know ${unknown.join(', ') || 'an empty list'}`);
  }
  return ALL_TOOLS.filter((name) => wanted.includes(name));
}
