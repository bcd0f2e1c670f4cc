import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { FlotillaError } from '#proto/faults.ts';
import { EXIT, type ExitCode } from './exit.ts';

/** Hub and agent are other programs: beside the sources, or beside the bundle that this one, or a chunk of it, is in. */
const PROGRAMS = {
  agent: ['../agent/main.ts', './agent.mjs', '../agent.mjs'],
  hub: ['../hub/main.ts', './hub.mjs', '../hub.mjs'],
} as const;

/** Runs one as a child, with this terminal as its own, and returns its exit code. */
export async function runChild(
  name: keyof typeof PROGRAMS,
  args: readonly string[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const program = PROGRAMS[name].map((path) => new URL(path, import.meta.url).pathname).find(existsSync);
  if (program === undefined)
    throw new FlotillaError('internal', `the ${name} is not installed beside this program`);
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], { stdio: 'inherit' });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => resolve((code ?? EXIT.error) as ExitCode));
    });
  } finally {
    signal.removeEventListener('abort', end);
  }
}
