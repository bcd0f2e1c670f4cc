import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { ObjectCache } from './object-cache.ts';
import type { RawObject } from './objects.ts';
import { readPackObject } from './pack.ts';
import { corruptPack, type EntryHeader, inflateEntry, parseEntryHeader } from './pack-entry.ts';
import { PackIndex } from './pack-index.ts';

let opened = 0;

/**
 * A pack on disk with its index in memory. The file stays open, so that it can be read to the end even when another
 * process has put its content elsewhere and removed it. Reads are synchronous: they are a few hundred bytes from the
 * page cache, and several times faster than through the thread pool.
 */
export class StoredPack {
  readonly path: string;
  readonly size: number;
  readonly index: PackIndex;
  readonly #file: number;
  readonly #cache: ObjectCache;
  readonly #keyBase: number;
  #closed = false;

  /** `path` ends with `.pack`; its index stands beside it. Throws `git-object-corrupt` when the two are not one. */
  constructor(path: string, cache: ObjectCache) {
    this.path = path;
    this.#cache = cache;
    this.#keyBase = opened++ * 2 ** 31;
    this.#file = openSync(path, 'r');
    try {
      this.index = new PackIndex(readFileSync(indexPath(path)));
      this.size = fstatSync(this.#file).size;
      const count = this.size < 32 ? undefined : this.#bytes(8, 12).readUInt32BE();
      if (
        count !== this.index.count ||
        !this.#bytes(this.size - 20, this.size).equals(this.index.packChecksum)
      ) {
        throw corruptPack('and its index do not belong together');
      }
    } catch (error) {
      closeSync(this.#file);
      throw error;
    }
  }

  read(offset: number, maxObjectBytes: number): RawObject {
    return readPackObject(
      {
        entry: (at) => this.#entry(at),
        offsetOf: (oid) => this.index.find(oid),
        cached: (at) => this.#cache.get(this.#keyBase + at),
        keep: (at, object) => this.#cache.set(this.#keyBase + at, object),
      },
      offset,
      maxObjectBytes,
    );
  }

  /** The whole pack. */
  content(): Buffer {
    return this.#bytes(0, this.size);
  }

  /** May be called again. */
  close(): void {
    if (!this.#closed) closeSync(this.#file);
    this.#closed = true;
  }

  #entry(offset: number): { header: EntryHeader; data: Buffer } {
    const bytes = this.#bytes(offset, this.index.endOf(offset, this.size));
    const header = parseEntryHeader(bytes, 0, offset);
    return { header, data: inflateEntry(bytes, header.dataAt, header.size).data };
  }

  #bytes(start: number, end: number): Buffer {
    const bytes = Buffer.allocUnsafe(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(this.#file, bytes, filled, bytes.length - filled, start + filled);
      if (read === 0) throw corruptPack('is shorter than its index says');
      filled += read;
    }
    return bytes;
  }
}

export function indexPath(packPath: string): string {
  return packPath.replace(/\.pack$/, '.idx');
}
