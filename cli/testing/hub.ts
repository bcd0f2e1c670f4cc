import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { START } from '#hub/core/view/testing/fleet.ts';
import { readFlags } from '../args.ts';
import { readMachine } from '../config.ts';
import { exitCodeOf } from '../exit.ts';
import { hubAt } from '../hub.ts';
import { VERBS } from '../verbs.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
/** The program as a user runs it. */
export function start(hub: string, argv: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    env: { FLOTILLA_HUB: hub, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told.stderr += text;
  });
  return { child, told, ended: once(child, 'close').then(([code]) => code as number) };
}

export async function run(hub: string, argv: readonly string[], env: Record<string, string> = {}) {
  const { told, ended } = start(hub, argv, env);
  return { code: await ended, ...told };
}

export type Here = {
  readonly color?: boolean;
  readonly now?: number;
  readonly token?: string | undefined;
  readonly confirm?: (question: string) => Promise<boolean>;
};

/** As `run`, without a process of its own: no token comes from a variable, and nothing is made harmless. */
export async function runHere(hub: string, argv: readonly string[], options: Here = {}) {
  const { color = false, now = Date.now(), token, confirm } = options;
  const [name, ...rest] = argv as [string, ...string[]];
  const told = { stdout: '', stderr: '' };
  try {
    const verb = await VERBS[name]!.load();
    const code = await verb.run(readFlags(rest, verb.flags), {
      hub: hubAt(hub, token),
      machine: readMachine({}),
      progress: () => undefined,
      out: (out) => {
        told.stdout += out;
      },
      talk: (line) => {
        told.stderr += `${line}\n`;
      },
      color,
      terminal: false,
      screen: () => ({ columns: 80, rows: 24 }),
      confirm,
      now: () => now,
      signal: new AbortController().signal,
    });
    return { code, ...told };
  } catch (error) {
    return {
      code: exitCodeOf(error),
      ...told,
      stderr: `${told.stderr}flotilla: ${(error as Error).message}\n`,
    };
  }
}

/** A verb in this process, five minutes after START unless told otherwise, so that ages are always the same. */
export async function show(
  hub: string,
  argv: readonly string[],
  color = false,
  now = START + 300_000,
): Promise<string> {
  const [name, ...rest] = argv as [string, ...string[]];
  const verb = await VERBS[name]!.load();
  let text = '';
  await verb.run(readFlags(rest, verb.flags), {
    hub: hubAt(hub),
    machine: readMachine({}),
    progress: () => undefined,
    out: (out) => {
      text += out;
    },
    talk: (line) => {
      text += `# ${line}\n`;
    },
    color,
    terminal: false,
    screen: () => ({ columns: 80, rows: 24 }),
    now: () => now,
    signal: new AbortController().signal,
  });
  return text;
}
