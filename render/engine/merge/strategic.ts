import { hasQuotes, takeQuotes } from '../../yaml/quotes.ts';
import type { Json } from '../../yaml/read.ts';
import { isMap, isNull, type JsonMap, remove, set } from '../json.ts';
import { mergeAssociative } from './associative.ts';
import { directiveOfList, directiveOfMap } from './directive.ts';
import { kindOf, NONE, type Node, wrongKind } from './node.ts';
import { type MergeSchema, type Place, placeOf } from './schema.ts';

type Path = readonly (string | number)[];

/**
 * Applies a strategic merge patch to one object as kustomize 5.5 does (kyaml v0.18.1, yaml/merge2 and yaml/walk, elements of
 * patches first): maps merge, lists merge where the schema says so and are replaced elsewhere, null removes, `$patch` deletes or
 * replaces. `$setElementOrder`, `$deleteFromPrimitiveList` and `$retainKeys` are ordinary fields, as they are there. What is
 * written as nothing (`a:`) vanishes from every merged object; a written `null` stays, unless the patch speaks of it.
 *
 * Pure: both arguments stay as they are, untouched parts are shared with the result. Undefined means that the object is deleted.
 *
 * @throws EngineFault for what cannot be merged, and for an unknown `$patch`
 */
export function strategicMerge(
  target: JsonMap,
  patch: JsonMap,
  schema: MergeSchema,
): { [key: string]: Json } | undefined {
  // The result of a root that is replaced gets lost in kustomize: the object stays as it is.
  if (directiveOfMap(patch, []).directive === 'replace') return target as { [key: string]: Json };
  const result = new Merger(schema).merge(target, patch, undefined, []);
  return isMap(result as Json) && Object.keys(result as JsonMap).length > 0
    ? (result as { [key: string]: Json })
    : undefined;
}

/** Maps that a merge without a patch leaves as they are, by place: bases are merged over and over. */
const clean = new WeakMap<JsonMap, { schema: MergeSchema; place: Place | undefined }>();

class Merger {
  readonly #schema: MergeSchema;

  constructor(schema: MergeSchema) {
    this.#schema = schema;
  }

  /** What stands at a place after the merge; NONE when nothing does. */
  merge(target: Node, patch: Node, known: Place | undefined, path: Path): Node {
    const kind = kindOf(target) ?? kindOf(patch);
    if (kind === undefined) return patch === NONE && target === null ? null : NONE;
    const other = kindOf(patch);
    if (other !== undefined && other !== kind) throw wrongKind(kind, other, path);
    const place = known ?? this.#placeOfEmbedded(target, patch);
    if (kind === 'scalar') return patch === NONE ? target : present(patch);
    if (kind === 'map') return this.#maps(target, patch, place, path);
    return this.#lists(target, patch, place, path);
  }

