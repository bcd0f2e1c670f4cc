import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar as ScalarNode,
  type YAMLMap,
  type Document as YamlDocument,
} from 'yaml';
import { type Dialect, locateQuick, readQuick, UNSURE } from '#proto/yaml/quick.ts';
import { refolded } from './fold.ts';
import { NOT_IN_JSON, resolveOld, resolvePlain, type Scalar } from './scalar.ts';

/** A value of JSON, with integers beyond 2^53 exact as bigint; `canonicalJson` writes them as digits. */
export type Json = Scalar | Json[] | { [key: string]: Json };

/** One document of a stream. */
export type ReadDocument = {
  readonly value: Json;
  /** Where the value at a path stands, counted from 1; the nearest place that is known where it came by an alias. */
  locate(path: readonly (string | number)[]): Position;
  /** The letters of an unquoted scalar (`0x10`, `True`); undefined for all else. */
  written(path: readonly (string | number)[]): string | undefined;
};
export type Position = { line: number; column: number };

/** Bounds of what is read; beyond them a YamlFault is thrown. Nodes count what aliases repeat. */
export type YamlLimits = { bytes: number; documents: number; nodes: number; depth: number };
/**
 * `lastKeyWins`: of a key given twice the last one counts, as go-yaml v2 reads kustomizations. `blanks`: a null that is
 * written as nothing (`a:`) is read as undefined, because kustomize tells it from `a: null` where it merges; and folded blocks
 * have the line feeds that kustomize adds (see `refolded`).
 * `old`: scalars mean what they do to the reader of kustomizations (see `resolveOld`).
 */
export type YamlOptions = Partial<YamlLimits> & { lastKeyWins?: boolean; blanks?: boolean; old?: boolean };
export const YAML_LIMITS: YamlLimits = { bytes: 32 << 20, documents: 20_000, nodes: 600_000, depth: 200 };

/** What is wrong with YAML text, and where. It names no file, because one content can stand in many. */
export class YamlFault extends Error {
  override readonly name = 'YamlFault';
  readonly at: Position;
  constructor(message: string, at: Position, options: { cause?: unknown } = {}) {
    super(message, options);
    this.at = at;
  }
}

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
  if (text.length > limits.nodes) refuseMore(text, limits.nodes);
  try {
    return readPlain(text, limits) ?? readWhole(text, limits);
  } catch (error) {
    // The parser recurses: what overflows the stack is nested beyond any limit.
    if (error instanceof RangeError)
      throw new YamlFault('nested too deeply', { line: 1, column: 1 }, { cause: error });
    throw error;
  }
}

/** Every document the quick way, or undefined where one of them is not plain; where things stand is found when it is asked. */
function readPlain(text: string, limits: Required<YamlOptions>): ReadDocument[] | undefined {
  const { parts, above } = splitDocuments(text);
  if (parts.length > limits.documents) return undefined;
  const dialect = limits.old ? OLD : limits.blanks ? BLANKS : NULLS;
  const budget = { nodes: limits.nodes };
  let whole: ReadDocument[] | undefined;
  let quick: ReturnType<typeof locateQuick>;
  const documents: ReadDocument[] = [];
  for (const [index, part] of parts.entries()) {
    const read = readQuick(part, dialect);
    if (read === undefined || !fitsBudget(read.value as Json, budget)) return undefined;
    const parsed = () => {
      whole ??= readWhole(text, limits);
      return whole[index]!;
    };
    documents.push({
      value: read.value as Json,
      locate: (path) => {
        if (parts.length === 1) quick ??= locateQuick(part, dialect);
        const at = quick?.(path);
        return at ? { ...at, line: at.line + above } : parsed().locate(path);
      },
      written: (path) => parsed().written(path),
    });
  }
  return documents;
}

