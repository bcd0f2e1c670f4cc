import { YamlFault } from './fault.ts';

/** What only the whole parser reads is slow and takes memory, so there may be less of it: of one document, and of a file. */
const WHOLE_BYTES = 4 << 20;
const DOCUMENT_PIECES = 75_000;
export const WHOLE_PIECES = 120_000;
const MOST_OPEN = 2_000;

/**
 * Looks for what would keep the whole parser busy before it starts: it recurses, and reads everything before it answers. Takes the
 * pieces of the text from those that are left for the file.
 *
 * @throws YamlFault
 */
export function refuseCostly(
  text: string,
  most: { documents: number; depth: number },
  left: { pieces: number },
): void {
  if (text.length > WHOLE_BYTES) refuse(`larger than ${WHOLE_BYTES} bytes, and not written plainly`, text, 0);
  let documents = 1;
  for (const marker of text.matchAll(/^---/gm))
    if (++documents > most.documents + 1) refuse(`more than ${most.documents} documents`, text, marker.index);
  const steps = /(?:[-?:][ \t]+){200}/.exec(text);
  if (steps) refuse(`nested deeper than ${most.depth}`, text, steps.index);
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) open++;
    else if ((code === 0x5d || code === 0x7d) && open > 0) open--;
    if (open > MOST_OPEN) refuse(`nested deeper than ${most.depth}`, text, at);
  }
  const pieces = Math.min(DOCUMENT_PIECES, left.pieces);
  left.pieces -= countPieces(text, pieces);
}

const QUOTA = 8;

/**
 * Counts what costs time and memory when it is read: lines, items, keys and brackets, wherever they stand; comments and empty
 * lines an eighth of it.
 *
 * @throws YamlFault when there are more than so many
 */
export function countPieces(text: string, most: number): number {
  let open = 0;
  let weight = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    if (code === 0x0a) weight += next === 0x0a || next === 0x23 ? 1 : QUOTA;
    else if (code === 0x2c) weight += open > 0 ? QUOTA : 0;
    else if (code === 0x2d || code === 0x3a || code === 0x3f) weight += next === 0x20 ? QUOTA : 0;
    else if (code === 0x5b || code === 0x7b) {
      open++;
      weight += QUOTA;
    } else if (code === 0x5d || code === 0x7d) {
      if (open > 0) open--;
      weight += QUOTA;
    }
    if (weight > QUOTA * most) refuse(`more than ${most} lines, items and keys`, text, at);
  }
  return weight / QUOTA;
}

function refuse(why: string, text: string, at: number): never {
  const before = text.slice(0, at).split('\n');
  throw new YamlFault(why, { line: before.length, column: before.at(-1)!.length + 1 });
}
