import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { HEADER_BYTES, TRAILER_BYTES } from './pack.ts';
import { corruptPack, parseEntryHeader } from './pack-entry.ts';
import type { IndexEntry } from './pack-index.ts';

export type PackPart = { readonly pack: Buffer; readonly entries: Iterable<IndexEntry> };

/**
 * Puts whole packs together into one that holds each object once. Compressed data is copied as it is; only the distance
 * to the base of a delta changes. A base is always placed before: every pack holds the bases of its deltas, and where an
 * object stands in several packs the first one counts.
 */
export function joinPacks(parts: readonly PackPart[]): { pack: Buffer; entries: IndexEntry[] } {
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  const pieces: Buffer[] = [header];
  const entries: IndexEntry[] = [];
  const placed = new Map<string, number>();
  let end = HEADER_BYTES;
  for (const part of parts) {
    const sorted = [...part.entries].sort((a, b) => a.offset - b.offset);
    const oids = new Map(sorted.map(({ offset, oid }) => [offset, oid]));
    for (const [i, { oid, offset }] of sorted.entries()) {
      if (placed.has(oid)) continue;
      const until = sorted[i + 1]?.offset ?? part.pack.length - TRAILER_BYTES;
      const entry = moveEntry(part.pack.subarray(0, until), offset, (base) => {
        const place = placed.get(oids.get(base) ?? '');
        if (place === undefined) throw corruptPack('has a delta whose base lies outside of it');
        return end - place;
      });
      entries.push({ oid, offset: end, crc: crc32(entry) });
      placed.set(oid, end);
      pieces.push(entry);
      end += entry.length;
    }
  }
  header.writeUInt32BE(entries.length, 8);
  const hash = createHash('sha1');
  for (const piece of pieces) hash.update(piece);
  return { pack: Buffer.concat([...pieces, hash.digest()]), entries };
}

/** An entry as it is, or, for a delta by distance, with the distance that it has at its new place. */
function moveEntry(pack: Buffer, offset: number, distanceTo: (base: number) => number): Buffer {
  const header = parseEntryHeader(pack, offset, offset);
  if (header.kind !== 'ofs-delta') return pack.subarray(offset);
  let sizeEnd = offset;
  while (pack[sizeEnd]! & 0x80) sizeEnd++;
  const distance = writeDistance(distanceTo(header.base));
  return Buffer.concat([pack.subarray(offset, sizeEnd + 1), distance, pack.subarray(header.dataAt)]);
}

/** Seven bits a byte, the most significant first; each further byte also stands for having gone on (gitformat-pack(5)). */
function writeDistance(distance: number): Buffer {
  const bytes = [distance & 0x7f];
  for (let rest = Math.floor(distance / 128); rest > 0; rest = Math.floor(rest / 128)) {
    rest -= 1;
    bytes.unshift((rest & 0x7f) | 0x80);
  }
  return Buffer.from(bytes);
}
