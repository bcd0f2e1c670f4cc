import { copyOf, isRecord, shortHash } from './object.ts';

/**
 * The algebra of managedFields. A path is a list of elements as fieldsV1 writes them: `f:name` (map key), `k:{"name":"web"}` (list
 * element by merge key), `v:"x"` (element of a set), `i:0` (index). A set holds the paths that are members; a member may have
 * members below it (fieldsV1 says so with `.`).
 */
export type FieldPath = readonly string[];

/** Paths joined by NUL, which no element contains. */
export type FieldSet = ReadonlySet<string>;

const SEPARATOR = '\u0000';
export const pathKey = (path: FieldPath): string => path.join(SEPARATOR);
export const pathOf = (key: string): FieldPath => key.split(SEPARATOR);
export const EMPTY: FieldSet = new Set();

/** Whether `above` is a proper ancestor of `below`, both as keys. */
export const isAbove = (above: string, below: string): boolean =>
  below.length > above.length && below.startsWith(above) && below[above.length] === SEPARATOR;

/** Members of a `fieldsV1`; anything that is not one yields the empty set. */
export function parseFields(fieldsV1: unknown): FieldSet {
  const found = new Set<string>();
  if (isRecord(fieldsV1)) collect(fieldsV1, '', found);
  return found;
}

function collect(node: Record<string, unknown>, prefix: string, into: Set<string>): void {
  for (const [element, child] of Object.entries(node)) {
    if (element === '.') {
      if (prefix !== '') into.add(prefix);
      continue;
    }
    const key = prefix === '' ? element : prefix + SEPARATOR + element;
    if (isRecord(child) && Object.keys(child).length > 0) collect(child, key, into);
    else into.add(key);
  }
}

type FieldsV1 = { [element: string]: FieldsV1 };

/** The `fieldsV1` of a set. Law: `parseFields(formatFields(s))` equals `s`. */
export function formatFields(set: FieldSet): FieldsV1 {
  const root: FieldsV1 = {};
  const members: FieldsV1[] = [];
  for (const key of [...set].sort()) {
    let node = root;
    for (const element of pathOf(key)) {
      node[element] ??= {};
      node = node[element];
    }
    members.push(node);
  }
  for (const node of members) if (Object.keys(node).length > 0) node['.'] = {};
  return root;
}

export function union(...sets: readonly FieldSet[]): FieldSet {
  const all = new Set<string>();
  for (const set of sets) for (const key of set) all.add(key);
  return all;
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  const rest = new Set<string>();
  for (const key of a) if (!b.has(key)) rest.add(key);
  return rest;
}

/** Whether a member lies below the key: then the key itself only says that its container exists. */
export function hasMemberBelow(set: FieldSet, key: string): boolean {
  for (const member of set) if (isAbove(key, member)) return true;
  return false;
}

/** Same for equal sets, whatever the order in which the server wrote them: what the inventory keeps. */
export function hashFields(set: FieldSet): string {
  return shortHash([...set].sort().join('\u0001'));
}

/**
 * JSON pointer with list elements by merge key: `/spec/template/spec/containers[name=web]/image`, `/metadata/finalizers[=x]`.
 * `~` and `/` in keys are escaped as RFC 6901 says. The empty path is the whole object.
 */
export function pointerOf(path: FieldPath): string {
  let pointer = '';
  for (const element of path) {
    const rest = element.slice(2);
    if (element.startsWith('f:')) pointer += `/${escapePointer(rest)}`;
    else if (element.startsWith('k:')) pointer += `[${keyText(rest)}]`;
    else if (element.startsWith('v:')) pointer += `[=${scalarText(parseJson(rest) ?? rest)}]`;
    else pointer += `[${rest}]`;
  }
  return pointer;
}

export const escapePointer = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function keyText(json: string): string {
  const key = parseJson(json);
  if (!isRecord(key)) return json;
  return Object.entries(key)
    .map(([name, value]) => `${name}=${scalarText(value)}`)
    .join(',');
}

const scalarText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where an element of a path stands in a value. */
export type Step = { key: string } | { index: number };

/**
 * Resolves a path in an object: the value, and the steps (with list indices) that lead to it. Undefined when it is absent.
 * A merge key that the object leaves to its default (`protocol`) still finds its element, where that is the only one that fits.
 */
export function resolve(path: FieldPath, object: unknown): { value: unknown; steps: Step[] } | undefined {
  let value = object;
  const steps: Step[] = [];
  for (const element of path) {
    const step = stepInto(value, element);
    if (step === undefined) return undefined;
    steps.push(step);
    value = 'key' in step ? (value as Record<string, unknown>)[step.key] : (value as unknown[])[step.index];
  }
  return value === undefined ? undefined : { value, steps };
}

/** The value alone; undefined when the path is absent. */
export function lookup(path: FieldPath, object: unknown): unknown {
  return resolve(path, object)?.value;
}

function stepInto(value: unknown, element: string): Step | undefined {
  const rest = element.slice(2);
  if (element.startsWith('f:'))
    return isRecord(value) && Object.hasOwn(value, rest) ? { key: rest } : undefined;
  if (!Array.isArray(value)) return undefined;
  let index = -1;
  if (element.startsWith('k:')) index = elementByKey(value, parseJson(rest));
  else if (element.startsWith('v:')) index = value.indexOf(parseJson(rest));
  else if (element.startsWith('i:')) index = Number(rest);
  return index >= 0 && index < value.length ? { index } : undefined;
}

function elementByKey(list: readonly unknown[], key: unknown): number {
  if (!isRecord(key)) return -1;
  const wanted = Object.entries(key);
  const exact = list.findIndex(
    (item) => isRecord(item) && wanted.every(([name, value]) => item[name] === value),
  );
  if (exact >= 0) return exact;
  const lenient = list.flatMap((item, index) => {
    if (!isRecord(item)) return [];
    const fits = wanted.every(([name, value]) => item[name] === value || item[name] === undefined);
    return fits && wanted.some(([name, value]) => item[name] === value) ? [index] : [];
  });
  return lenient.length === 1 ? lenient[0]! : -1;
}

/** RFC 6901 pointer with list indices, for a JSON patch on exactly this object. */
export function indexedPointer(steps: readonly Step[]): string {
  return steps.map((step) => `/${'key' in step ? escapePointer(step.key) : step.index}`).join('');
}

/** A copy of the object without the values at the paths; containers that become empty stay. */
export function without<T>(object: T, paths: Iterable<FieldPath>): T {
  const copy = copyOf(object);
  for (const path of paths) {
    const last = resolve(path, copy)?.steps.at(-1);
    const parent = lookup(path.slice(0, -1), copy) ?? (path.length === 1 ? copy : undefined);
    if (last === undefined || parent === undefined) continue;
    if ('key' in last) delete (parent as Record<string, unknown>)[last.key];
    else (parent as unknown[]).splice(last.index, 1);
  }
  return copy;
}
