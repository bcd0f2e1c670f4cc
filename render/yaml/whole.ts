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
import { refuseCostly } from './costs.ts';
import type { Json, ReadDocument, YamlOptions } from './document.ts';
import { type Position, YamlFault } from './fault.ts';
import { refolded } from './fold.ts';
import { once } from './once.ts';
import { noteQuotes } from './quotes.ts';
import { NOT_IN_JSON, resolveOld, resolvePlain, type Scalar } from './scalar.ts';

/** What may still be read of a file. */
export type Budget = { nodes: number; pieces: number };

/**
 * Reads documents with the whole parser. Its trees are dropped; who asks where something stands has the text read again.
 * @throws YamlFault
 */
export function readWhole(text: string, limits: Required<YamlOptions>, budget: Budget): ReadDocument[] {
  refuseCostly(text, limits, budget);
  const { documents, lines } = parse(text);
  const again = once(() => parse(text));
  return documents.map((document, index) => {
    const [error] = document.errors;
    if (error) throw new YamlFault(told(error.message), position(lines, error.pos[0]));
    return {
      value: new Reader(text, lines, limits, budget).read(document.contents, 0),
      locate: (path) => position(again().lines, nodeAt(again().documents[index]!, path)?.range?.[0] ?? 0),
      written: (path) => writtenAt(again().documents[index]!, path),
    };
  });
}

/** The parser recurses, and tells an overflow of its stack like an error of syntax. */
function told(message: string): string {
  return message.startsWith('Maximum call stack') ? 'nested too deeply' : message.split('\n')[0]!;
}

function parse(text: string): { documents: YamlDocument[]; lines: LineCounter } {
  const lines = new LineCounter();
  try {
    // Scalars are resolved here and not by the parser; so are duplicate keys, which it compares each with each.
    const documents = parseAllDocuments(text, {
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
      lineCounter: lines,
    });
    return { documents: Array.isArray(documents) ? (documents as YamlDocument[]) : [], lines };
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
  readonly #budget: Budget;
  /** The newest node of each anchor: an alias means the last one before it. */
  readonly #anchors = new Map<string, Node>();

  constructor(source: string, lines: LineCounter, limits: Required<YamlOptions>, budget: Budget) {
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
      const value = this.read(pair.value, depth + 1);
      put(result, key, value);
      if (this.#limits.blanks && typeof value === 'string' && isScalar(pair.value) && !pair.value.tag)
        noteQuotes(result, key, value, pair.value.type !== 'PLAIN');
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
