import { type Dialect, NOT_SURE, plain, putTold, quoteEnd, unquoted } from './scalars.ts';

const FLOW_KEY = /([A-Za-z_][A-Za-z0-9_./-]{0,200}): +/y;
const FLOW_PLAIN = /[^\s,[\]{}#:"'&*!|>%@`?-][^,[\]{}]*/y;
/** Beyond this a text is not plain. */
export const DEEPEST = 40;

/** Reads a map or list in brackets that ends on its line. */
export class FlowReader {
  readonly #text: string;
  readonly #dialect: Dialect;
  at = 0;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
  }

  value(depth: number): unknown {
    const first = this.#text[this.at];
    if (depth > DEEPEST) throw NOT_SURE;
    if (first === '{') return this.#map(depth + 1);
    if (first === '[') return this.#list(depth + 1);
    if (first === '"' || first === "'") {
      const start = this.at;
      this.at = quoteEnd(this.#text, start, this.#dialect);
      return unquoted(this.#text.slice(start, this.at));
    }
    FLOW_PLAIN.lastIndex = this.at;
    const found = FLOW_PLAIN.exec(this.#text)?.[0];
    if (found === undefined || found.includes(' #')) throw NOT_SURE;
    this.at += found.length;
    return plain(found.trimEnd(), this.#dialect);
  }

  #map(depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    if (this.#opens('}')) return map;
    do {
      FLOW_KEY.lastIndex = this.at;
      const key = FLOW_KEY.exec(this.#text)?.[1];
      if (key === undefined) throw NOT_SURE;
      this.at = FLOW_KEY.lastIndex;
      const first = this.#text[this.at];
      putTold(map, key, this.value(depth), first, this.#dialect);
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
