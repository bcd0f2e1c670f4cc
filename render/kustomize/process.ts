import { spawn } from 'node:child_process';

export type ProcessLimits = { timeMs: number; outputBytes: number; memoryBytes: number };

export type ProcessResult = { stdout: Buffer; stderr: string } & (
  | { ended: 'exited'; code: number }
  | { ended: 'killed'; by: string }
  | { ended: 'too slow' | 'too much output' }
);

/**
 * The kernel keeps two limits even when the owner dies: processor time, and address space where the platform has that
 * limit. `exec` leaves one process, so that killing the child kills the program.
 */
const LIMITED = 'ulimit -t "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; shift 2; exec "$@"';
const STDERR_BYTES = 256 << 10;

/** Runs a program to its end with no environment but what is given, and no input. Rejects with the signal's reason when aborted. */
export async function runLimited(
  command: string,
  args: readonly string[],
  cwd: string,
  limits: ProcessLimits,
  signal: AbortSignal,
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessResult> {
  signal.throwIfAborted();
  const seconds = String(Math.ceil(limits.timeMs / 1000) + 1);
  const kilobytes = String(Math.ceil(limits.memoryBytes / 1024));
  const child = spawn('/bin/sh', ['-c', LIMITED, 'sh', seconds, kilobytes, command, ...args], {
    cwd,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stopped: 'too slow' | 'too much output' | undefined;
  const stop = (why: typeof stopped) => {
    stopped ??= why;
    child.kill('SIGKILL');
  };
  const onAbort = () => stop(undefined);
  const timer = setTimeout(() => stop('too slow'), limits.timeMs);
  signal.addEventListener('abort', onAbort, { once: true });
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const sizes = { stdout: 0, stderr: 0 };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      sizes[name] += chunk.length;
      if (name === 'stdout' && sizes.stdout > limits.outputBytes) stop('too much output');
      else if (name === 'stdout' || sizes.stderr <= STDERR_BYTES) output[name].push(chunk);
    });
  }
  try {
    const { code, by } = await new Promise<{ code: number | null; by: NodeJS.Signals | null }>(
      (resolve, reject) => {
        child.once('error', reject);
        child.once('close', (exit, killed) => resolve({ code: exit, by: killed }));
      },
    );
    signal.throwIfAborted();
    const texts = {
      stdout: Buffer.concat(output.stdout),
      stderr: Buffer.concat(output.stderr).toString('utf8'),
    };
    if (stopped) return { ...texts, ended: stopped };
    return code === null
      ? { ...texts, ended: 'killed', by: by ?? 'a signal' }
      : { ...texts, ended: 'exited', code };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
