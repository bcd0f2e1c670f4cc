import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FlotillaError } from '#proto/faults.ts';
import { createBreather } from './breathe.ts';
import { ObjectCache } from './object-cache.ts';
import type { RawObject } from './objects.ts';
import {
  applyDelta,
  checkObjectSize,
  corruptPack,
  type EntryHeader,
  inflateEntry,
  parseEntryHeader,
} from './pack-entry.ts';
import type { IndexEntry } from './pack-index.ts';
import { hashObject } from './parse.ts';

/** What bounds the work that a packfile of a stranger can cause, in bytes. */
export type PackLimits = {
  /** One inflated object. */
  readonly maxObjectBytes: number;
  /** All inflated objects of one pack. */
  readonly maxUnpackedBytes: number;
};

/** How entries of one pack are found and kept while deltas are resolved. */
export type PackReader = {
  entry(offset: number): { header: EntryHeader; data: Buffer };
  offsetOf(oid: string): number | undefined;
  cached(offset: number): RawObject | undefined;
  keep(offset: number, object: RawObject): void;
};

/** Git itself makes chains of at most 4,095 deltas. */
const MAX_CHAIN = 4_095;
export const HEADER_BYTES = 12;
export const TRAILER_BYTES = 20;
const INDEXING_CACHE_BYTES = 64 * 1024 * 1024;

/** Reads the object at an offset through its chain of deltas. Throws `git-object-corrupt`, `git-too-large`. */
export function readPackObject(reader: PackReader, offset: number, maxObjectBytes: number): RawObject {
  const deltas: { offset: number; data: Buffer }[] = [];
  let at = offset;
  let object = reader.cached(at);
  while (!object) {
    const { header, data } = reader.entry(at);
    if (header.kind !== 'ofs-delta' && header.kind !== 'ref-delta') {
      object = { type: header.kind, data };
      reader.keep(at, object);
      break;
    }
    if (deltas.push({ offset: at, data }) > MAX_CHAIN) throw corruptPack('has an endless chain of deltas');
    const base = header.kind === 'ofs-delta' ? header.base : reader.offsetOf(header.base);
    if (base === undefined) throw corruptPack('has a delta whose base lies outside of it');
    at = base;
    object = reader.cached(at);
  }
  for (const delta of deltas.reverse()) {
    object = { type: object.type, data: applyDelta(object.data, delta.data, maxObjectBytes) };
    reader.keep(delta.offset, object);
  }
  return object;
}

/**
 * Goes through a packfile (gitformat-pack(5)) once: checks its checksum, inflates every entry, resolves deltas and
 * hashes every object, so that ids are computed and never believed. Bases must lie in the same pack.
 * Throws `git-object-corrupt`, `git-too-large`, or the signal's reason; never anything else, whatever the bytes.
 */
export async function indexPack(
  pack: Buffer,
  limits: PackLimits,
  signal: AbortSignal,
): Promise<IndexEntry[]> {
  const count = objectCount(pack);
  const offsets = new Map<string, number>();
  const known = new Set<number>();
  const cache = new ObjectCache(INDEXING_CACHE_BYTES);
  const entries: IndexEntry[] = [];
  const body = pack.subarray(0, -TRAILER_BYTES);
  const breathe = createBreather();
  let unpacked = 0;
  let current: { offset: number; header: EntryHeader; data: Buffer; end: number } | undefined;
  const entry = (offset: number) => {
    if (current?.offset === offset) return current;
    const header = parseEntryHeader(body, offset, offset);
    checkObjectSize(header.size, limits.maxObjectBytes);
    return { offset, header, ...inflateEntry(body, header.dataAt, header.size) };
  };
  const reader: PackReader = {
    entry,
    offsetOf: (oid) => offsets.get(oid),
    cached: (offset) => cache.get(offset),
    keep: (offset, object) => cache.set(offset, object),
  };
  /** Deltas whose base is not known yet, by the offset or the id of that base. */
  const waiting = new Map<number | string, IndexTodo[]>();
  let waitingCount = 0;
  const resolve = (offset: number, crc: number): string => {
    const object = readPackObject(reader, offset, limits.maxObjectBytes);
    unpacked += object.data.length;
    if (unpacked > limits.maxUnpackedBytes) {
      throw new FlotillaError(
        'git-too-large',
        `packfile unpacks to more than ${limits.maxUnpackedBytes} bytes`,
      );
    }
    const oid = hashObject(object.type, object.data);
    offsets.set(oid, offset);
    known.add(offset);
    entries.push({ oid, offset, crc });
    return oid;
  };

  let at = HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    current = entry(at);
    const { header, end } = current;
    const crc = crc32(body.subarray(at, end));
    const base = 'base' in header ? header.base : undefined;
    if (base === undefined || (typeof base === 'number' ? known.has(base) : offsets.has(base))) {
      const todo = [{ offset: at, crc }];
      for (let next = todo.pop(); next; next = todo.pop()) {
        const oid = resolve(next.offset, next.crc);
        for (const key of waitingCount > 0 ? [next.offset, oid] : []) {
          const freed = waiting.get(key) ?? [];
          todo.push(...freed);
          waitingCount -= freed.length;
          waiting.delete(key);
        }
        await breathe(signal);
      }
    } else {
      const others = waiting.get(base);
      if (others) others.push({ offset: at, crc });
      else waiting.set(base, [{ offset: at, crc }]);
      waitingCount++;
    }
    at = end;
  }
  if (at !== body.length) throw corruptPack('goes on after its last entry');
  if (waitingCount > 0) throw corruptPack('has a delta whose base lies outside of it');
  return entries;
}

/** The number of objects that a whole packfile says it has. Throws `git-object-corrupt` when it is not whole. */
export function objectCount(pack: Buffer): number {
  if (pack.length < HEADER_BYTES + TRAILER_BYTES || pack.toString('latin1', 0, 4) !== 'PACK') {
    throw corruptPack('is none');
  }
  if (pack.length >= 2 ** 31) throw new FlotillaError('git-too-large', 'packfile is larger than 2 GiB');
  const version = pack.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw corruptPack(`has version ${version}`);
  const checksum = createHash('sha1').update(pack.subarray(0, -TRAILER_BYTES)).digest();
  if (!checksum.equals(pack.subarray(-TRAILER_BYTES))) throw corruptPack('does not match its checksum');
  return pack.readUInt32BE(8);
}

type IndexTodo = { readonly offset: number; readonly crc: number };
