import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClosureFile } from '../closure.ts';

const PREFIX = 'flotilla-render-';

/**
 * Short-lived directories below one parent. They are removed when their use ends; what a killed process left is removed
 * by `sweep`. A name holds the pid of its owner, so that processes can share the parent.
 */
export class Scratch {
  readonly #parent: string;
  readonly #maxAgeMs: number;

  /** No use lasts longer than `maxAgeMs`: an older directory belongs to nobody, even if its pid was given out again. */
  constructor(parent: string, maxAgeMs: number) {
    this.#parent = parent;
    this.#maxAgeMs = maxAgeMs;
  }

  async use<Value>(work: (directory: string) => Promise<Value>): Promise<Value> {
    await mkdir(this.#parent, { recursive: true, mode: 0o700 });
    const directory = await mkdtemp(join(await realpath(this.#parent), `${PREFIX}${process.pid}-`));
    try {
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async sweep(): Promise<void> {
    await mkdir(this.#parent, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#parent)) {
      if (!name.startsWith(PREFIX)) continue;
      const path = join(this.#parent, name);
      if (!isAlive(Number.parseInt(name.slice(PREFIX.length), 10)) || (await this.#isOld(path)))
        await rm(path, { recursive: true, force: true });
    }
  }

  async #isOld(path: string): Promise<boolean> {
    try {
      return Date.now() - (await stat(path)).mtimeMs > this.#maxAgeMs;
    } catch (error) {
      // Its owner was faster.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Writes files and symlinks below a fresh directory, readable for their owner only. */
export async function writeFiles(
  directory: string,
  files: ReadonlyMap<string, ClosureFile>,
  signal: AbortSignal,
): Promise<void> {
  const made = new Set<string>();
  for (const [path, { bytes, mode }] of files) {
    signal.throwIfAborted();
    const at = join(directory, path);
    const parent = dirname(at);
    if (!made.has(parent)) await mkdir(parent, { recursive: true, mode: 0o700 });
    made.add(parent);
    if (mode === 'symlink') await symlink(Buffer.from(bytes).toString('utf8'), at);
    else await writeFile(at, bytes, { flag: 'wx', mode: 0o600 });
  }
}
