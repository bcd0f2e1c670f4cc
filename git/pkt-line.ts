import { FlotillaError } from '#proto/faults.ts';

/**
 * The framing of Git's wire protocol (gitprotocol-common(5)): four hexadecimal digits of length, themselves included,
 * then the payload; lengths 0, 1 and 2 are marks without payload.
 */
export type Pkt =
  | { readonly kind: 'data'; readonly payload: Buffer }
  | { readonly kind: 'flush' | 'delim' | 'end' };

/** The largest payload of one pkt-line: 65,520 bytes with its length. */
export const MAX_PAYLOAD = 65_516;

export const FLUSH = Buffer.from('0000');
export const DELIM = Buffer.from('0001');

export function writePkt(payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (bytes.length > MAX_PAYLOAD) throw new RangeError(`a pkt-line holds at most ${MAX_PAYLOAD} bytes`);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

/**
 * Cuts a byte stream into pkt-lines. Holds at most one pkt-line and one chunk.
 * Throws `git-protocol` on a length that is none and on a stream that ends inside a pkt-line.
 */
export async function* readPkts(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Pkt> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = pktLength(rest, at);
      if (length < 4) {
        yield { kind: length === 0 ? 'flush' : length === 1 ? 'delim' : 'end' };
        at += 4;
      } else {
        if (rest.length - at < length) break;
        yield { kind: 'data', payload: rest.subarray(at + 4, at + length) };
        at += length;
      }
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw new FlotillaError('git-protocol', 'answer ends in the middle of a pkt-line');
}

function pktLength(bytes: Buffer, at: number): number {
  const digits = bytes.toString('latin1', at, at + 4);
  const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
  if (length < 0 || length === 3 || length > MAX_PAYLOAD + 4) {
    throw new FlotillaError(
      'git-protocol',
      `answer is not made of pkt-lines: found ${JSON.stringify(digits)}`,
    );
  }
  return length;
}

/** The text of a data line without its optional line feed. */
export function pktText(payload: Buffer): string {
  const end = payload.at(-1) === 0x0a ? payload.length - 1 : payload.length;
  return payload.toString('utf8', 0, end);
}
