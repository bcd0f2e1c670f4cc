import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import type { ListType, MapType, Type } from '../schema/types.ts';
import { deduce, fieldType } from '../schema/types.ts';
import type { PathElement } from './path.ts';
import { itemElement } from './path.ts';
import { isAtomic } from './typed.ts';

/**
 * Lays an applied configuration over a live value: nothing is removed, a leaf of the configuration wins, list elements
 * keep the order of the configuration where it says one (typed/merge.go). Undefined means absent, null is a value.
 */
export function mergeTyped(
  live: Json | undefined,
  config: Json | undefined,
  declared: Type,
): Json | undefined {
  const type = deduce(declared, config === undefined ? live : config);
  if (type.kind === 'scalar' || isAtomic(type) || bothEmpty(live, config, type)) {
    return config === undefined ? live : config;
  }
  return type.kind === 'list' ? mergeList(live, config, type) : mergeMap(live, config, type);
}

function bothEmpty(live: Json | undefined, config: Json | undefined, type: ListType | MapType): boolean {
  const empty = (value: Json | undefined) =>
    type.kind === 'list'
      ? !Array.isArray(value) || value.length === 0
      : !isObject(value) || Object.keys(value).length === 0;
  return empty(live) && empty(config);
}

function mergeMap(live: Json | undefined, config: Json | undefined, type: MapType): Json {
  const left = isObject(live) ? live : {};
  const right = isObject(config) ? config : {};
  const out: JsonObject = {};
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const next = fieldType(type, name);
    const merged = next ? mergeTyped(left[name], right[name], next) : (right[name] ?? left[name]);
    if (merged !== undefined) out[name] = merged;
  }
  return out;
}

interface Indexed {
  readonly elements: PathElement[];
  readonly values: Map<PathElement, Json>;
}

function mergeList(live: Json | undefined, config: Json | undefined, type: ListType): Json | undefined {
  const items = Array.isArray(live) ? live : [];
  const left = indexItems(items, type);
  const right = indexItems(Array.isArray(config) ? config : [], type);
  const shared = right.elements.filter((element) => left.values.has(element));
  const merged = new Set<PathElement>();
  const out: Json[] = [];
  const take = (mine: Json | undefined, theirs: Json | undefined) => {
    const item = mergeTyped(mine, theirs, type.item);
    if (item !== undefined) out.push(item);
  };

  // Walks both lists at once: elements only the live list has keep their place between the shared ones.
  let nextShared = shared.shift();
  let l = 0;
  let r = 0;
  while (l < left.elements.length || r < right.elements.length) {
    const mine = left.elements[l];
    const theirs = right.elements[r];
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        merged.add(mine);
        take(left.values.get(mine), right.values.get(mine));
        l++;
        r++;
        nextShared = shared.shift();
        continue;
      }
      if (right.values.has(mine) && nextShared !== undefined && nextShared !== mine) {
        l++;
        continue;
      }
    }
    if (mine !== undefined) {
      if (!right.values.has(mine)) {
        take(items[l], undefined);
        l++;
        continue;
      }
      if (merged.has(mine)) l++;
    }
    if (theirs !== undefined) {
      merged.add(theirs);
      take(left.values.get(theirs), right.values.get(theirs));
      r++;
      if (nextShared === theirs) nextShared = shared.shift();
    }
  }
  return out.length > 0 ? out : undefined;
}

/** Elements in order; an element that occurs twice has the value null, because neither can be merged into. */
function indexItems(items: Json[], type: ListType): Indexed {
  const elements: PathElement[] = [];
  const values = new Map<PathElement, Json>();
  for (const item of items) {
    const { element } = itemElement(type, item);
    if (element === undefined) continue;
    values.set(element, values.has(element) ? null : item);
    elements.push(element);
  }
  return { elements, values };
}
