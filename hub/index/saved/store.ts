import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '#git/files.ts';
import { decodeIndex } from './decode.ts';
import { encodeIndex } from './encode.ts';
import type { SavedIndex } from './format.ts';

const FILE = 'index.cache';
const CHECKSUM_BYTES = 32;

/**
 * Keeps the index over restarts, in one file behind its checksum. It is a cache: what is damaged, of another version or cannot
 * be written is said to the log and does no harm.
 */
export class IndexStore {
  readonly #directory: string;
  readonly #warn: (message: string) => void;

  constructor(directory: string, warn: (message: string) => void) {
    this.#directory = directory;
    this.#warn = warn;
  }

  async load(): Promise<SavedIndex | undefined> {
    let bytes: Buffer;
    try {
      bytes = await readFile(join(this.#directory, FILE));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#refuse((error as Error).message);
      return undefined;
    }
    const content = bytes.subarray(CHECKSUM_BYTES);
    if (!checksum(content).equals(bytes.subarray(0, CHECKSUM_BYTES))) {
      this.#refuse('it is damaged');
      return undefined;
    }
    try {
      const saved = decodeIndex(content);
      if (!saved) this.#refuse('another version has written it');
      return saved;
    } catch (error) {
      this.#refuse((error as Error).message);
      return undefined;
    }
  }

  /** `textOf` reads a blob. Never rejects for what the disk or the repository does. */
  async save(index: SavedIndex, textOf: (blob: string) => Promise<string>): Promise<void> {
    try {
      const content = await encodeIndex(index, textOf);
      await mkdir(this.#directory, { recursive: true });
      await writeAtomically(this.#directory, FILE, Buffer.concat([checksum(content), content]));
    } catch (error) {
      this.#warn(`the index was not kept for the next start: ${(error as Error).message}`);
    }
  }

  #refuse(why: string): void {
    this.#warn(`the index that an earlier hub kept is not used, all is read anew: ${why}`);
  }
}

const checksum = (content: Uint8Array) => createHash('sha256').update(content).digest();
