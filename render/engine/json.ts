import { keepQuotes } from '../yaml/quotes.ts';
import type { Json } from '../yaml/read.ts';

/** A map of JSON. Values are persistent: nobody changes one after it was made, so bases are shared without copies. */
export type JsonMap = { readonly [key: string]: Json };

/**
 * A null that was written as nothing (`key:`). kustomize tells it from `key: null` where it merges; it is null for
 * everybody else, and `undefined` here, so that it costs nothing.
 */
export const BLANK = undefined as unknown as Json;

export function isNull(value: Json | undefined): value is null {
  return value === null || value === undefined;
}

export function isMap(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of a map; undefined where there is none, and for anything that is no map. */
export function get(value: Json | undefined, key: string): Json | undefined {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The value at a path of keys. */
export function getIn(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const key of path) found = get(found, key);
  return found;
}

/** The map with a member set; the same map when it has that very value already. */
export function set(map: JsonMap, key: string, value: Json): { [key: string]: Json } {
  if (Object.hasOwn(map, key) && Object.is(map[key], value)) return map as { [key: string]: Json };
  const copy = { ...map };
  put(copy, key, value);
  return keepQuotes(map, copy);
}

/** Sets a member below maps, which are made where they are missing or null. */
export function setIn(map: JsonMap, path: readonly [string, ...string[]], value: Json): JsonMap {
  const [key, ...rest] = path;
  const [next, ...others] = rest;
  if (next === undefined) return set(map, key, value);
  const inner = get(map, key);
  return set(map, key, setIn(isMap(inner) ? inner : {}, [next, ...others], value));
}

/** The map without a member; the same map when it has none. */
export function remove(map: JsonMap, key: string): { [key: string]: Json } {
  if (!Object.hasOwn(map, key)) return map as { [key: string]: Json };
  const { [key]: _, ...rest } = map;
  return keepQuotes(map, rest);
}

/** An ordinary member of a map that is being built, even where the key is `__proto__`. */
export function put(target: { [key: string]: Json }, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

/** The text of a scalar as YAML writes it; '' for null, and for maps and lists. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null || typeof value === 'object') return '';
  return String(value);
}

/** The text of a scalar where kustomize looks at the letters: `null` is text like any other, unless nothing is written. */
export function writtenText(value: Json | undefined): string {
  return value === null ? 'null' : textOf(value);
}

/** What kustomize calls nil or empty: null, a map or list without members. */
export function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** `a map`, `a list`, `text`, … for messages. */
export function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return 'text';
  return typeof value === 'boolean' ? 'true or false' : 'a number';
}
