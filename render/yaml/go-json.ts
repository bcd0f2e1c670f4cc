import type { Json } from './read.ts';

/**
 * JSON as Go's `encoding/json` writes it: keys sorted by their bytes, no blanks, and `<`, `>`, `&`, U+2028 and U+2029
 * escaped. Floats have Go's form: exponents from 1e21 on and below 1e-6.
 */
export function goJson(value: Json): string {
  switch (typeof value) {
    case 'string':
      return goString(value);
    case 'number':
      return goNumber(value);
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (value === null || value === undefined) return 'null';
      if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
      return `{${Object.keys(value)
        .sort(byBytes)
        .map((key) => `${goString(key)}:${goJson(value[key]!)}`)
        .join(',')}}`;
  }
}

const ESCAPES: Record<string, string> = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function goString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  const escaped = text.toWellFormed().replace(/["\\<>&\u2028\u2029\u0000-\u001f]/g, (letter) => {
    if (letter === '"' || letter === '\\') return `\\${letter}`;
    return ESCAPES[letter] ?? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/** JavaScript writes the same digits, and 1e-7 where Go writes 1e-07; a negative zero keeps its sign there. */
function goNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** A float as Go prints it by default (`%v`): with an exponent from 1e6 on, unless it is whole, and below 1e-4. */
export function goText(value: number): string {
  const size = Math.abs(value);
  if (Number.isInteger(value) || (size >= 1e-4 && size < 1e6)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** The order of UTF-8 bytes, which differs from that of UTF-16 beyond the basic plane. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  for (let at = 0; at < a.length && at < b.length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    const surrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    return surrogate(x) === surrogate(y) ? x - y : surrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}
