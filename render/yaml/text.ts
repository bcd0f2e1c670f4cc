import { isTimestamp, resolvePlain } from './scalar.ts';

/** Where text stands: the column at which it starts, and the indent of further lines; keys have to stay on one line. */
export type Spot = { readonly column: number; readonly indent: number; readonly isKey: boolean };

/**
 * Text as go-yaml v2 writes it (encode.go and emitterc.go): plain where nothing speaks against it, else in single quotes, in
 * double quotes where it has characters that are not printable or would be read as something else, and as a literal block where
 * it has lines. Lines are folded at the first single blank behind column 80.
 */
export function writeText(text: string, spot: Spot): string {
  const shape = shapeOf(text);
  if (text.includes('\n'))
    return shape.block && !spot.isKey ? literal(text, spot.indent) : doubleQuoted(text, spot);
  // As a key it would merge; kustomize prints it all the same.
  if (isOther(text) || (spot.isKey && text === '<<')) return doubleQuoted(text, spot);
  if (shape.plain) return folded([...text], spot, '');
  if (!shape.single) return doubleQuoted(text, spot);
  return `'${folded([...text], { ...spot, column: spot.column + 1 }, "'")}'`;
}

function doubleQuoted(text: string, spot: Spot): string {
  return `"${folded([...text], { ...spot, column: spot.column + 1 }, '"')}"`;
}

const WIDTH = 80;

/** Characters in the given quotes, escaped as these demand, with line breaks in place of some blanks. */
function folded(
  characters: readonly string[],
  { column, indent, isKey }: Spot,
  quote: '' | "'" | '"',
): string {
  const written = characters.map((character) => {
    if (quote === '"') return escaped(character);
    return quote !== '' && character === quote ? quote + quote : character;
  });
  if (isKey || column + written.length <= WIDTH) return written.join('');
  let result = '';
  let at = column;
  for (const [index, text] of written.entries()) {
    const isBlank = characters[index] === ' ';
    const followsBlank = characters[index - 1] === ' ';
    const nextBlank = characters[index + 1] === ' ';
    const inside = index > 0 && index < characters.length - 1;
    if (isBlank && !followsBlank && at > WIDTH && inside && (quote === '"' || !nextBlank)) {
      result += `\n${' '.repeat(indent)}${nextBlank ? '\\' : ''}`;
      at = indent + (nextBlank ? 1 : 0);
    } else {
      result += text;
      at += text.length === 2 && text.codePointAt(0)! > 0xffff ? 1 : text.length;
    }
  }
  return result;
}

/** Whether a text has quotes, or is a block, wherever it is written with care: some reader would take it for something else. */
export function needsQuotes(text: string): boolean {
  return text === '' || isOther(text) || !shapeOf(text).plain;
}

const WORDS = new Set([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'],
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'],
  ...['', '~', 'null', 'Null', 'NULL', '.nan', '.NaN', '.NAN'],
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF', '-.inf', '-.Inf', '-.INF'],
]);
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Whether readers of YAML 1.1 or 1.2 would take the unquoted text for no text. */
function isOther(text: string): boolean {
  if (WORDS.has(text)) return true;
  if (!/^[-+.0-9]/.test(text)) return false;
  return (
    typeof resolvePlain(text) !== 'string' ||
    isTimestamp(text) ||
    BASE_60.test(text) ||
    (/^[-+]?0[oO]/.test(text) && isOctal(text))
  );
}

function isOctal(text: string): boolean {
  return /^[-+]?0[oO][0-7_]+$/.test(text);
}

/** Not what the emitter calls printable: controls but line feeds, byte order marks, and all beyond 16 bits. */
const SPECIAL = /(?!\n)[\p{Cc}\p{Cs}\ufeff\ufffe\uffff\u{10000}-\u{10ffff}]/u;
const BREAKS = /[\n\u2028\u2029]/;
const INDICATOR_FIRST = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t]|$))/;
const INDICATOR_INSIDE = /:(?:[ \t]|$)|[ \t\n\u2028\u2029]#/;

function shapeOf(text: string): { plain: boolean; single: boolean; block: boolean } {
  const special = SPECIAL.test(text) || / [\n\u2028\u2029]/.test(text);
  const breaks = BREAKS.test(text);
  return {
    plain:
      !special &&
      !breaks &&
      !/^ | $/.test(text) &&
      !INDICATOR_FIRST.test(text) &&
      !INDICATOR_INSIDE.test(text),
    single: !special && !breaks,
    block: !special && !text.endsWith(' '),
  };
}

function literal(text: string, indent: number): string {
  const hint = /^[ \n\u2028\u2029]/.test(text) ? '2' : '';
  const ending = /([\n\u2028\u2029]?)([\n\u2028\u2029])$/.exec(text);
  const chomp = ending === null ? '-' : ending[1] !== '' || text.length === 1 ? '+' : '';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const lines = body.split('\n').map((line) => (line === '' ? '' : ' '.repeat(indent) + line));
  return `|${hint}${chomp}\n${lines.join('\n')}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\u0000': '\\0',
  '\u0007': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\u001b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};
const ESCAPED = /["\\\p{Cc}\p{Cs}\u2028\u2029\ufeff\ufffe\uffff\u{10000}-\u{10ffff}]/u;

function escaped(character: string): string {
  return ESCAPED.test(character) ? (ESCAPES[character] ?? numbered(character.codePointAt(0)!)) : character;
}

function numbered(code: number): string {
  const hex = (digits: number) => code.toString(16).toUpperCase().padStart(digits, '0');
  if (code <= 0xff) return `\\x${hex(2)}`;
  return code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
