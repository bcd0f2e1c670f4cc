import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import type { ListType, MapType, Type } from '../schema/types.ts';
import { deduce, fieldType } from '../schema/types.ts';
import type { FieldSet } from './field-set.ts';
import { fieldElement, itemElement } from './path.ts';
import { isAtomic } from './typed.ts';

/**
 * The value without the given list and map items (typed/remove.go). A container that loses its last item becomes null,
 * which a typed object then leaves out.
 */
export function removeItems(value: Json, items: FieldSet, declared: Type): Json {
  const type = deduce(declared, value);
  if (type.kind === 'scalar') return value;
  if (type.kind === 'list') return Array.isArray(value) ? removeFromList(value, items, type) : null;
  return isObject(value) ? removeFromMap(value, items, type) : null;
}

function removeFromList(list: Json[], items: FieldSet, type: ListType): Json {
  if (isAtomic(type)) return null;
  const out: Json[] = [];
  for (const item of list) {
    const { element } = itemElement(type, item);
    if (element !== undefined && items.members.has(element)) continue;
    const below = element === undefined ? undefined : items.children.get(element);
    out.push(below && !below.isEmpty ? removeItems(item, below, type.item) : item);
  }
  return out.length > 0 ? out : null;
}

function removeFromMap(map: JsonObject, items: FieldSet, type: MapType): Json {
  if (isAtomic(type)) return null;
  const out: JsonObject = {};
  for (const [name, item] of Object.entries(map)) {
    const element = fieldElement(name);
    if (items.members.has(element)) continue;
    const below = items.children.get(element);
    const next = fieldType(type, name);
    out[name] = below && !below.isEmpty && next ? removeItems(item, below, next) : item;
  }
  return Object.keys(out).length > 0 ? out : null;
}