/** The texts of a stream's documents, each but the first with a bare marker above it, and how many lines stand before them. */
function splitDocuments(text: string): { parts: string[]; above: number } {
  const parts = text.split(/^---[ ]*$/m);
  if (parts.length === 1 || !/^(?:[ ]*(?:#.*)?\n)*$/.test(parts[0]!)) return { parts, above: 0 };
  return { parts: parts.slice(1), above: parts[0]!.split('\n').length - 1 };
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
const BLANKS: Dialect = { ...NULLS, blank: undefined };

/** What only the whole parser reads is slow and takes memory, so there may be less of it. */
const WHOLE_BYTES = 4 << 20;
const WHOLE_PIECES = 150_000;
const MOST_OPEN = 2_000;

function readWhole(text: string, limits: Required<YamlOptions>): ReadDocument[] {
  refuseCostly(text, limits);
  const lines = new LineCounter();
  const documents = parse(text, lines);
  const budget = { nodes: limits.nodes };
  return documents.map((document) => {
    const [error] = document.errors;
    if (error) throw new YamlFault(told(error.message), position(lines, error.pos[0]));
    const reader = new Reader(text, lines, limits, budget);
    return {
      value: reader.read(document.contents, 0),
      locate: (path) => position(lines, nodeAt(document, path)?.range?.[0] ?? 0),
      written: (path) => writtenAt(document, path),
    };
  });
}

/** The parser recurses, and tells an overflow of its stack like an error of syntax. */
function told(message: string): string {
  return message.startsWith('Maximum call stack') ? 'nested too deeply' : message.split('\n')[0]!;
}

/** Looks for what would keep the parser busy before it starts: it recurses, and reads everything before it answers. */
function refuseCostly(text: string, limits: Required<YamlOptions>): void {
  if (text.length > WHOLE_BYTES) refuse(`larger than ${WHOLE_BYTES} bytes, and not written plainly`, text, 0);
  let documents = 1;
  for (const marker of text.matchAll(/^---/gm))
    if (++documents > limits.documents + 1)
      refuse(`more than ${limits.documents} documents`, text, marker.index);
  const steps = /(?:[-?:][ \t]+){200}/.exec(text);
  if (steps) refuse(`nested deeper than ${limits.depth}`, text, steps.index);
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) open++;
    else if ((code === 0x5d || code === 0x7d) && open > 0) open--;
    if (open > MOST_OPEN) refuse(`nested deeper than ${limits.depth}`, text, at);
  }
  if (text.length > WHOLE_PIECES) refuseMore(text, WHOLE_PIECES);
}

const QUOTA = 8;

/**
 * Counts what costs time and memory when it is read: lines, items, keys and brackets, wherever they stand; comments and empty
 * lines an eighth of it.
 */
function refuseMore(text: string, most: number): void {
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
}

function refuse(why: string, text: string, at: number): never {
  const before = text.slice(0, at).split('\n');
  throw new YamlFault(why, { line: before.length, column: before.at(-1)!.length + 1 });
}

function parse(text: string, lines: LineCounter): YamlDocument[] {
  try {
    // Scalars are resolved here and not by the parser; so are duplicate keys, which it compares each with each.
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      lineCounter: lines,
    });
    return Array.isArray(documents) ? (documents as YamlDocument[]) : [];
  } catch (error) {
    // The parser recurses: what overflows the stack is nested beyond any limit.
    if (error instanceof RangeError) throw new YamlFault('nested too deeply', { line: 1, column: 1 });
    throw error;
  }
}

class Reader {
  readonly #source: string;
  readonly #lines: LineCounter;
  readonly #limits: Required<YamlOptions>;
  readonly #budget: { nodes: number };
  /** The newest node of each anchor: an alias means the last one before it. */
  readonly #anchors = new Map<string, Node>();

  constructor(source: string, lines: LineCounter, limits: Required<YamlOptions>, budget: { nodes: number }) {
    this.#source = source;
    this.#lines = lines;
    this.#limits = limits;
    this.#budget = budget;
  }

  read(node: unknown, depth: number): Json {
    if (node === null || node === undefined) return this.#blank();
    if (--this.#budget.nodes < 0) throw this.#fault(node, `more than ${this.#limits.nodes} values`);
    if (depth > this.#limits.depth) throw this.#fault(node, `nested deeper than ${this.#limits.depth}`);
    if (isNode(node)) this.#remember(node);
    if (isScalar(node)) return this.#scalar(node);
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    if (isMap(node)) return this.#map(node, depth);
    if (isAlias(node)) return this.read(this.#target(node), depth + 1);
    throw this.#fault(node, 'something that is no value');
  }

  #blank(): null {
    return this.#limits.blanks ? (undefined as unknown as null) : null;
  }

  #scalar(node: ScalarNode): Scalar {
    // The parser itself decodes !!binary; Kubernetes has no bytes, and go-yaml makes text of them.
    if (node.value instanceof Uint8Array) return Buffer.from(node.value).toString('utf8');
    const text = this.#text(node);
    const tag = node.tag?.startsWith('tag:yaml.org,2002:') ? node.tag.slice(18) : undefined;
    const typed = tag === 'int' || tag === 'float' || tag === 'bool' || tag === 'null';
    if (!typed && (node.type !== 'PLAIN' || node.tag !== undefined)) return text;
    if (text === '' && !typed) return this.#blank();
    const value = this.#limits.old ? resolveOld(text) : resolvePlain(text);
    if (value === NOT_IN_JSON) throw this.#fault(node, `${text} has no form in JSON`);
    if (typed && (typeof value === 'string' || !fits(tag, value)))
      throw this.#fault(node, `${text} is no !!${tag}`);
    return value;
  }

  /** A block that the end of the text cuts off has no line feed there, and what is folded comes out as kustomize writes it. */
  #text(node: ScalarNode): string {
    const text = String(node.value ?? '');
    const isFolded = node.type === 'BLOCK_FOLDED';
    if (!isFolded && node.type !== 'BLOCK_LITERAL') return text;
    const isCut = node.range![1] >= this.#source.length && !this.#source.endsWith('\n');
    const whole = isCut && text.endsWith('\n') ? text.slice(0, -1) : text;
    return isFolded && this.#limits.blanks ? refolded(whole) : whole;
  }

