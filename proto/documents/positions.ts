import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type Document as YamlDocument,
} from 'yaml';

/** A place in a text, counted from 1, and what stands there: its first line, as written, at most 80 letters. */
export type Token = { line: number; column: number; text: string };
/** `key`: the key of the last step of a path; `value` (the default): what the key leads to. */
export type Part = 'key' | 'value';

/** One YAML document with the places of everything in it. Slow: read only when something is wrong or asked for. */
export class Positions {
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #yaml: YamlDocument;
  #value: unknown;
  /** The first thing that is wrong with the YAML itself; what follows it is mostly its echo. */
  readonly fault: { token: Token; message: string } | undefined;

  constructor(text: string) {
    this.#text = text;
    try {
      this.#yaml = parseDocument(text, {
        lineCounter: this.#lines,
        version: '1.2',
        uniqueKeys: true,
        prettyErrors: false,
        logLevel: 'error',
      });
    } catch (error) {
      // The parser recurses: what overflows the stack is nested beyond anything meant.
      if (!(error instanceof RangeError)) throw error;
      this.#yaml = parseDocument('');
      this.fault = { token: this.#token(0, 0), message: 'is nested too deeply' };
      return;
    }
    const [error] = [...this.#yaml.errors, ...this.#yaml.warnings];
    if (error) {
      const { token, message } = this.#syntax(error.code, error.message, error.pos);
      this.fault = { token, message };
      return;
    }
    try {
      this.#value = this.#yaml.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      // Unknown anchors and alias bombs show only here.
      const message = cause instanceof Error ? cause.message.split('\n')[0]! : 'cannot be read';
      this.fault = { token: this.#firstAlias(), message };
    }
  }

  /** The document as plain data; undefined where there is a fault. */
  get value(): unknown {
    return this.#value;
  }

  /**
   * Where a path stands; where it does not exist, the key of the nearest part above it that does. Maps and lists in block style
   * are found by their key, because they have no beginning of their own.
   */
  at(path: readonly PropertyKey[], part: Part = 'value'): Token {
    let node: Node | null | undefined = this.#yaml.contents as Node | null;
    let found: { pair?: Pair; node?: Node | null | undefined } = { node };
    for (const [index, step] of path.entries()) {
      const inside: Node | undefined = isAlias(node) ? node.resolve(this.#yaml) : (node ?? undefined);
      if (isSeq(inside)) {
        node = inside.items[Number(step)] as Node | undefined;
        if (!node) return this.#tokenOf(found, 'key');
        found = { node };
      } else if (isMap(inside)) {
        const pair = inside.items.find((item) => keyText(item) === String(step));
        if (!pair) return this.#tokenOf(found, 'key');
        node = pair.value as Node | null;
        found = { pair, node };
      } else return this.#tokenOf(found, 'key');
      if (index === path.length - 1) return this.#tokenOf(found, part);
    }
    return this.#tokenOf(found, part);
  }

  /** Numbers below a path whose spelling YAML does not keep, as `1.10` and `0x1F`. */
  respelled(path: readonly PropertyKey[]): { path: PropertyKey[]; token: Token; value: number }[] {
    const found: { path: PropertyKey[]; token: Token; value: number }[] = [];
    const walk = (node: unknown, at: PropertyKey[]) => {
      if (isMap(node)) for (const pair of node.items) walk(pair.value, [...at, keyText(pair) ?? '']);
      else if (isScalar(node) && typeof node.value === 'number' && node.range) {
        const token = this.#token(node.range[0], node.range[1]);
        if (token.text !== String(node.value)) found.push({ path: at, token, value: node.value });
      }
    };
    const top = this.#yaml.getIn(path, true);
    if (isMap(top)) walk(top, [...path]);
    return found;
  }

  #tokenOf({ pair, node }: { pair?: Pair; node?: Node | null | undefined }, part: Part): Token {
    const [start, end] = node?.range ?? [0, 0];
    const block = (isMap(node) || isSeq(node)) && node.flow !== true;
    if (pair && (part === 'key' || block || end <= start)) {
      const range = (pair.key as Node | undefined)?.range;
      if (range) return this.#token(range[0], range[1]);
    }
    return this.#token(start, end);
  }

  #token(from: number, to: number): Token {
    const start = Math.max(0, Math.min(from, this.#text.length));
    const { line, col } = this.#lines.linePos(start);
    const [text = ''] = this.#text.slice(start, Math.max(start, to)).split(/\r?\n/, 1);
    return { line: Math.max(1, line), column: Math.max(1, col), text: text.slice(0, 80) };
  }

  #syntax(code: string, message: string, [from, to]: [number, number]): { token: Token; message: string } {
    if (code === 'MULTIPLE_DOCS') return { token: this.#token(from, to), message: 'one document per file' };
    if (code === 'DUPLICATE_KEY') {
      const [key = ''] = /^("[^"]*"|'[^']*'|[^\s:,{}[\]]+)/.exec(this.#text.slice(from)) ?? [];
      const token = this.#token(from, from + key.length);
      return { token, message: `key ${key} is given twice` };
    }
    return { token: this.#token(from, to), message: message.split('\n')[0]! };
  }

  #firstAlias(): Token {
    const at = /(?<=^|[\s[{,:])\*[^\s,\]}]+/.exec(this.#text);
    return at ? this.#token(at.index, at.index + at[0].length) : this.#token(0, 0);
  }
}

function keyText(pair: unknown): string | undefined {
  if (!isPair(pair)) return undefined;
  const key = pair.key as Scalar | string | null;
  return isScalar(key) ? String(key.value) : undefined;
}
