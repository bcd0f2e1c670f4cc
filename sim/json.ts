/** JSON values and the few operations on them that the whole room shares. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at a path of field names, or undefined when anything on the way is not an object. */
export function objectAt(root: JsonObject, ...path: string[]): JsonObject | undefined {
  let at: JsonObject = root;
  for (const name of path) {
    const next = at[name];
    if (!isObject(next)) return undefined;
    at = next;
  }
  return at;
}

/** The string at a path of field names, or undefined. */
export function stringAt(root: JsonObject, ...path: string[]): string | undefined {
  const value = valueAt(root, ...path);
  return typeof value === 'string' ? value : undefined;
}

/** The number at a path of field names, or undefined. */
export function numberAt(root: JsonObject, ...path: string[]): number | undefined {
  const value = valueAt(root, ...path);
  return typeof value === 'number' ? value : undefined;
}

export function valueAt(root: JsonObject, ...path: string[]): Json | undefined {
  const last = path.at(-1);
  return last === undefined ? root : objectAt(root, ...path.slice(0, -1))?.[last];
}

/** The array of objects at a path; elements that are no objects are left out. */
export function objectsAt(root: JsonObject, ...path: string[]): JsonObject[] {
  const value = valueAt(root, ...path);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The strings of a map such as labels; other values are left out. */
export function stringMap(value: Json | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  if (isObject(value)) for (const [k, v] of Object.entries(value)) if (typeof v === 'string') out[k] = v;
  return out;
}

export function clone<T extends Json>(value: T): T {
  return structuredClone(value);
}

/** Deep equality; the order of object keys does not count, the order of lists does. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
}