  #map(node: YAMLMap, depth: number): Json {
    const result: { [key: string]: Json } = {};
    const seen = new Set<string>();
    const merges: { [key: string]: Json }[] = [];
    for (const pair of node.items as Pair[]) {
      if (isMergeKey(pair.key)) {
        merges.push(...this.#merged(pair.value, depth));
        continue;
      }
      const key = this.#key(pair.key, depth);
      if (seen.has(key) && !this.#limits.lastKeyWins)
        throw this.#fault(pair.key, `key ${JSON.stringify(key)} is given twice`);
      seen.add(key);
      put(result, key, this.read(pair.value, depth + 1));
    }
    // A key of the map itself wins over a merged one, and an earlier merged map over a later one.
    for (const merge of merges) {
      for (const [key, value] of Object.entries(merge))
        if (!Object.hasOwn(result, key)) put(result, key, value);
    }
    return result;
  }

  #key(node: unknown, depth: number): string {
    const key = this.read(node, depth + 1);
    if (key === null || key === undefined || typeof key === 'object')
      throw this.#fault(node, 'a key that is no text');
    return String(key);
  }

  #merged(source: unknown, depth: number): { [key: string]: Json }[] {
    const value = this.read(source, depth + 1);
    return (Array.isArray(value) ? value : [value]).map((map) => {
      if (map === null || typeof map !== 'object' || Array.isArray(map))
        throw this.#fault(source, '<< takes a map');
      return map;
    });
  }

  #remember(node: Node): void {
    const anchor = isAlias(node) ? undefined : (node as { anchor?: string }).anchor;
    if (!anchor) return;
    const known = this.#anchors.get(anchor);
    if (!known || node.range![0] > known.range![0]) this.#anchors.set(anchor, node);
  }

  #target(node: { source: string }): Node {
    const target = this.#anchors.get(node.source);
    if (!target) throw this.#fault(node, `unknown anchor ${node.source}`);
    return target;
  }

  #fault(node: unknown, message: string): YamlFault {
    return new YamlFault(message, position(this.#lines, (node as Node | undefined)?.range?.[0] ?? 0));
  }
}

function fits(tag: string, value: Exclude<Scalar, string>): boolean {
  if (tag === 'null') return value === null;
  if (tag === 'bool') return typeof value === 'boolean';
  const whole = typeof value === 'bigint' || Number.isInteger(value);
  return tag === 'int' ? whole : whole || typeof value === 'number';
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
}

/** An ordinary member, even where the key is `__proto__`. */
function put(target: { [key: string]: Json }, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The letters of an unquoted scalar at a path. */
function writtenAt(document: YamlDocument, path: readonly (string | number)[]): string | undefined {
  const node = nodeAt(document, path);
  return isScalar(node) && node.type === 'PLAIN' ? node.source : undefined;
}

/** The node at a path, or the last one on the way to it. A key is found by its text. */
function nodeAt(document: YamlDocument, path: readonly (string | number)[]): Node | undefined {
  let node: Node | undefined = document.contents ?? undefined;
  for (const part of path) {
    const inside: Node | undefined = isAlias(node) ? node.resolve(document) : node;
    const next = child(inside, part);
    if (!next) return node;
    node = next;
  }
  return node;
}

function child(node: Node | undefined, part: string | number): Node | undefined {
  if (isSeq(node)) return node.items[Number(part)] as Node | undefined;
  if (!isMap(node)) return undefined;
  const pair = node.items.findLast(
    (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === part,
  );
  return (pair?.value ?? pair?.key) as Node | undefined;
}
