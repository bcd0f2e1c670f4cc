import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isMap, isNull, set } from '../json.ts';
import { findElement, setElement } from './elements.ts';
import { isEmptyMap, kindOf, NONE, type Node, textOf, wrongKind } from './node.ts';

type Path = readonly (string | number)[];
/** Merges two elements; `itself` says that the list is merged with itself because a patch adds it whole. */
type MergeElements = (target: Node, patch: Node, itself: boolean) => Node;

/** Beyond this many elements, lists whose keys are missing or doubled are refused: they are merged in quadratic time. */
const MOST_UNUSUAL = 2000;

/**
 * Merges lists whose elements are known by keys: elements of the patch first, in its order, then the others of the target; where
 * several keys are in use, what only the patch has, then all that the target has. Lists
 * in which every element has its keys once take the short way; the others follow walk/associative_sequence.go of kyaml v0.18.1
 * step by step, because what it does with missing and doubled keys follows no rule that could be said more shortly.
 *
 * @throws EngineFault for elements that have no keys because they are no maps, and for unusual lists that are too long
 */
export function mergeAssociative(
  target: Json[],
  patch: Json[] | 'itself' | undefined,
  keys: readonly string[],
  path: Path,
  merge: MergeElements,
): Json[] {
  if (keys.length > 0) {
    const merged = mergeKeyed(target, patch, keys, merge);
    if (merged) return merged;
  }
  const size = target.length + (Array.isArray(patch) ? patch.length : 0);
  if (size > MOST_UNUSUAL)
    throw new EngineFault(`more than ${MOST_UNUSUAL} elements, of which some have no key of their own`, path);
  return new Association(target, patch, keys, path, merge).result();
}

/** The short way, or undefined where an element is unusual. */
function mergeKeyed(
  target: Json[],
  patch: Json[] | 'itself' | undefined,
  keys: readonly string[],
  merge: MergeElements,
): Json[] | undefined {
  const itself = patch === 'itself';
  const lists = itself || patch === undefined ? [target] : [patch, target];
  const used = keys.filter((key) => lists.some((list) => list.some((item) => keyText(item, key) !== '')));
  if (used.length === 0) return lists.every((list) => list.length === 0) ? target : undefined;
  const indexes: Map<string, Json>[] = [];
  for (const list of lists) {
    const index = new Map<string, Json>();
    for (const item of list) {
      const texts = used.map((key) => keyText(item, key));
      if (texts.includes('') || (isMap(item) && Object.hasOwn(item, '$patch'))) return undefined;
      index.set(texts.join('\u0000'), item);
    }
    if (index.size !== list.length) return undefined;
    indexes.push(index);
  }
  const targets = indexes.at(-1)!;
  const patches = indexes.length === 2 ? indexes[0]! : new Map<string, Json>();
  const result: Json[] = [];
  const take = (value: Node) => {
    if (value !== NONE && !isNull(value) && !isEmptyMap(value)) result.push(value);
  };
  // Known by several keys, an element that both have stands where the target has it.
  const inPatchOrder = used.length === 1;
  for (const [text, item] of patches)
    if (inPatchOrder || !targets.has(text)) take(merge(targets.get(text) ?? NONE, item, false));
  for (const [text, item] of targets)
    if (!inPatchOrder || !patches.has(text)) take(merge(item, patches.get(text) ?? NONE, itself));
  const same = result.length === target.length && result.every((item, index) => item === target[index]);
  return same ? target : result;
}

function keyText(item: Json, key: string): string {
  return isMap(item) && Object.hasOwn(item, key) && !isNull(item[key]!) ? textOf(item[key]!) : '';
}

/** The long way. `#target` and `#patch` are what the lists hold at the moment; they are one where a list is merged with itself. */
class Association {
  readonly #keys: readonly string[];
  readonly #path: Path;
  readonly #merge: MergeElements;
  readonly #itself: boolean;
  #target: Json[];
  readonly #patch: Json[] | undefined;

  constructor(
    target: Json[],
    patch: Json[] | 'itself' | undefined,
    keys: readonly string[],
    path: Path,
    merge: MergeElements,
  ) {
    this.#keys = keys.length === 0 ? [''] : keys;
    this.#path = path;
    this.#merge = merge;
    this.#itself = patch === 'itself';
    this.#target = target;
    this.#patch = Array.isArray(patch) ? patch : undefined;
  }

