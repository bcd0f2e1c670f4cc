import { createHash } from 'node:crypto';
import { corruptPack } from './pack-entry.ts';

/** Where an object stands in a pack, and the CRC-32 of its compressed entry. */
export type IndexEntry = { readonly oid: string; readonly offset: number; readonly crc: number };

const MAGIC = 0xff744f63;
const HEADER = 8;
const FANOUT = 256 * 4;
const TRAILER = 40;

/** Writes a pack index of version 2 (gitformat-pack(5)), so that any Git can read the directory. Packs stay below 2 GiB. */
export function writePackIndex(entries: readonly IndexEntry[], packChecksum: Buffer): Buffer {
  const sorted = entries.toSorted((a, b) => (a.oid < b.oid ? -1 : a.oid > b.oid ? 1 : a.offset - b.offset));
  const count = sorted.length;
  const out = Buffer.alloc(HEADER + FANOUT + count * 28 + TRAILER);
  out.writeUInt32BE(MAGIC, 0);
  out.writeUInt32BE(2, 4);
  const oids = HEADER + FANOUT;
  for (const [i, entry] of sorted.entries()) {
    out.write(entry.oid, oids + i * 20, 'hex');
    out.writeUInt32BE(entry.crc, oids + count * 20 + i * 4);
    out.writeUInt32BE(entry.offset, oids + count * 24 + i * 4);
  }
  let below = 0;
  for (let first = 0; first < 256; first++) {
    while (below < count && out[oids + below * 20]! <= first) below++;
    out.writeUInt32BE(below, HEADER + first * 4);
  }
  packChecksum.copy(out, out.length - TRAILER);
  const body = out.subarray(0, out.length - 20);
  createHash('sha1')
    .update(body)
    .digest()
    .copy(out, out.length - 20);
  return out;
}

/** A pack index in memory: 28 bytes an object, and 4 more once an entry's end was asked for. */
export class PackIndex {
  readonly count: number;
  readonly #bytes: Buffer;
  #offsets: Uint32Array | undefined;

  /** Throws `git-object-corrupt` unless the bytes are a whole index of version 2 without 64-bit offsets. */
  constructor(bytes: Buffer) {
    const count = bytes.length < HEADER + FANOUT + TRAILER ? 0 : bytes.readUInt32BE(HEADER + FANOUT - 4);
    const whole =
      bytes.length === HEADER + FANOUT + count * 28 + TRAILER &&
      bytes.readUInt32BE(0) === MAGIC &&
      bytes.readUInt32BE(4) === 2 &&
      createHash('sha1').update(bytes.subarray(0, -20)).digest().equals(bytes.subarray(-20));
    if (!whole) throw corruptPack('index is damaged');
    this.#bytes = bytes;
    this.count = count;
  }

  get packChecksum(): Buffer {
    return this.#bytes.subarray(-TRAILER, -20);
  }

  /** The offset of an object in the pack. */
  find(oid: string): number | undefined {
    const wanted = Buffer.from(oid, 'hex');
    if (wanted.length !== 20) return undefined;
    const first = wanted[0]!;
    let low = first === 0 ? 0 : this.#bytes.readUInt32BE(HEADER + (first - 1) * 4);
    let high = this.#bytes.readUInt32BE(HEADER + first * 4);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = HEADER + FANOUT + middle * 20;
      const order = this.#bytes.compare(wanted, 0, 20, at, at + 20);
      if (order === 0) return this.#offset(middle);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** Where the entry that starts at `offset` ends, given the size of the pack file. */
  endOf(offset: number, packSize: number): number {
    this.#offsets ??= Uint32Array.from({ length: this.count }, (_, i) => this.#offset(i)).sort();
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#offsets[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#offsets[low] ?? packSize - 20;
  }

  *entries(): Generator<IndexEntry> {
    for (let i = 0; i < this.count; i++) {
      const at = HEADER + FANOUT + i * 20;
      const crc = this.#bytes.readUInt32BE(HEADER + FANOUT + this.count * 20 + i * 4);
      yield { oid: this.#bytes.toString('hex', at, at + 20), crc, offset: this.#offset(i) };
    }
  }

  #offset(i: number): number {
    return this.#bytes.readUInt32BE(HEADER + FANOUT + this.count * 24 + i * 4);
  }
}
