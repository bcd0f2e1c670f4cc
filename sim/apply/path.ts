import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import type { ListType } from '../schema/types.ts';
import { zeroOf } from '../schema/types.ts';

/**
 * A path element in the form managedFields writes it: `f:name` a field, `k:{…}` a list element by its keys, `v:…` a
 * member of a set. The text is canonical, so it serves as the identity of the element.
 */
export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** The field name of an element, or undefined when it is no field. */
export function fieldName(element: PathElement): string | undefined {
  return element.startsWith('f:') ? element.slice(2) : undefined;
}

/** How messages write a path: `.spec.containers[name="app"].image`. */
export function describePath(path: readonly PathElement[]): string {
  return path.map(describeElement).join('');
}

export function describeElement(element: PathElement): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  if (element.startsWith('i:')) return `[${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as JsonObject);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}

/** The element of an associative list that an item is; an error text when it has no usable key. */
export function itemElement(
  list: ListType,
  item: Json,
): { element: PathElement; error?: undefined } | { element?: undefined; error: string } {
  if (list.merge === 'set') return setElement(item);
  if (list.merge === 'atomic') return { error: 'invalid indexing of non-associative list' };
  if (item === null) return { error: 'associative list with keys may not have a null element' };
  if (!isObject(item)) return { error: 'associative list with keys may not have non-map elements' };
  const key: JsonObject = {};
  for (const name of list.merge.keys.toSorted()) {
    const value = item[name] ?? defaultKey(list, name);
    if (value !== undefined) key[name] = value;
  }
  if (Object.keys(key).length > 0) return { element: `k:${JSON.stringify(key)}` };
  const names = list.merge.keys.map((name) => `"${name}"`).join(' ');
  return {
    error: `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
  };
}

function setElement(item: Json): ReturnType<typeof itemElement> {
  if (isObject(item)) return { error: "associative list without keys has an element that's a map type" };
  if (Array.isArray(item)) return { error: 'not supported: associative list with lists as elements' };
  if (item === null) return { error: "associative list without keys has an element that's an explicit null" };
  return { element: `v:${JSON.stringify(item)}` };
}

/** Required fields have their zero value as declared default: OpenAPI says so for every field Go always writes. */
function defaultKey(list: ListType, name: string): Json | undefined {
  const field = list.item.kind === 'map' ? list.item.fields.get(name) : undefined;
  if (!field) return undefined;
  return field.defaultValue ?? (field.omit === 'never' ? zeroOf(field.type) : undefined);
}
