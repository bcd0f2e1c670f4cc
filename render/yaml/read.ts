import { type Dialect, locateQuick, readQuick, UNSURE } from '#proto/yaml/quick.ts';
import { countPieces, WHOLE_PIECES } from './costs.ts';
import { type Json, type ReadDocument, YAML_LIMITS, type YamlOptions } from './document.ts';
import { type Position, YamlFault } from './fault.ts';
import { once } from './once.ts';
import { noteQuotes } from './quotes.ts';
import { NOT_IN_JSON, resolveOld, resolvePlain } from './scalar.ts';
import { type Budget, readWhole } from './whole.ts';

export { type Json, type ReadDocument, YAML_LIMITS, type YamlOptions } from './document.ts';
export { type Position, YamlFault } from './fault.ts';

/**
 * Reads a stream of YAML documents as Kubernetes means them (see `resolvePlain`), anchors and merge keys expanded.
 * Empty documents are kept as null. Keys are text: `n: 1` has the key `n`, and `0x10: 1` the key `16`, as in kubectl.
 *
 * Refused with a YamlFault: syntax errors, a key given twice, keys that are no text, Infinity and NaN, unknown anchors,
 * and what exceeds the limits; alias bombs exceed `nodes`.
 */
export function readYaml(text: string, options: YamlOptions = {}): ReadDocument[] {
  const limits = { ...YAML_LIMITS, lastKeyWins: false, blanks: false, old: false, ...options };
  if (text.length > limits.bytes)
    throw new YamlFault(`larger than ${limits.bytes} bytes`, { line: 1, column: 1 });
  if (text.length > limits.nodes) countPieces(text, limits.nodes);
  try {
    return readParts(text, limits);
  } catch (error) {
    // The parser recurses: what overflows the stack is nested beyond any limit.
    if (error instanceof RangeError)
      throw new YamlFault('nested too deeply', { line: 1, column: 1 }, { cause: error });
    throw error;
  }
}

/** Each document the quick way where it is plain, and else with the whole parser. */
function readParts(text: string, limits: Required<YamlOptions>): ReadDocument[] {
  const budget = { nodes: limits.nodes, pieces: WHOLE_PIECES };
  if (/^(?:%|\.\.\.)/m.test(text)) return readWhole(text, limits, budget);
  const parts = splitDocuments(text);
  if (parts.length > limits.documents)
    throw new YamlFault(`more than ${limits.documents} documents`, { line: 1, column: 1 });
  return parts.flatMap((part) => readPart(part, parts.length === 1, limits, budget));
}

type Part = { readonly text: string /** How many lines stand before it. */; readonly above: number };

function readPart(
  { text, above }: Part,
  isOnly: boolean,
  limits: Required<YamlOptions>,
  budget: Budget,
): ReadDocument[] {
  const shift = (at: Position) => ({ ...at, line: at.line + above });
  if (!isOnly && isBlank(text)) {
    const value = limits.blanks ? (undefined as unknown as null) : null;
    return [{ value, locate: () => shift({ line: 1, column: 1 }), written: () => undefined }];
  }
  const dialect = limits.old ? OLD : limits.blanks ? BLANKS : NULLS;
  const read = readQuick(text, dialect);
  const whole = (left = budget) => moved(() => readWhole(text, limits, left), shift);
  if (read === undefined || !fitsBudget(read.value as Json, budget)) return whole();
  const again = once(() => {
    const left = { nodes: limits.nodes, pieces: budget.pieces };
    const [document] = whole(left);
    budget.pieces = left.pieces;
    return document!;
  });
  const quick = once(() => locateQuick(text, dialect));
  return [
    {
      value: read.value as Json,
      locate: (path) => {
        const at = quick()?.(path);
        return at ? shift(at) : again().locate(path);
      },
      written: (path) => again().written(path),
    },
  ];
}

/** The documents and faults of a part of a text, where they stand in the whole of it. */
function moved(read: () => ReadDocument[], shift: (at: Position) => Position): ReadDocument[] {
  try {
    return read().map((document) => ({ ...document, locate: (path) => shift(document.locate(path)) }));
  } catch (fault) {
    if (!(fault instanceof YamlFault)) throw fault;
    throw new YamlFault(fault.message, shift(fault.at), { cause: fault });
  }
}

/** The texts of a stream's documents, each but the first with a bare marker above it. */
function splitDocuments(text: string): Part[] {
  const texts = text.split(/^---[ ]*$/m);
  const parts: Part[] = [];
  let above = 0;
  for (const [index, part] of texts.entries()) {
    // What stands before the first marker is no document where it is nothing.
    if (index > 0 || texts.length === 1 || !isBlank(part)) parts.push({ text: part, above });
    above += lineFeeds(part);
  }
  return parts;
}

function lineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** Nothing but comments and blank lines. */
function isBlank(text: string): boolean {
  return text.split('\n', 1_000).every((line) => /^ *(?:#|$)/.test(line)) && lineFeeds(text) < 1_000;
}

function fitsBudget(value: Json, budget: { nodes: number }): boolean {
  if (--budget.nodes < 0) return false;
  if (typeof value !== 'object' || value === null) return true;
  const members = Array.isArray(value) ? value : Object.values(value);
  return members.every((member) => fitsBudget(member, budget));
}

const scalarBy = (resolve: typeof resolvePlain) => (text: string) => {
  const value = resolve(text);
  return value === NOT_IN_JSON ? UNSURE : value;
};
const NULLS: Dialect = { scalar: scalarBy(resolvePlain), blank: null, rich: true };
const OLD: Dialect = { ...NULLS, scalar: scalarBy(resolveOld) };
const BLANKS: Dialect = { ...NULLS, blank: undefined, text: noteQuotes };
