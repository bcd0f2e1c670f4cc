import type { Json } from '../../yaml/read.ts';
import { isMap, isNull } from '../json.ts';
import { isEmptyMap, kindOf, textOf, wrongKind } from './node.ts';

type Path = readonly (string | number)[];

/**
 * Puts an element in the place of all that match it by key, or at the end; without an element those that match are removed. An
 * empty key compares plain values. Follows ElementSetter of kyaml v0.18.1 in all it does: nulls and empty maps vanish from the list, an
 * empty text matches whatever stands under its key, and without any text every element vanishes that has no such key.
 */
export function setElement(
  list: readonly Json[],
  element: Json | undefined,
  keys: readonly string[],
  texts: readonly string[],
  path: Path,
): Json[] {
  const byField = keys[0] !== '' && texts.length > 0 && texts[0] !== '';
  const result: Json[] = [];
  let placed = false;
  for (const item of list) {
    if (isNull(item) || isEmptyMap(item)) continue;
    if (byField && !isMap(item)) {
      result.push(item);
    } else if (matchesAll(item, keys, texts, path)) {
      placed = true;
      if (element !== undefined) result.push(element);
    } else if (texts.length > 0) {
      result.push(item);
    }
  }
  if (element === undefined || isNull(element)) return result;
  if (!placed) result.push(element);
  return result;
}

/** The first map whose fields have exactly these texts, or the first plain value with the text where the key is empty. */
export function findElement(
  list: readonly Json[],
  keys: readonly string[],
  texts: readonly string[],
): Json | undefined {
  if (keys[0] === '') return list.find((item) => textOf(item) === texts[0]);
  return list.find(
    (item) =>
      isMap(item) &&
      keys.every((key, index) => Object.hasOwn(item, key) && textOf(item[key]!) === texts[index]),
  );
}

/** Keys beyond the given texts match whatever there is; without any text nothing matches. */
function matchesAll(item: Json, keys: readonly string[], texts: readonly string[], path: Path): boolean {
  return texts.length > 0 && keys.every((key, index) => matches(item, key, texts[index], path));
}

function matches(item: Json, key: string, text: string | undefined, path: Path): boolean {
  if (text === undefined) return true;
  const kind = kindOf(item)!;
  if (key === '') {
    if (kind !== 'scalar') throw wrongKind('scalar', kind, path);
    return textOf(item) === text;
  }
  if (!isMap(item)) throw wrongKind('map', kind, path);
  return Object.hasOwn(item, key) && (text === '' || textOf(item[key]!) === text);
}
