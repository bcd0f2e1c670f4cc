import type { Json } from '../yaml/read.ts';
import { EngineFault } from './fault.ts';
import { type FieldSpec, splitPath } from './field-specs.ts';
import { BLANK, isMap, isNull, type JsonMap, kindOf, set } from './json.ts';

/** What is made where a field with `create` is missing: a map, or a scalar that is BLANK until it is set. */
export type Created = 'map' | 'scalar' | undefined;

/**
 * An object with a field changed, wherever the path of a field spec leads: a list on the way stands for each of its
 * elements, a null ends it. The kind of the object must have been checked.
 *
 * @throws EngineFault when the path meets a scalar
 */
export function changeField(
  object: JsonMap,
  spec: FieldSpec,
  change: (value: Json) => Json,
  created?: Created,
): JsonMap {
  const path = splitPath(spec.path, '/');
  const walk = (value: Json, at: number): Json => {
    if (at === path.length) return change(value);
    if (isNull(value)) return value;
    if (Array.isArray(value)) return mapShared(value, (item) => walk(item, at));
    if (!isMap(value))
      throw new EngineFault(
        `${spec.path} passes ${kindOf(value)} before ${path[at]}; a map or a list is expected there`,
      );
    return inMap(value, at);
  };
  const inMap = (map: JsonMap, at: number): Json => {
    const isList = path[at]!.endsWith('[]');
    const key = (isList ? path[at]!.slice(0, -2) : path[at]!).trim();
    if (isListKey(key))
      throw new EngineFault(`${spec.path}: ${key} is looked for in a map; a list is expected`);
    if (key === '') throw new EngineFault(`${spec.path} has an empty field name`);
    const makes = spec.create && created !== undefined && !isList;
    const there = Object.hasOwn(map, key);
    if (!there && !makes) return map as Json;
    let field = there ? map[key]! : null;
    if (isNull(field)) {
      if (isList) field = [];
      else if (makes) field = at + 1 === path.length && created === 'scalar' ? BLANK : {};
    }
    return set(map, key, walk(field, at + 1));
  };
  return walk(object as Json, 0) as JsonMap;
}

/** Whether a part of a path means elements of a list. */
export function isListKey(key: string): boolean {
  return /^([-+]?\d+|-|\*|\[.*\])$/.test(key);
}

/** Each element changed; the same list when none was. */
export function mapShared(list: readonly Json[], change: (value: Json, index: number) => Json): Json[] {
  let changed = false;
  const result = list.map((item, index) => {
    const next = change(item, index);
    changed ||= !Object.is(next, item);
    return next;
  });
  return changed ? result : (list as Json[]);
}

/** A setter of a member of the map that a path leads to. */
export function setMember(key: string, value: string): (map: Json) => Json {
  return (map) => {
    if (isNull(map)) return map;
    if (!isMap(map)) throw new EngineFault(`${key} cannot be set in ${kindOf(map)}; a map is expected`);
    return set(map, key, value);
  };
}

/** Demands a scalar. @throws EngineFault for maps and lists */
export function scalarOnly(value: Json): Json {
  if (typeof value === 'object' && value !== null)
    throw new EngineFault(`a scalar is expected, not ${kindOf(value)}`);
  return value;
}
