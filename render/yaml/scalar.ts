/**
 * What an unquoted YAML scalar means, by the rules of the reader inside kustomize and kubectl (go-yaml v3, `resolve.go`):
 * a mix of YAML 1.1 and 1.2. `0644` and `0o644` are 420, `1_000` is 1000, `1.10` is 1.1; `yes`, `on` and `y` are text.
 * Dates become the text that Go's JSON gives them. Integers beyond 2^53 are bigint, so that none loses a digit.
 */
export type Scalar = string | number | bigint | boolean | null;

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
]);
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const DATE =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[-+][0-9]{2}:[0-9]{2})?)?$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** Infinity and NaN, which YAML can write and JSON cannot. */
export const NOT_IN_JSON = Symbol('not in JSON');

/** Words that YAML 1.1 takes for true and false, and the reader of manifests for text. */
const OLD_WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
]);

/**
 * The same by the rules of the reader that kustomizations and configuration pass through (sigs.k8s.io/yaml on go-yaml v2):
 * `yes`, `on` and `y` are true, and dates are text.
 */
export function resolveOld(text: string): Scalar | typeof NOT_IN_JSON {
  return OLD_WORDS.get(text) ?? (DATE.test(text) ? text : resolvePlain(text));
}

export function resolvePlain(text: string): Scalar | typeof NOT_IN_JSON {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (/^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(text)) return NOT_IN_JSON;
  if (!/^[-+.0-9]/.test(text)) return text;
  if (text.startsWith('.')) return float(text) ?? text;
  const date = timestamp(text);
  if (date !== undefined) return date;
  const digits = text.replaceAll('_', '');
  return integer(digits) ?? float(digits) ?? text;
}

function integer(text: string): number | bigint | undefined {
  const match = INTEGER.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const size = BigInt(
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : octal !== undefined
          ? `0o${octal}`
          : decimal!,
  );
  const value = sign === '-' ? -size : size;
  if (value < INT64_MIN || value > (sign === '' ? UINT64_MAX : INT64_MAX)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function float(text: string): number | undefined {
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  // Go's JSON writes -0 as -0, which every reader of numbers takes for 0; beyond the range it stays text.
  return Number.isFinite(value) ? value + 0 : undefined;
}

/** Whether an unquoted text is a date or a time to readers of YAML. */
export function isTimestamp(text: string): boolean {
  return timestamp(text) !== undefined;
}

/** RFC 3339 of a date as `time.Time` marshals it, or undefined when the text is none. */
function timestamp(text: string): string | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const [, year, month, day, separator, hour = '0', minute = '0', second = '0', fraction = '', zone] = match;
  // With T a zone is demanded; with a blank none is allowed.
  if (separator !== undefined && (separator === ' ') !== (zone === undefined)) return undefined;
  const numbers = [month, day, hour, minute, second].map(Number) as [number, number, number, number, number];
  const [m, d, h, min, s] = numbers;
  if (m < 1 || m > 12 || d < 1 || d > daysOf(Number(year), m) || h > 23 || min > 59 || s > 59)
    return undefined;
  const [mm, dd, hh, mi, ss] = numbers.map((number) => String(number).padStart(2, '0'));
  const nanos = fraction.slice(0, 9).replace(/0+$/, '');
  const offset = zone === undefined || zone === '+00:00' || zone === '-00:00' ? 'Z' : zone;
  return `${year}-${mm}-${dd}T${hh}:${mi}:${ss}${nanos && `.${nanos}`}${offset}`;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
