/**
 * Child processes that never outlive their owner, not even when the owner is killed with -9.
 *
 * The program runs in a process group of its own, next to a shell of under 1 MB that does nothing but read a pipe
 * whose other end only the owner holds. The kernel closes that end however the owner ends; the shell then kills
 * the group. The program keeps its own pid, exit code and signals, because the first shell becomes it by `exec`.
 */
import { type ChildProcess, type StdioNull, type StdioPipe, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

// As long as the watching shell lives, the group's number cannot be given to anybody else, so the kill hits only
// what belongs here. `kill` without `--`: dash does not know it.
const WATCHED = `exec 3<&0 </dev/null
{ while read -r line <&3; do :; done; kill -9 "-$$"; } >/dev/null 2>&1 &
exec "$@" 3<&-`;

export type OwnedOptions = {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** A file descriptor, `pipe`, `inherit` or `ignore` (default). */
  stdout?: StdioNull | StdioPipe | number;
  stderr?: StdioNull | StdioPipe | number;
};

export type OwnedProcess = {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves when the program has ended; never rejects. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM to the program, SIGKILL to its group after the grace; resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to the whole group at once; resolves when it has ended. */
  kill9(): Promise<void>;
};

/**
 * Starts a program that dies with this process. Its stdin is empty. Ending the program also ends what it started,
 * as long as that stayed in its process group. A program that cannot be executed ends with code 127 or 126.
 */
export function spawnOwned(
  command: string,
  args: readonly string[],
  options: OwnedOptions = {},
): OwnedProcess {
  const child = spawn('/bin/sh', ['-c', WATCHED, 'sh', command, ...args], {
    detached: true,
    stdio: ['pipe', options.stdout ?? 'ignore', options.stderr ?? 'ignore'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env !== undefined && { env: options.env }),
  });
  const lifeline = child.stdin;
  // The other end may vanish first when the group is killed from outside; that is no error of ours.
  lifeline?.on('error', () => lifeline.destroy());
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => resolve({ code: 126, signal: null }));
    child.once('exit', (code, signal) => {
      lifeline?.destroy();
      resolve({ code, signal });
    });
  });
  const pid = child.pid ?? -1;
  const running = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const kill9 = async () => {
    if (running()) signalGroup(pid, 'SIGKILL');
    await ended;
  };
  const stop = async (graceMs = 5_000) => {
    if (running()) child.kill('SIGTERM');
    const patience = new AbortController();
    await Promise.race([ended, delay(graceMs, undefined, { signal: patience.signal }).catch(ignoreAbort)]);
    patience.abort();
    await kill9();
  };
  return { pid, child, ended, stop, kill9 };
}

/** Runs a program to its end and returns what it printed, at most `limit` bytes of each stream. */
export async function runOwned(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; limit?: number; onStderr?: (chunk: string) => void } = {},
  signal?: AbortSignal,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  signal?.throwIfAborted();
  const owned = spawnOwned(command, args, { ...options, stdout: 'pipe', stderr: 'pipe' });
  const onAbort = () => void owned.kill9();
  signal?.addEventListener('abort', onAbort, { once: true });
  const limit = options.limit ?? 1_000_000;
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    owned.child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      // The end of a long output is what explains a failure.
      output[name] = (output[name] + chunk).slice(-limit);
      if (name === 'stderr') options.onStderr?.(chunk);
    });
  }
  const closed = once(owned.child, 'close').catch(() => undefined);
  const { code } = await owned.ended;
  await closed;
  signal?.removeEventListener('abort', onAbort);
  signal?.throwIfAborted();
  return { code, ...output };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
