import type { Json } from '../json.ts';
import { equal, isObject } from '../json.ts';
import type { ListType, Type } from '../schema/types.ts';
import { deduce, fieldType } from '../schema/types.ts';
import { FieldSet } from './field-set.ts';
import type { PathElement } from './path.ts';
import { fieldElement, itemElement } from './path.ts';
import { isAtomic } from './typed.ts';

/** Which fields differ between two values of one type. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

/** Compares field by field, element by element, atomic values as a whole (typed/compare.go). */
export function compareTyped(before: Json, after: Json, type: Type): Comparison {
  const out = { removed: new FieldSet(), modified: new FieldSet(), added: new FieldSet() };
  compare(before, after, type, [], out);
  return out;
}

/** The comparison without the fields below the given paths. */
export function withoutFields(comparison: Comparison, ignored: FieldSet | undefined): Comparison {
  if (!ignored) return comparison;
  return {
    removed: comparison.removed.recursiveDifference(ignored),
    modified: comparison.modified.recursiveDifference(ignored),
    added: comparison.added.recursiveDifference(ignored),
  };
}

function compare(
  before: Json | undefined,
  after: Json | undefined,
  declared: Type,
  path: PathElement[],
  out: Comparison,
): void {
  const type = deduce(declared, after === undefined ? before : after);
  if (declared.kind === 'any' && before !== undefined && after !== undefined) {
    const other = deduce(declared, before);
    // The value changed its form: what was below it is gone, what is below it now is new.
    if (before !== null && after !== null && other.kind !== type.kind) {
      compare(before, null, other, path, out);
      compare(null, after, type, path, out);
      return;
    }
  }
  if (type.kind === 'scalar' || isAtomic(type) || (isBare(before, type) && isBare(after, type))) {
    if (before === undefined) out.added.insert(path);
    else if (after === undefined) out.removed.insert(path);
    else if (!equal(before, after)) out.modified.insert(path);
    return;
  }
  if (type.kind === 'list') {
    compareList(Array.isArray(before) ? before : [], Array.isArray(after) ? after : [], type, path, out);
  } else {
    const left = isObject(before) ? before : {};
    const right = isObject(after) ? after : {};
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      const next = fieldType(type, name);
      if (next) compare(left[name], right[name], next, [...path, fieldElement(name)], out);
    }
  }
  if (before === undefined) out.added.insert(path);
  else if (after === undefined) out.removed.insert(path);
}

/** Empty, null or absent: such a pair is a leaf, so that `{}` and null stay apart. */
function isBare(value: Json | undefined, type: Type): boolean {
  if (type.kind === 'list') return !Array.isArray(value) || value.length === 0;
  return !isObject(value) || Object.keys(value).length === 0;
}

function compareList(
  before: Json[],
  after: Json[],
  type: ListType,
  path: PathElement[],
  out: Comparison,
): void {
  const left = groupItems(before, type);
  const right = groupItems(after, type);
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const mine = left.get(element) ?? [];
    const theirs = right.get(element) ?? [];
    const below = [...path, element];
    if (mine.length <= 1 && theirs.length <= 1) {
      compare(mine[0], theirs[0], type.item, below, out);
    } else if (mine.length >= 2 && theirs.length >= 2) {
      if (!equal(mine, theirs)) out.modified.insert(below);
    } else if (mine.length >= 2) {
      if (theirs[0] !== undefined) compare(undefined, theirs[0], type.item, below, out);
      out.removed.insert(below);
    } else {
      if (mine[0] !== undefined) compare(mine[0], undefined, type.item, below, out);
      out.added.insert(below);
    }
  }
}

function groupItems(items: Json[], type: ListType): Map<PathElement, Json[]> {
  const groups = new Map<PathElement, Json[]>();
  for (const item of items) {
    const { element } = itemElement(type, item);
    if (element === undefined) continue;
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}
