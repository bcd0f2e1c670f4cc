import { inflateSync } from 'node:zlib';
import { FlotillaError } from '#proto/faults.ts';
import type { ObjectType } from './objects.ts';

/**
 * One entry of a packfile (gitformat-pack(5)). `size` is that of the inflated data, which for a delta are instructions.
 * `base` of an ofs-delta is an offset in the same pack, that of a ref-delta an object id.
 */
export type EntryHeader = { readonly size: number; readonly dataAt: number } & (
  | { readonly kind: ObjectType }
  | { readonly kind: 'ofs-delta'; readonly base: number }
  | { readonly kind: 'ref-delta'; readonly base: string }
);

const KINDS = [undefined, 'commit', 'tree', 'blob', 'tag', undefined, 'ofs-delta', 'ref-delta'] as const;

/** Reads the header at `at` in `bytes`; `offset` is the entry's place in its pack. */
export function parseEntryHeader(bytes: Buffer, at: number, offset: number): EntryHeader {
  let next = at;
  const byte = (): number => {
    const value = bytes[next++];
    if (value === undefined) throw corruptPack('ends inside an entry');
    return value;
  };
  const first = byte();
  const kind = KINDS[(first >> 4) & 7];
  let size = first & 15;
  for (let shift = 4, more = first & 0x80; more; shift += 7) {
    const value = byte();
    size += (value & 0x7f) * 2 ** shift;
    more = value & 0x80;
    if (size > Number.MAX_SAFE_INTEGER) throw corruptPack('has an entry of absurd size');
  }
  if (!kind) throw corruptPack('has an entry of unknown type');
  if (kind === 'ofs-delta') {
    let value = byte();
    let distance = value & 0x7f;
    while (value & 0x80) {
      value = byte();
      distance = (distance + 1) * 128 + (value & 0x7f);
    }
    if (distance <= 0 || distance > offset) throw corruptPack('has a delta whose base lies outside of it');
    return { kind, size, base: offset - distance, dataAt: next };
  }
  if (kind === 'ref-delta') {
    if (next + 20 > bytes.length) throw corruptPack('ends inside an entry');
    return { kind, size, base: bytes.toString('hex', next, next + 20), dataAt: next + 20 };
  }
  return { kind, size, dataAt: next };
}

const CHUNK = 1 << 20;

/** Inflates exactly `size` bytes from `at`; `end` is where the compressed data stops. */
export function inflateEntry(bytes: Buffer, at: number, size: number): { data: Buffer; end: number } {
  try {
    // `info` (documented) tells how much was consumed; @types/node does not know it. One chunk that fits is one copy less.
    const { buffer, engine } = inflateSync(bytes.subarray(at), {
      info: true,
      maxOutputLength: size + 1,
      chunkSize: Math.max(64, Math.min(size + 1, CHUNK)),
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (buffer.length === size) return { data: buffer, end: at + engine.bytesWritten };
  } catch (cause) {
    throw corruptPack('has an entry that cannot be inflated', cause);
  }
  throw corruptPack('has an entry of another size than it says');
}

/** Applies the instructions of a delta to its base: copy a range of the base, or insert bytes. */
export function applyDelta(base: Buffer, delta: Buffer, maxBytes: number): Buffer {
  const source = readSize(delta, 0);
  const target = readSize(delta, source.next);
  if (source.size !== base.length) throw corruptPack('has a delta for another base');
  checkObjectSize(target.size, maxBytes);
  const out = Buffer.allocUnsafe(target.size);
  let at = target.next;
  let filled = 0;
  while (at < delta.length) {
    const command = delta[at++]!;
    let from: Buffer;
    let start: number;
    let length = command;
    if (command & 0x80) {
      from = base;
      start = 0;
      length = 0;
      for (let i = 0; i < 4; i++) if (command & (1 << i)) start += (delta[at++] ?? Number.NaN) * 2 ** (8 * i);
      for (let i = 0; i < 3; i++)
        if (command & (0x10 << i)) length += (delta[at++] ?? Number.NaN) * 2 ** (8 * i);
      if (length === 0) length = 0x10000;
    } else {
      from = delta;
      start = at;
      at += length;
    }
    // Written so that NaN, from instructions that are cut off, fails too.
    if (!(length > 0 && start + length <= from.length && filled + length <= target.size)) {
      throw corruptPack('has a delta that reaches outside of its base or result');
    }
    from.copy(out, filled, start, start + length);
    filled += length;
  }
  if (filled !== target.size) throw corruptPack('has a delta that makes too little');
  return out;
}

function readSize(delta: Buffer, at: number): { size: number; next: number } {
  let size = 0;
  let next = at;
  for (let shift = 0; ; shift += 7) {
    const byte = delta[next++];
    if (byte === undefined || shift > 42) throw corruptPack('has a delta without sizes');
    size += (byte & 0x7f) * 2 ** shift;
    if (!(byte & 0x80)) return { size, next };
  }
}

/** Throws `git-too-large`. */
export function checkObjectSize(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new FlotillaError(
    'git-too-large',
    `packfile has an object of ${size} bytes; ${maxBytes} are allowed`,
  );
}

export function corruptPack(what: string, cause?: unknown): FlotillaError {
  return new FlotillaError('git-object-corrupt', `packfile ${what}`, { cause });
}
