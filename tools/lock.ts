/**
 * One holder at a time, across processes. The lock saves work (two runs would build the same twice); correctness
 * rests on atomic renames of finished programs, so the rare case of two holders costs time and nothing else.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { runOwned } from './owned.ts';

/** What stands in the lock file. `started` tells a process from a later one with the same pid, where known. */
export type Holder = { pid: number; started: string; token: string };

const ABANDONED_GUARD_MS = 10_000;

export type LockOptions = {
  /** Called once when somebody else holds it. */
  onWait?: (holder: Holder) => void;
  pollMs?: number;
};

/** Runs `body` while holding the lock file `path`; its directory must exist. Waits for another living holder. */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  body: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const self: Holder = {
    pid: process.pid,
    started: (await startOf(process.pid)) ?? '',
    token: randomUUID(),
  };
  await acquire(path, self, options, signal);
  try {
    return await body();
  } finally {
    if ((await readHolder(path))?.token === self.token) await rm(path, { force: true });
  }
}

async function acquire(
  path: string,
  self: Holder,
  options: LockOptions,
  signal?: AbortSignal,
): Promise<void> {
  // Begins with the pid so that a sweep can tell whose it was.
  const draft = `${path}.${self.pid}-${self.token}`;
  await writeFile(draft, JSON.stringify(self));
  try {
    for (let told = false; ; ) {
      signal?.throwIfAborted();
      // A link either makes the whole file visible or fails: nobody ever reads half a holder.
      if (await linked(draft, path)) return;
      const holder = await readHolder(path);
      if (holder !== undefined && isStale(holder, await startOf(holder.pid))) {
        await takeAway(path, holder);
      } else if (holder !== undefined && !told) {
        told = true;
        options.onWait?.(holder);
      }
      await delay(options.pollMs ?? 250, undefined, signal && { signal });
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * A holder is stale when its process is gone (`started` undefined) or its pid now belongs to a later process.
 * Exported for its test.
 */
export function isStale(holder: Holder, started: string | undefined): boolean {
  if (started === undefined) return true;
  return holder.started !== '' && started !== '' && holder.started !== started;
}

/**
 * Removes a stale lock. Only who holds the guard may remove another's lock, and looks again first: else the second of
 * two waiters would remove the lock that the first has just taken.
 */
async function takeAway(path: string, stale: Holder): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await createdNew(guard))) {
    // Held for milliseconds; what is older was left by a process that died in between.
    const age = Date.now() - ((await stat(guard).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > ABANDONED_GUARD_MS) await rm(guard, { force: true });
    return;
  }
  try {
    if ((await readHolder(path))?.token === stale.token) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

async function createdNew(path: string): Promise<boolean> {
  try {
    await writeFile(path, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when there is no lock. What cannot be read as a holder counts as one that is gone. */
async function readHolder(path: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const value: unknown = safeParse(text);
  if (typeof value === 'object' && value !== null && 'pid' in value && Number.isInteger(value.pid)) {
    return { started: '', token: '', ...value } as Holder;
  }
  return { pid: 0, started: '', token: '' };
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** When a process started, in the words of the system; '' where it does not say; undefined when it is gone. */
async function startOf(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  if (process.platform !== 'linux') {
    const { stdout } = await runOwned('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim();
  }
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in brackets and may hold spaces; start time is field 22, the 20th after it.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended and only waits for its parent to ask.
    return fields[0] === 'Z' ? undefined : (fields[19] ?? '');
  } catch {
    // It ended between the two questions, or /proc is not readable here.
    return isAlive(pid) ? '' : undefined;
  }
}

/** Whether a process of this number exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