  #maps(target: Node, patch: Node, place: Place | undefined, path: Path): Node {
    if (target === NONE || isNull(target)) {
      const { directive, rest } = directiveOfMap(patch as JsonMap);
      return directive === 'delete' ? NONE : this.#addedFields(rest, place, path);
    }
    if (patch === NONE) return this.#untouched(target as JsonMap, place, path);
    if (isNull(patch)) return NONE;
    const { directive, rest } = directiveOfMap(patch as JsonMap, path);
    if (directive === 'delete') return NONE;
    if (directive === 'replace') return this.#addedFields(rest, place, path);
    return this.#fields(target as JsonMap, rest, place, path);
  }

  #untouched(target: JsonMap, place: Place | undefined, path: Path): JsonMap {
    const seen = clean.get(target);
    if (seen && seen.schema === this.#schema && seen.place === place) return target;
    const result = this.#fields(target, undefined, place, path);
    clean.set(result, { schema: this.#schema, place });
    return result;
  }

  #fields(target: JsonMap, patch: JsonMap | undefined, place: Place | undefined, path: Path): JsonMap {
    let result = target;
    const put = (key: string, before: Node, after: Node) => {
      if (after === NONE) result = remove(result, key);
      else if (after !== before) {
        result = set(result, key, inStyleOf(before, after as Json, result, key));
        if (before === NONE && patch) takeQuotes(result, key, patch);
      }
    };
    for (const key of Object.keys(target)) {
      const patched = patch && Object.hasOwn(patch, key) ? patch[key]! : NONE;
      put(key, target[key]!, this.merge(target[key]!, patched, fieldOf(place, key), [...path, key]));
    }
    for (const key of patch ? Object.keys(patch) : []) {
      if (Object.hasOwn(target, key)) continue;
      put(key, NONE, this.merge(NONE, patch![key]!, fieldOf(place, key), [...path, key]));
    }
    return result;
  }

  #lists(target: Node, patch: Node, place: Place | undefined, path: Path): Node {
    if (place?.keys === undefined) return patch === NONE ? target : present(patch);
    if (target === NONE || isNull(target)) return this.#addedList(patch as Json[], place, path);
    if (patch === NONE) return this.#associate(target as Json[], undefined, place, path);
    if (isNull(patch)) return NONE;
    const { directive, rest } = directiveOfList(patch as Json[], path);
    if (directive === 'delete') return NONE;
    if (directive === 'replace') return this.#addedList(rest, place, path);
    return this.#associate(target as Json[], rest, place, path);
  }

  /** What a patch adds where nothing was: merged with itself, which takes nulls and directives out of it. */
  #added(value: Json, known: Place | undefined, path: Path): Node {
    if (isNull(value)) return NONE;
    const place = known ?? this.#placeOfEmbedded(value, NONE);
    if (isMap(value)) {
      const { directive, rest } = directiveOfMap(value, path);
      return directive === 'delete' ? NONE : this.#addedFields(rest, place, path);
    }
    if (!Array.isArray(value) || place?.keys === undefined) return value;
    const { directive, rest } = directiveOfList(value, path);
    return directive === 'delete' ? NONE : this.#addedList(rest, place, path);
  }

  #addedFields(map: JsonMap, place: Place | undefined, path: Path): JsonMap {
    let result = map;
    for (const [key, value] of Object.entries(map)) {
      const after = this.#added(value, fieldOf(place, key), [...path, key]);
      if (after === NONE) result = remove(result, key);
      else if (after !== value) result = set(result, key, after as Json);
    }
    return result;
  }

  #addedList(list: Json[], place: Place, path: Path): Json[] {
    return this.#associate(list, 'itself', place, path);
  }

  #associate(target: Json[], patch: Json[] | 'itself' | undefined, place: Place, path: Path): Json[] {
    return mergeAssociative(target, patch, place.keys!, path, (before, after, itself) =>
      itself && before !== NONE
        ? this.#added(before as Json, place.elements, path)
        : this.merge(before, after, place.elements, path),
    );
  }

  /** An object inside of another is known by its own apiVersion and kind where the schema says nothing of the place. */
  #placeOfEmbedded(...nodes: readonly Node[]): Place | undefined {
    for (const node of nodes) {
      if (node === NONE || !isMap(node)) continue;
      const { apiVersion, kind } = node;
      if (typeof apiVersion !== 'string' || typeof kind !== 'string') continue;
      const place = placeOf(this.#schema, apiVersion, kind);
      if (place) return place;
    }
    return undefined;
  }
}

function fieldOf(place: Place | undefined, key: string): Place | undefined {
  return place?.fields.get(key) ?? place?.values;
}

/**
 * kustomize writes the new value in the style of the old one, so that what replaces a quoted text becomes text: `value: 90` over
 * `value: "80"` is "90".
 */
function inStyleOf(before: Node, after: Json, map: JsonMap, key: string): Json {
  if (
    typeof before !== 'string' ||
    (typeof after !== 'number' && typeof after !== 'boolean' && typeof after !== 'bigint')
  )
    return after;
  return hasQuotes(map, key, before) ? String(after) : after;
}

const present = (node: Node): Node => (node === NONE || isNull(node) ? NONE : node);
