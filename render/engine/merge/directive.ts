import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isMap, type JsonMap, remove } from '../json.ts';
import { setElement } from './elements.ts';
import { textOf } from './node.ts';

export type Directive = 'delete' | 'replace' | 'merge';
type Path = readonly (string | number)[];

const KEY = '$patch';

/**
 * What a patch says of a whole map with `$patch`, and the map without that. Without a path an unknown word is left where it is,
 * as kustomize does where the map is new.
 *
 * @throws EngineFault for an unknown word
 */
export function directiveOfMap(patch: JsonMap, path?: Path): { directive: Directive; rest: JsonMap } {
  if (!Object.hasOwn(patch, KEY)) return { directive: 'merge', rest: patch };
  const directive = known(patch[KEY]!);
  if (directive !== undefined) return { directive, rest: remove(patch, KEY) };
  if (path !== undefined) throw unknown(patch[KEY]!, path);
  return { directive: 'merge', rest: patch };
}

/** What a patch says of a whole list by an element that is `$patch` alone, and the list without that element. */
export function directiveOfList(patch: Json[], path: Path): { directive: Directive; rest: Json[] } {
  const element = patch.find((item): item is JsonMap => isMap(item) && Object.hasOwn(item, KEY));
  if (element === undefined || Object.keys(element).length > 1) return { directive: 'merge', rest: patch };
  const directive = known(element[KEY]!);
  if (directive === undefined) throw unknown(element[KEY]!, path);
  return { directive, rest: setElement(patch, undefined, [KEY], [directive], path) };
}

function known(value: Json): Directive | undefined {
  return value === 'delete' || value === 'replace' || value === 'merge' ? value : undefined;
}

function unknown(value: Json, path: Path): EngineFault {
  return new EngineFault(`unknown patch strategy '${textOf(value)}'`, [...path, KEY]);
}
