import type { Json } from '../yaml/read.ts';
import { type FieldSpec, splitPath } from './field-specs.ts';
import { isMap, isNull, type JsonMap, set } from './json.ts';

type Path = readonly (string | number)[];

/**
 * Places of one object that are one and the same node to kustomize: a label or annotation that one transformer adds in several
 * places (api v0.18.0, filters/filtersutil: `SetEntry` makes one node for all of them). What later changes it in one place changes
 * it in all: a patch for `metadata.labels.app` of a base that has `commonLabels` changes the selector as well.
 */
export type Tie = readonly Path[];

/** The places that a transformer added keys in, tied by key; a key that was added in one place alone is tied to nothing. */
export function newTies(
  before: JsonMap,
  after: JsonMap,
  specs: readonly FieldSpec[],
  keys: readonly string[],
): Tie[] {
  const maps = specs.flatMap(({ path }) => placesOf(after as Json, splitPath(path, '/')));
  if (maps.length < 2) return [];
  return keys
    .map((key) => {
      const added = maps.filter((map) => !isThere(before as Json, [...map, key]));
      return unique(added).map((map) => [...map, key]);
    })
    .filter((tie) => tie.length > 1);
}

/** The object with what was written in one place of a tie written in all. */
export function spread(before: JsonMap, after: JsonMap, ties: readonly Tie[]): JsonMap {
  if (before === after) return after;
  let result = after;
  for (const tie of ties) {
    const changed = tie.filter((path) => {
      const value = valueAt(after as Json, path);
      return value !== undefined && value !== valueAt(before as Json, path);
    });
    const last = changed.at(-1);
    if (last) result = writeAll(result, tie, valueAt(after as Json, last)!);
  }
  return result;
}

/**
 * The same behind a strategic merge patch, which may say different things in places of one tie: the last one counts, in the order
 * of their names. Places that are gone, or in a list that was merged, are tied no longer.
 */
export function spreadPatch(
  before: JsonMap,
  after: JsonMap,
  patch: JsonMap,
  ties: readonly Tie[],
): { value: JsonMap; ties: readonly Tie[] } {
  let value = after;
  const left: Tie[] = [];
  for (const tie of ties) {
    const kept = tie.filter((path) => isKept(before as Json, after as Json, patch as Json, path));
    const written = kept
      .filter((path) => !isNull(valueAt(patch as Json, path)) && isThere(patch as Json, path))
      .sort(byNames);
    const last = written.at(-1);
    if (last) value = writeAll(value, kept, valueAt(after as Json, last)!);
    if (kept.length > 1) left.push(kept);
  }
  return { value, ties: left };
}

function isKept(before: Json, after: Json, patch: Json, path: Path): boolean {
  let [old, now, said]: (Json | undefined)[] = [before, after, patch];
  for (const part of path) {
    if (typeof part === 'number' && old !== now) return false;
    if (isMap(said) && Object.hasOwn(said, '$patch')) return false;
    [old, now, said] = [member(old, part), member(now, part), member(said, part)];
  }
  return now !== undefined && now !== null;
}

/** The maps that a path of a field spec leads to; a list on the way stands for each of its elements. */
function placesOf(value: Json, path: readonly string[], above: Path = []): Path[] {
  if (Array.isArray(value) && path.length > 0)
    return value.flatMap((item, index) => placesOf(item, path, [...above, index]));
  const [part, ...rest] = path;
  if (part === undefined) return isMap(value) ? [above] : [];
  const key = part.endsWith('[]') ? part.slice(0, -2) : part;
  if (!isMap(value) || !Object.hasOwn(value, key)) return [];
  return placesOf(value[key]!, rest, [...above, key]);
}

function unique(paths: readonly Path[]): Path[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}

function member(value: Json | undefined, part: string | number): Json | undefined {
  if (typeof part === 'number') return Array.isArray(value) ? value[part] : undefined;
  return isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
}

function valueAt(value: Json, path: Path): Json | undefined {
  return path.reduce<Json | undefined>(member, value);
}

function isThere(value: Json, path: Path): boolean {
  const holder = valueAt(value, path.slice(0, -1));
  return isMap(holder) && Object.hasOwn(holder, path.at(-1)!);
}

function writeAll(object: JsonMap, places: readonly Path[], value: Json): JsonMap {
  return places.reduce<JsonMap>(
    (result, path) =>
      isThere(result as Json, path) ? (write(result as Json, path, value) as JsonMap) : result,
    object,
  );
}

function write(holder: Json, [part, ...rest]: Path, value: Json): Json {
  if (part === undefined) return value;
  const after = write(member(holder, part)!, rest, value);
  return typeof part === 'number'
    ? (holder as Json[]).with(part, after)
    : set(holder as JsonMap, part, after);
}

function byNames(one: Path, other: Path): number {
  for (let at = 0; at < one.length && at < other.length; at++)
    if (one[at] !== other[at]) return one[at]! < other[at]! ? -1 : 1;
  return one.length - other.length;
}
