/**
 * Scalars of plain YAML, quoted or not, and what is not sure to be plain.
 */

/** What a family of documents means by the same signs. */
export type Dialect = {
  /** The value of an unquoted scalar, or UNSURE. */
  scalar(text: string): unknown;
  /** The value of what is written as nothing. */
  readonly blank: unknown;
  /** Whether literal blocks, simple escapes and scalars that start with a dash are read here too. */
  readonly rich: boolean;
  /** Is told each text in a map, and whether it has quotes or is a block. */
  text?(map: object, key: string, value: string, quoted: boolean): void;
};
export const UNSURE = Symbol('unsure');

export const CORE: Dialect = { scalar: coreScalar, blank: null, rich: false };

/** Thrown where a text is not plain. */
export const NOT_SURE = new Error('not plain YAML');

const NO_PLAIN_START = new Set('|>&*!%@`?:,]}#-[{"\'');
const SMALL_INTEGER = /^(?:0|[1-9][0-9]{0,14})$/;
const NUMBER_LIKE = /^(?:0[ox])?[0-9a-fA-F]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?$/;
const WORDS = new Map<string, boolean | null>(
  [['true', true] as const, ['false', false] as const, ['null', null] as const].flatMap(([word, value]) =>
    [word, word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()].map((one) => [one, value] as const),
  ),
);

/** Where the quoted text that starts at `start` ends, behind its quote. */
export function quoteEnd(text: string, start: number, dialect: Dialect): number {
  const quote = text[start]!;
  let end = text.indexOf(quote, start + 1);
  if (!dialect.rich) {
    const escaped = quote === "'" ? text[end + 1] === "'" : text.slice(start, end).includes('\\');
    return end < 0 || escaped ? unsure() : end + 1;
  }
  if (quote === "'") {
    while (end >= 0 && text[end + 1] === "'") end = text.indexOf("'", end + 2);
  } else {
    while (end >= 0 && backslashesBefore(text, end) % 2 === 1) end = text.indexOf('"', end + 1);
  }
  return end < 0 ? unsure() : end + 1;
}

function backslashesBefore(text: string, at: number): number {
  let count = 0;
  while (text[at - count - 1] === '\\') count++;
  return count;
}

/** What stands in quotes, with the escapes that YAML and JSON share. */
export function unquoted(text: string): string {
  const inside = text.slice(1, -1);
  if (text[0] === "'") return inside.replaceAll("''", "'");
  if (!inside.includes('\\')) return inside;
  return inside.replace(/\\(?:u([0-9a-fA-F]{4})|(.?))/g, (_, hex: string | undefined, letter: string) => {
    const code = hex === undefined ? undefined : Number.parseInt(hex, 16);
    if (code !== undefined) return code >= 0xd800 && code < 0xe000 ? unsure() : String.fromCharCode(code);
    return ESCAPES[letter] ?? unsure();
  });
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

/** Whether nothing but a comment follows. */
export function endsAt(text: string, at: number): boolean {
  const rest = text.slice(at);
  return rest === '' || /^ +(?:#|$)/.test(rest);
}

export function plain(text: string, dialect: Dialect): unknown {
  const first = text[0];
  if (first === undefined) throw NOT_SURE;
  const dashed = first === '-' && dialect.rich && text.length > 1 && text[1] !== ' ';
  if (NO_PLAIN_START.has(first) && !dashed) throw NOT_SURE;
  if (text.endsWith(':') || text.includes(': ')) throw NOT_SURE;
  const value = dialect.scalar(text);
  return value === UNSURE ? unsure() : value;
}

function coreScalar(text: string): unknown {
  const first = text[0]!;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (first >= '0' && first <= '9') {
    if (SMALL_INTEGER.test(text)) return Number(text);
    return NUMBER_LIKE.test(text) ? UNSURE : text;
  }
  if (first === '+' || first === '~') return UNSURE;
  if (first === '.' && !/^\.[A-Za-z_]/.test(text)) return UNSURE;
  return /^\.(?:inf|nan)$/i.test(text) ? UNSURE : text;
}

/** Puts a value into a map, whose spelling starts with `first`. */
export function putTold(
  map: Record<string, unknown>,
  key: string,
  value: unknown,
  first: string | undefined,
  dialect: Dialect,
): void {
  put(map, key, value);
  if (typeof value === 'string')
    dialect.text?.(map, key, value, first === '"' || first === "'" || first === '|');
}

function put(map: Record<string, unknown>, key: string, value: unknown): void {
  if (Object.hasOwn(map, key) || key === '__proto__' || WORDS.has(key)) throw NOT_SURE;
  map[key] = value;
}

export function unsure(): never {
  throw NOT_SURE;
}
