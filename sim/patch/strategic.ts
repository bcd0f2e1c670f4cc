import type { Json, JsonObject } from '../json.ts';
import { clone, equal, isObject } from '../json.ts';
import type { Field, MapType, Type } from '../schema/types.ts';
import { PatchFormatError } from './json-patch.ts';

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const RETAIN = '$retainKeys';

/**
 * Applies a strategic merge patch (apimachinery, util/strategicpatch): as a merge patch, but lists merge by key where
 * the type says so, and `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…` are obeyed.
 * Neither argument is changed.
 */
export function applyStrategicPatch(original: JsonObject, patch: JsonObject, type: MapType): JsonObject {
  return mergeMap(clone(original), clone(patch), type);
}

function mergeMap(original: JsonObject, patch: JsonObject, type: Type | undefined): JsonObject {
  const directive = patch.$patch;
  if (directive === 'replace') {
    delete patch.$patch;
    return patch;
  }
  if (directive === 'delete') return {};
  if (directive !== undefined) throw new PatchFormatError(`unknown patch type: ${String(directive)} in map`);
  retainKeys(original, patch);
  mergeOrderedLists(original, patch, type);
  for (const [key, value] of Object.entries(patch)) mergeKey(original, key, value, type);
  return original;
}

function mergeKey(original: JsonObject, key: string, value: Json, type: Type | undefined): void {
  if (key.startsWith(DELETE_FROM)) {
    const name = key.slice(DELETE_FROM.length);
    const list = original[name];
    if (Array.isArray(list) && Array.isArray(value)) {
      original[name] = list.filter((item) => !value.some((gone) => equal(gone, item)));
    }
    return;
  }
  if (value === null) {
    delete original[key];
    return;
  }
  const before = original[key];
  const field = fieldOf(type, key);
  if (isObject(before) && isObject(value)) {
    original[key] = field?.patch.replace ? value : mergeMap(before, value, fieldValueType(type, key));
  } else if (Array.isArray(before) && Array.isArray(value)) {
    original[key] = mergeList(before, value, field);
  } else {
    const plain = withoutDirectives(value);
    if (plain === undefined) delete original[key];
    else original[key] = plain;
  }
}

function fieldOf(type: Type | undefined, key: string): Field | undefined {
  return type?.kind === 'map' ? type.fields.get(key) : undefined;
}

function fieldValueType(type: Type | undefined, key: string): Type | undefined {
  return type?.kind === 'map' ? (type.fields.get(key)?.type ?? type.rest) : undefined;
}

function itemType(field: Field | undefined): Type | undefined {
  return field?.type.kind === 'list' ? field.type.item : undefined;
}

function retainKeys(original: JsonObject, patch: JsonObject): void {
  const keep = patch[RETAIN];
  if (keep === undefined) return;
  delete patch[RETAIN];
  if (!Array.isArray(keep)) throw new PatchFormatError('invalid patch format of retainKeys');
  for (const name of Object.keys(original)) if (!keep.includes(name)) delete original[name];
}

/** Lists that come with `$setElementOrder` are merged together with it, so that the order is known. */
function mergeOrderedLists(original: JsonObject, patch: JsonObject, type: Type | undefined): void {
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER)) continue;
    delete patch[key];
    if (!Array.isArray(order)) throw new PatchFormatError('invalid patch format of setElementOrder list');
    const name = key.slice(ORDER.length);
    const field = fieldOf(type, name);
    const before = original[name];
    const given = patch[name];
    delete patch[name];
    const removed = patch[DELETE_FROM + name];
    if (removed !== undefined) {
      delete patch[DELETE_FROM + name];
      mergeKey(original, DELETE_FROM + name, removed, type);
    }
    const live = original[name];
    if (Array.isArray(live) && Array.isArray(given)) {
      original[name] = inOrder(mergeList(live, given, field), order, live, field);
    } else if (Array.isArray(given)) {
      original[name] = inOrder(withoutDirectives(given) as Json[], order, [], field);
    } else if (Array.isArray(live)) {
      original[name] = inOrder(live, order, Array.isArray(before) ? before : live, field);
    }
  }
}

