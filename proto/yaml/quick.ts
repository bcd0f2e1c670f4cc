/**
 * Reads the plain YAML that fleet documents are written in, ten times faster than a whole YAML parser: block maps and lists,
 * flow maps and lists on one line, scalars on one line, comments.
 *
 * Law: the answer is either what YAML 1.2 (core schema) says, or undefined for "not sure" — never another value. Whoever gets
 * undefined asks the whole parser; so does whoever needs positions or the reason of an error. Texts with anchors, tags, block
 * scalars, escapes, tabs, numbers of unusual spelling, duplicate keys or anything wrong are "not sure".
 */
export function readQuick(text: string): { value: unknown } | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    const reader = new QuickReader(text);
    const value = reader.block(0);
    return reader.done() ? { value } : undefined;
  } catch (error) {
    if (error === NOT_SURE) return undefined;
    throw error;
  }
}

const NOT_SURE = new Error('not plain YAML');
/** Anything but printable characters and line feeds; spaces of other alphabets count as unusual too. */
const UNUSUAL = /[^\n\x20-\x7e\u00a1-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff]/;
const KEY = /([A-Za-z_][A-Za-z0-9_./-]{0,200}):(?: +|$)/y;
const FLOW_KEY = /([A-Za-z_][A-Za-z0-9_./-]{0,200}): +/y;
const FLOW_PLAIN = /[^\s,[\]{}#:"'&*!|>%@`?-][^,[\]{}]*/y;
const NO_PLAIN_START = new Set('|>&*!%@`?:,]}#-[{"\'');
const SMALL_INTEGER = /^(?:0|[1-9][0-9]{0,14})$/;
const NUMBER_LIKE = /^(?:0[ox])?[0-9a-fA-F]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$/;
const WORDS = new Map<string, boolean | null>(
  [['true', true] as const, ['false', false] as const, ['null', null] as const].flatMap(([word, value]) =>
    [word, word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()].map((one) => [one, value] as const),
  ),
);
const DEEPEST = 40;

class QuickReader {
  readonly #indents: number[] = [];
  readonly #lines: string[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const content = line.trim();
      if (content === '' || content.startsWith('#')) continue;
      const indent = line.length - line.trimStart().length;
      if (indent === 0 && (content.startsWith('---') || content.startsWith('...'))) {
        // One marker before everything else starts the document; any other is beyond plain.
        if (content === '---' && this.#lines.length === 0 && this.#at === 0) {
          this.#at = 1;
          continue;
        }
        throw NOT_SURE;
      }
      this.#indents.push(indent);
      this.#lines.push(content);
    }
    this.#at = 0;
    if (this.#lines.length === 0) throw NOT_SURE;
  }

  done(): boolean {
    return this.#at === this.#lines.length;
  }

  /** The map or list that starts at the current line. */
  block(least: number): unknown {
    const indent = this.#indents[this.#at]!;
    if (indent < least || ++this.#depth > DEEPEST) throw NOT_SURE;
    const value = isItem(this.#lines[this.#at]!) ? this.#list(indent) : this.#map(indent);
    this.#depth--;
    return value;
  }

  #map(indent: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    while (this.#at < this.#lines.length) {
      const at = this.#indents[this.#at]!;
      if (at < indent) break;
      const line = this.#lines[this.#at]!;
      KEY.lastIndex = 0;
      const key = at === indent ? KEY.exec(line)?.[1] : undefined;
      if (key === undefined) throw NOT_SURE;
      const rest = KEY.lastIndex === 0 ? '' : line.slice(KEY.lastIndex);
      this.#at++;
      put(map, key, rest === '' || rest.startsWith('#') ? this.#below(indent) : this.#inline(rest, indent));
    }
    return map;
  }

  /** What stands below a key without a value on its own line: a list may stand at the key's own indent. */
  #below(indent: number): unknown {
    const next = this.#indents[this.#at];
    if (next === undefined || next < indent) return null;
    if (next > indent) return this.block(indent + 1);
    return isItem(this.#lines[this.#at]!) ? this.block(indent) : null;
  }

  #list(indent: number): unknown[] {
    const list: unknown[] = [];
    while (this.#indents[this.#at] === indent && isItem(this.#lines[this.#at]!)) {
      const line = this.#lines[this.#at]!;
      const rest = line.slice(1).trimStart();
      KEY.lastIndex = 0;
      if (KEY.test(rest)) {
        // A map that starts on the line of its dash: the same as if it stood alone, further to the right.
        this.#indents[this.#at] = indent + line.length - rest.length;
        this.#lines[this.#at] = rest;
        list.push(this.block(indent + 1));
      } else {
        this.#at++;
        list.push(this.#inline(rest, indent));
      }
    }
    if ((this.#indents[this.#at] ?? 0) > indent) throw NOT_SURE;
    return list;
  }

  /** A value that starts and must end on this line. */
  #inline(text: string, indent: number): unknown {
    // A deeper line would continue a plain scalar.
    if ((this.#indents[this.#at] ?? 0) > indent) throw NOT_SURE;
    const first = text[0];
    if (first === '{' || first === '[') {
      const flow = new FlowReader(text);
      const value = flow.value(0);
      return endsAt(text, flow.at) ? value : unsure();
    }
    if (first === '"' || first === "'") {
      const end = quoteEnd(text, 0);
      return endsAt(text, end) ? text.slice(1, end - 1) : unsure();
    }
    const comment = text.indexOf(' #');
    return plain((comment < 0 ? text : text.slice(0, comment)).trimEnd());
  }
}

class FlowReader {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): unknown {
    const first = this.#text[this.at];
    if (depth > DEEPEST) throw NOT_SURE;
    if (first === '{') return this.#map(depth + 1);
    if (first === '[') return this.#list(depth + 1);
    if (first === '"' || first === "'") {
      const start = this.at;
      this.at = quoteEnd(this.#text, start);
      return this.#text.slice(start + 1, this.at - 1);
    }
    FLOW_PLAIN.lastIndex = this.at;
    const found = FLOW_PLAIN.exec(this.#text)?.[0];
    if (found === undefined || found.includes(' #')) throw NOT_SURE;
    this.at += found.length;
    return plain(found.trimEnd());
  }

  #map(depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    if (this.#opens('}')) return map;
    do {
      FLOW_KEY.lastIndex = this.at;
      const key = FLOW_KEY.exec(this.#text)?.[1];
      if (key === undefined) throw NOT_SURE;
      this.at = FLOW_KEY.lastIndex;
      put(map, key, this.value(depth));
    } while (this.#goesOn('}'));
    return map;
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = [];
    if (this.#opens(']')) return list;
    do list.push(this.value(depth));
    while (this.#goesOn(']'));
    return list;
  }

  /** Steps over the opening bracket; true when the closing one follows at once. */
  #opens(close: string): boolean {
    this.at++;
    this.#skipSpace();
    if (this.#text[this.at] !== close) return false;
    this.at++;
    return true;
  }

  #goesOn(close: string): boolean {
    this.#skipSpace();
    const next = this.#text[this.at++];
    if (next === close) return false;
    if (next !== ',') throw NOT_SURE;
    this.#skipSpace();
    return true;
  }

  #skipSpace(): void {
    while (this.#text[this.at] === ' ') this.at++;
  }
}

/** Where the quoted text that starts at `start` ends, behind its quote. */
function quoteEnd(text: string, start: number): number {
  const quote = text[start]!;
  const end = text.indexOf(quote, start + 1);
  if (end < 0) throw NOT_SURE;
  const escaped = quote === "'" ? text[end + 1] === "'" : text.slice(start, end).includes('\\');
  return escaped ? unsure() : end + 1;
}

/** Whether nothing but a comment follows. */
function endsAt(text: string, at: number): boolean {
  const rest = text.slice(at);
  return rest === '' || /^ +(?:#|$)/.test(rest);
}

function plain(text: string): unknown {
  const first = text[0];
  if (first === undefined || NO_PLAIN_START.has(first)) throw NOT_SURE;
  if (text.endsWith(':') || text.includes(': ')) throw NOT_SURE;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (first >= '0' && first <= '9') {
    if (SMALL_INTEGER.test(text)) return Number(text);
    return NUMBER_LIKE.test(text) ? unsure() : text;
  }
  if (first === '+' || first === '~') throw NOT_SURE;
  if (first === '.' && !/^\.[A-Za-z_]/.test(text)) throw NOT_SURE;
  return /^\.(?:inf|nan)$/i.test(text) ? unsure() : text;
}

const isItem = (line: string) => line === '-' || line.startsWith('- ');

function put(map: Record<string, unknown>, key: string, value: unknown): void {
  if (Object.hasOwn(map, key) || key === '__proto__' || WORDS.has(key)) throw NOT_SURE;
  map[key] = value;
}

function unsure(): never {
  throw NOT_SURE;
}
