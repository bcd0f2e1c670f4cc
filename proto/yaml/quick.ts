import { DEEPEST, FlowReader } from './flow.ts';
import {
  CORE,
  type Dialect,
  endsAt,
  NOT_SURE,
  plain,
  putTold,
  quoteEnd,
  unquoted,
  unsure,
} from './scalars.ts';

export { type Dialect, UNSURE } from './scalars.ts';

/**
 * Reads the plain YAML that fleet documents are written in, ten times faster than a whole YAML parser: block maps and lists,
 * flow maps and lists on one line, scalars on one line, comments.
 *
 * Law: the answer is either what YAML 1.2 (core schema) says, or undefined for "not sure" — never another value. Whoever gets
 * undefined asks the whole parser; so does whoever needs positions or the reason of an error. Texts with anchors, tags, block
 * scalars, escapes, tabs, numbers of unusual spelling, duplicate keys or anything wrong are "not sure".
 */
export function readQuick(text: string, dialect: Dialect = CORE): { value: unknown } | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    const reader = new QuickReader(text, dialect);
    const value = reader.block(0);
    return reader.done() ? { value } : undefined;
  } catch (error) {
    if (error === NOT_SURE) return undefined;
    throw error;
  }
}

/**
 * Where the values of a plain text stand, lines and columns counted from 1; undefined where the text is not plain, or the path
 * leads to what stands on the line of its parent.
 */
export function locateQuick(
  text: string,
  dialect: Dialect,
): ((path: readonly (string | number)[]) => { line: number; column: number } | undefined) | undefined {
  if (UNUSUAL.test(text)) return undefined;
  const places: Places = new Map();
  let root: unknown;
  try {
    root = new QuickReader(text, dialect, places).block(0);
  } catch (error) {
    if (error === NOT_SURE) return undefined;
    throw error;
  }
  return (path) => {
    let holder = root;
    let place: { line: number; column: number } | undefined;
    for (const part of path) {
      place = places.get(holder)?.get(part);
      if (place === undefined) return undefined;
      holder = (holder as Record<string | number, unknown>)[part];
    }
    // What is written as nothing stands nowhere.
    return holder === null || holder === undefined ? undefined : place;
  };
}

/** Of every map and list in block style, where its values start. */
type Places = Map<unknown, Map<string | number, { line: number; column: number }>>;

/** Anything but printable characters and line feeds; spaces of other alphabets count as unusual too. */
const UNUSUAL = /[^\n\x20-\x7e\u00a1-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff]/;
const KEY = /([A-Za-z_][A-Za-z0-9_./-]{0,200}):(?: +|$)/y;
class QuickReader {
  readonly #indents: number[] = [];
  readonly #lines: string[] = [];
  readonly #dialect: Dialect;
  /** All lines as they are, and which of them each line that says something is. */
  readonly #raw: string[];
  readonly #rows: number[] = [];
  readonly #places: Places | undefined;
  #at = 0;
  #depth = 0;

  constructor(text: string, dialect: Dialect, places?: Places) {
    this.#dialect = dialect;
    this.#places = places;
    this.#raw = text.split('\n');
    for (const [row, line] of this.#raw.entries()) {
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
      this.#rows.push(row);
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
      const isBelow = rest === '' || rest.startsWith('#');
      const column = indent + line.length - rest.length;
      this.#at++;
      this.#note(map, key, isBelow ? undefined : column);
      putTold(map, key, isBelow ? this.#below(indent) : this.#inline(rest, indent), rest[0], this.#dialect);
    }
    return map;
  }

  /** Remembers where a value starts: in the line that was just taken, or at the start of the next one. */
  #note(holder: unknown, key: string | number, column: number | undefined): void {
    if (this.#places === undefined) return;
    const row = this.#rows[column === undefined ? this.#at : this.#at - 1];
    if (row === undefined) return;
    const known = this.#places.get(holder) ?? new Map();
    this.#places.set(
      holder,
      known.set(key, { line: row + 1, column: (column ?? this.#indents[this.#at]!) + 1 }),
    );
  }

  /** What stands below a key without a value on its own line: a list may stand at the key's own indent. */
  #below(indent: number): unknown {
    const next = this.#indents[this.#at];
    if (next === undefined || next < indent) return this.#dialect.blank;
    if (next > indent) return this.block(indent + 1);
    return isItem(this.#lines[this.#at]!) ? this.block(indent) : this.#dialect.blank;
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
        this.#note(list, list.length, undefined);
        list.push(this.block(indent + 1));
      } else {
        this.#at++;
        this.#note(list, list.length, indent + line.length - rest.length);
        list.push(this.#inline(rest, indent));
      }
    }
    if ((this.#indents[this.#at] ?? 0) > indent) throw NOT_SURE;
    return list;
  }

  /** A value that starts and must end on this line. */
  #inline(text: string, indent: number): unknown {
    const first = text[0];
    if (first === '|' && this.#dialect.rich) return this.#literal(text, indent);
    // A deeper line would continue a plain scalar.
    if ((this.#indents[this.#at] ?? 0) > indent) throw NOT_SURE;
    if (first === '{' || first === '[') {
      const flow = new FlowReader(text, this.#dialect);
      const value = flow.value(0);
      return endsAt(text, flow.at) ? value : unsure();
    }
    if (first === '"' || first === "'") {
      const end = quoteEnd(text, 0, this.#dialect);
      return endsAt(text, end) ? unquoted(text.slice(0, end)) : unsure();
    }
    const comment = text.indexOf(' #');
    return plain((comment < 0 ? text : text.slice(0, comment)).trimEnd(), this.#dialect);
  }

  /** The lines below that stand deeper, as they are; the first of them says how deep. */
  #literal(header: string, indent: number): string {
    const chomp = /^\|([-+]?)(?: +#.*)?$/.exec(header)?.[1];
    if (chomp === undefined) throw NOT_SURE;
    const start = this.#rows[this.#at - 1]! + 1;
    const deep = this.#indents[this.#at] ?? 0;
    // Blank lines and what looks like a comment are no lines to the reader, but content here.
    if (deep <= indent || this.#rows[this.#at] !== start) throw NOT_SURE;
    const content: string[] = [];
    let row = start;
    for (; row < this.#raw.length; row++) {
      const line = this.#raw[row]!;
      const rest = line.trimStart();
      if (rest !== '' && line.length - rest.length < deep) {
        if (line.length - rest.length > indent) throw NOT_SURE;
        break;
      }
      content.push(line.slice(deep));
    }
    // Without a line feed at the end of the text the last line of a block has none.
    if (row === this.#raw.length && content.pop() !== '') throw NOT_SURE;
    while (this.#at < this.#rows.length && this.#rows[this.#at]! < row) this.#at++;
    const kept = `${content.join('\n')}\n`;
    if (chomp === '+') return kept;
    const stripped = kept.replace(/\n+$/, '');
    return chomp === '-' ? stripped : `${stripped}\n`;
  }
}

const isItem = (line: string) => line === '-' || line.startsWith('- ');