function mergeList(original: Json[], patch: Json[], field: Field | undefined): Json[] {
  const mergeKey = field?.patch.mergeKey;
  if (mergeKey === undefined) return patch;
  if (mergeKey === '') {
    const both = [...original, ...patch];
    const merged = both.filter((item, i) => both.findIndex((other) => equal(other, item)) === i);
    return inOrder(merged, patch, original, field);
  }
  const { kept, rest } = applyElementDirectives(original, patch, mergeKey);
  const merged = [...kept];
  for (const item of rest) {
    const key = isObject(item) ? item[mergeKey] : undefined;
    if (!isObject(item) || key === undefined) {
      throw new PatchFormatError(
        `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`,
      );
    }
    const at = merged.findIndex((other) => isObject(other) && equal(other[mergeKey], key));
    const found = merged[at];
    if (isObject(found)) merged[at] = mergeMap(found, item, itemType(field));
    else merged.push(item);
  }
  return inOrder(merged, rest, kept, field);
}

/** Obeys `$patch` in elements: delete drops the live element of that key, replace drops every live element. */
function applyElementDirectives(
  original: Json[],
  patch: Json[],
  mergeKey: string,
): { kept: Json[]; rest: Json[] } {
  let kept = original;
  const rest: Json[] = [];
  for (const item of patch) {
    const directive = isObject(item) ? item.$patch : undefined;
    if (!isObject(item) || directive === undefined) {
      rest.push(item);
    } else if (directive === 'delete') {
      const key = item[mergeKey];
      kept = kept.filter((other) => !isObject(other) || !equal(other[mergeKey], key));
    } else if (directive === 'replace') {
      kept = [];
    } else {
      throw new PatchFormatError(`unknown patch type: ${String(directive)} in list`);
    }
  }
  return { kept, rest };
}

/** What the patch names comes in its order; what only the server has keeps its place before its old successors. */
function inOrder(merged: Json[], order: Json[], server: Json[], field: Field | undefined): Json[] {
  const mergeKey = field?.patch.mergeKey ?? '';
  const identity = (item: Json) => (mergeKey && isObject(item) ? (item[mergeKey] ?? null) : item);
  const place = (list: Json[], item: Json) =>
    list.findIndex((other) => equal(identity(other), identity(item)));
  const patched = merged.filter((item) => place(order, item) >= 0);
  patched.sort((a, b) => place(order, a) - place(order, b));
  const serverOnly = merged.filter((item) => place(order, item) < 0);
  serverOnly.sort((a, b) => place(server, a) - place(server, b));
  const out: Json[] = [];
  while (patched.length > 0 || serverOnly.length > 0) {
    const mine = serverOnly[0];
    const theirs = patched[0];
    const takeMine =
      theirs === undefined ||
      (mine !== undefined &&
        place(server, mine) >= 0 &&
        place(server, theirs) >= 0 &&
        place(server, mine) < place(server, theirs));
    const next = takeMine ? serverOnly.shift() : patched.shift();
    if (next !== undefined) out.push(next);
  }
  return out;
}

/** A value that is only in the patch is taken as it is, without nulls and directives. */
function withoutDirectives(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    return value.map(withoutDirectives).filter((item): item is Json => item !== undefined);
  }
  if (!isObject(value)) return value;
  if (value.$patch !== undefined) return undefined;
  const out: JsonObject = {};
  for (const [name, item] of Object.entries(value)) {
    const isDirective = name === RETAIN || name.startsWith(ORDER) || name.startsWith(DELETE_FROM);
    if (isDirective || item === null) continue;
    const plain = withoutDirectives(item);
    if (plain !== undefined) out[name] = plain;
  }
  return out;
}
