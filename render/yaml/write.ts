import { compareKeys } from './key-order.ts';
import type { Json } from './read.ts';
import { writeText } from './text.ts';

/**
 * Documents as `kustomize build` prints them, byte for byte (go-yaml v2 as of sigs.k8s.io/yaml v1.4): keys
 * sorted the way people count, lists at the indent of their key, text in block style where it has lines, in quotes where it would
 * be read as something else. A null that was written as nothing is printed as null.
 *
 * Law: reading what is written gives the same values.
 */
export function writeYaml(documents: readonly Json[]): string {
  return documents.map((document) => `${writeDocument(document)}\n`).join('---\n');
}

function writeDocument(value: Json): string {
  if (isCollection(value)) return block(value, 0);
  return scalar(value, 0, 0);
}

/** The lines of a map or list that has members; the first stands where the caller is, the others at the indent. */
function block(value: Json[] | { [key: string]: Json }, indent: number): string {
  const lines = Array.isArray(value)
    ? value.map((item) => `- ${inner(item, indent + 2, indent)}`)
    : Object.keys(value)
        .sort(compareKeys)
        .map((key) => member(key, value[key]!, indent));
  return lines.join(`\n${' '.repeat(indent)}`);
}

function member(key: string, value: Json, indent: number): string {
  // A simple key stands on one line and is not long.
  if (Buffer.byteLength(key) > 128 || /[\n\u2028\u2029]/.test(key)) {
    const name = writeText(key, { column: indent + 2, indent: indent + 2, isKey: false });
    return `? ${name}\n${' '.repeat(indent)}: ${inner(value, indent + 2, indent)}`;
  }
  const name = writeText(key, { column: indent, indent: indent + 2, isKey: true });
  if (!isCollection(value)) return `${name}: ${scalar(value, indent, indent + [...name].length + 2)}`;
  const below = Array.isArray(value) ? indent : indent + 2;
  return `${name}:\n${' '.repeat(below)}${block(value, below)}`;
}

/** What stands behind a dash; maps and lists start on its line. */
function inner(value: Json, below: number, indent: number): string {
  return isCollection(value) ? block(value, below) : scalar(value, indent, below);
}

function scalar(value: Json, indent: number, column: number): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return writeText(value, { column, indent: indent + 2, isKey: false });
    case 'number':
      return writeNumber(value);
    case 'object':
      return Array.isArray(value) ? '[]' : '{}';
    default:
      return String(value);
  }
}

/** As Go formats a float64 with %g where it is no whole number that fits into 64 bits. */
function writeNumber(value: number): string {
  if (Number.isInteger(value) && value > -(2 ** 63) && value < 2 ** 64) return BigInt(value).toString();
  const [, sign, digits, power] = /^(-?)([0-9.]+)e([-+][0-9]+)$/.exec(value.toExponential())!;
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 21 && exponent < 6) return plainDecimal(value);
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${size}`;
}

function plainDecimal(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/0+$/, '') : text;
}

function isCollection(value: Json): value is Json[] | { [key: string]: Json } {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
}
