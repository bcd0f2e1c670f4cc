import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';

const TEMPORARY = 'tmp_';
const LEFT_BEHIND_AFTER_MS = 3_600_000;

/** Writes a file so that whoever reads it, after a crash too, finds the old content or the new. Throws `git-store-failed`. */
export async function writeAtomically(
  directory: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const temporary = join(directory, `${TEMPORARY}${randomBytes(8).toString('hex')}`);
  try {
    await writeFile(temporary, content, { flag: 'wx' });
    await rename(temporary, join(directory, name));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw storeFailed(directory, cause);
  }
}

/**
 * Removes what crashed writers left in a directory of packs: temporary files, and packs whose index was not written.
 * What is younger than an hour may belong to another process.
 */
export async function removeLeftBehind(directory: string): Promise<void> {
  const names = new Set(await readdir(directory));
  for (const name of names) {
    const lonely = name.endsWith('.pack') && !names.has(name.replace(/pack$/, 'idx'));
    if (!lonely && !name.startsWith(TEMPORARY)) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(absent);
    if (found && Date.now() - found.mtimeMs > LEFT_BEHIND_AFTER_MS) await rm(path, { force: true });
  }
}

/** The text of a small file, or undefined when there is none. */
export async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(absent);
}

/** For catch(): turns "there is no such file" into undefined and throws everything else. */
function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}

export function storeFailed(directory: string, cause: unknown): FlotillaError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  const what = code === 'ENOSPC' || code === 'EDQUOT' ? 'no space left' : code;
  return new FlotillaError('git-store-failed', `git directory ${directory}: ${what}`, { cause });
}