  result(): Json[] {
    const tuples = this.#keys[0] === '' ? this.#plainTexts() : this.#keyTexts();
    if (this.#keys.length > 1) unifyTuples(tuples);
    let added: Json[] = [];
    let validKeys: readonly string[] = this.#keys;
    for (const tuple of tuples) {
      const valid = validOf(tuples, tuple, this.#keys);
      validKeys = valid.keys;
      const value = this.#mergeAt(valid.keys, valid.texts);
      if (value === NONE || isNull(value) || isEmptyMap(value))
        this.#target = setElement(this.#target, undefined, valid.keys, valid.texts, this.#path);
      else added = setElement(added, value, valid.keys, valid.texts, this.#path);
    }
    return tuples.length > 0 ? this.#append(added, validKeys) : this.#target;
  }

  /** Merges the elements of these texts and leaves the result in the target, where it stems from an element of it. */
  #mergeAt(keys: readonly string[], texts: readonly string[]): Node {
    const { keys: foundBy, texts: found } = validOf([texts], texts, keys);
    const before = findElement(this.#target, foundBy, found);
    const after = this.#patch && findElement(this.#patch, foundBy, found);
    let value = this.#merge(
      before === undefined ? NONE : before,
      after === undefined ? NONE : after,
      this.#itself,
    );
    if (value === NONE || !isMap(value) || isEmptyMap(value)) return value;
    for (const [index, key] of keys.entries())
      if (!Object.hasOwn(value, key) && texts[index] !== '') value = set(value, key, texts[index]!);
    const replaced = after !== undefined && isMap(after) && after.$patch === 'replace';
    if (before !== undefined && isMap(before) && !replaced)
      this.#target = this.#target.map((item) => (item === before ? (value as Json) : item));
    return value;
  }

  /** Adds what the target holds behind what was merged; an element that is there already is taken from the target. */
  #append(added: Json[], keys: readonly string[]): Json[] {
    let result = added;
    const put = (item: Json, texts: string[]) => {
      result = setElement(result, item, keys, texts, this.#path);
    };
    for (const item of this.#target) {
      if (keys[0] === '') {
        put(item, [textOf(item)]);
        continue;
      }
      const kind = kindOf(item);
      if (kind !== undefined && !isMap(item)) throw wrongKind('map', kind, this.#path);
      const texts: string[] = [];
      for (const key of keys) {
        if (isMap(item) && Object.hasOwn(item, key)) texts.push(textOf(item[key]!));
        else result = [...result, item];
      }
      if (keys.length > 1) result = setElement(result, undefined, keys, texts, this.#path);
      put(item, texts);
    }
    return result;
  }

  #lists(): Json[][] {
    if (this.#itself) return [this.#target];
    return this.#patch ? [this.#patch, this.#target] : [this.#target];
  }

  #keyTexts(): string[][] {
    const tuples = new Map<string, string[]>();
    for (const list of this.#lists()) {
      for (const item of list) {
        const tuple = this.#keys.map((key) => keyText(item, key));
        const id = tuple.join('\u0000');
        if (!tuples.has(id)) tuples.set(id, tuple);
      }
    }
    return [...tuples.values()];
  }

  #plainTexts(): string[][] {
    return [...new Set(this.#lists().flatMap((list) => list.map(textOf)))].map((text) => [text]);
  }
}

/** Tuples that agree in one text and contradict each other in none become one: a port without a protocol is the port with one. */
function unifyTuples(tuples: string[][]): void {
  for (let first = 0; first < tuples.length; first++) {
    const one = tuples[first]!;
    for (let second = 0; second < tuples.length; second++) {
      const united = unite(one, tuples[second]!);
      if (!united) continue;
      tuples[first] = united;
      tuples[second] = united;
    }
  }
}

function unite(one: readonly string[], other: readonly string[]): string[] | undefined {
  if (one.some((text, index) => text !== other[index] && text !== '' && other[index] !== ''))
    return undefined;
  if (!one.some((text, index) => text === other[index])) return undefined;
  return one.map((text, index) => (text === '' ? other[index]! : text));
}

/** The keys under which any of the tuples has a text, with the texts of one of them; all keys when there is none. */
function validOf(
  tuples: readonly (readonly string[])[],
  tuple: readonly string[],
  keys: readonly string[],
): { keys: readonly string[]; texts: readonly string[] } {
  const valid = keys.map((_, index) => tuples.some((texts) => texts[index] !== ''));
  if (!valid.includes(true)) return { keys, texts: tuple };
  return { keys: keys.filter((_, index) => valid[index]), texts: tuple.filter((_, index) => valid[index]) };
}
