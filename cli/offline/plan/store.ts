import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readOptional, removeLeftBehind, writeAtomically } from '#git/files.ts';
import { FlotillaError } from '#proto/faults.ts';
import { Reads } from './reads.ts';

/** Another version of what it holds, or of how closures are followed, is another file. */
const FILE = 'reads-v1';

/**
 * What was found out about the overlays of a tree, kept under the Git directory. It is a cache: what is not there, cannot be read or
 * is not whole is made anew; of two runs at once the later one wins.
 */
export class ReadsStore {
  readonly #directory: string | undefined;

  /** Without a directory nothing is kept. */
  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  async load(): Promise<{ tree: string; reads: Reads } | undefined> {
    if (this.#directory === undefined) return undefined;
    const path = join(this.#directory, FILE);
    try {
      const text = await readOptional(path);
      const end = text?.indexOf('\n') ?? -1;
      const body = text?.slice(end + 1) ?? '';
      return end > 0 && text?.slice(0, end) === checksum(body) ? Reads.fromJson(body) : undefined;
    } catch {
      // Whatever is wrong with it, the answer is the same without it, only later.
      return undefined;
    }
  }

  /** Where it cannot be written, the next run is slow as well. */
  async save(tree: string, reads: Reads): Promise<void> {
    if (this.#directory === undefined) return;
    const body = reads.toJson(tree);
    try {
      await mkdir(this.#directory, { recursive: true });
      await removeLeftBehind(this.#directory);
      await writeAtomically(this.#directory, FILE, `${checksum(body)}\n${body}`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!(error instanceof FlotillaError) && code === undefined) throw error;
    }
  }
}

const checksum = (text: string) => createHash('sha256').update(text).digest('hex');
