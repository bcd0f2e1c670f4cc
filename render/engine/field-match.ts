import type { Json } from '../yaml/read.ts';
import { EngineFault } from './fault.ts';
import { splitPath } from './field-specs.ts';
import { isMap, isNull, kindOf, set, textOf } from './json.ts';
import { compileRegex } from './regex.ts';
import { retyped } from './retype.ts';

/**
 * The parts of a path of replacements and vars (`spec.containers.[name=web].image`): dots part them, but for those in
 * brackets, and `\.` stands for a dot.
 */
export function splitFieldPath(path: string): readonly string[] {
  const parts = splitPath(path, '.');
  const result: string[] = [];
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!;
    if (!part.startsWith('[') || part.endsWith(']')) {
      result.push(part);
      continue;
    }
    const bracketed = [part];
    while (at + 1 < parts.length && !bracketed.at(-1)!.endsWith(']')) bracketed.push(parts[++at]!);
    const joined = bracketed.join('.');
    result.push(joined.includes('=') ? joined : joined.replace(/^[[\]]+|[[\]]+$/g, ''));
  }
  return result;
}

const isIndex = (part: string) => /^\+?\d+$/.test(part);
const isMatch = (part: string) => part.startsWith('[') && part.endsWith(']');

function splitMatch(part: string): { key: string; value: string } {
  const inner = part.slice(1, -1);
  const equals = inner.indexOf('=');
  if (equals < 0) throw new EngineFault(`${part} must be [field=value]`);
  return { key: inner.slice(0, equals), value: inner.slice(equals + 1) };
}

/** The single value at a path, read plainly: an index, `-` for the last, `[field=value]` by equality, or a key. */
export function lookUp(root: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const part of path.map((one) => one.trim()).filter(Boolean)) {
    if (value === undefined || value === null) return undefined;
    value = step(value, part);
  }
  return value;
}

function step(value: Json, part: string): Json | undefined {
  if (part === '*') throw new EngineFault('a source cannot have a wildcard');
  if (isIndex(part) || part === '-') {
    const items = asList(value, part);
    return part === '-' ? items.at(-1) : items[Number(part)];
  }
  if (isMatch(part)) {
    const { key, value: wanted } = splitMatch(part);
    return asList(value, part).find((item) =>
      key === ''
        ? textOf(item) === wanted
        : isMap(item) && Object.hasOwn(item, key) && textOf(item[key]) === wanted,
    );
  }
  if (!isMap(value)) throw new EngineFault(`${part} is looked for in ${kindOf(value)}; a map is expected`);
  return Object.hasOwn(value, part) ? value[part] : undefined;
}

function asList(value: Json, part: string): readonly Json[] {
  if (isNull(value)) return [];
  if (!Array.isArray(value))
    throw new EngineFault(`${part} is looked for in ${kindOf(value)}; a list is expected`);
  return value;
}

/** What a field is made as, where it is missing. */
export type Makes = 'scalar' | 'map' | 'list' | undefined;
type Change = (field: Json, created: boolean) => Json;
type Visit = { readonly value: Json; readonly hits: number };

/**
 * Changes every field that a path leads to: an index, `*` for each element, `[field=value]` for each element whose field
 * matches the value as a regular expression anywhere in it, or a key. `hits` counts the fields.
 *
 * @throws EngineFault when the path meets what it cannot pass
 */
export function visitField(root: Json, path: readonly string[], change: Change, makes?: Makes): Visit {
  return visit(root, path, change, makes, false);
}

function visit(value: Json, path: readonly string[], change: Change, makes: Makes, created: boolean): Visit {
  const [part, ...rest] = path;
  if (part === undefined) return { value: change(value, created), hits: 1 };
  if (isIndex(part)) return visitIndex(value, Number(part), rest, change, makes);
  if (isMatch(part)) return visitMatches(value, part, rest, change, makes);
  if (part === '*') return visitItems(asList(value, part), () => true, rest, change, makes);
  return visitKey(value, part, rest, change, makes);
}

function visitKey(value: Json, key: string, rest: readonly string[], change: Change, makes: Makes): Visit {
  if (!isMap(value) && !isNull(value))
    throw new EngineFault(`${key} is looked for in ${kindOf(value)}; a map is expected`);
  const map = isMap(value) ? value : {};
  const there = Object.hasOwn(map, key);
  if (!there && !makes) return { value, hits: 0 };
  const field = there ? map[key]! : fresh(rest[0], makes);
  const inner = visit(field, rest, change, makes, !there);
  return { value: set(map, key, inner.value), hits: inner.hits };
}

function visitIndex(
  value: Json,
  index: number,
  rest: readonly string[],
  change: Change,
  makes: Makes,
): Visit {
  const items = asList(value, String(index));
  const created = index === items.length && makes !== undefined;
  if (!created && index >= items.length)
    throw new EngineFault(`index ${index} is beyond a list of ${items.length}`);
  const inner = visit(created ? fresh(rest[0], makes) : items[index]!, rest, change, makes, created);
  const result = [...items];
  result[index] = inner.value;
  return { value: result, hits: inner.hits };
}

function visitMatches(
  value: Json,
  part: string,
  rest: readonly string[],
  change: Change,
  makes: Makes,
): Visit {
  const { key, value: pattern } = splitMatch(part);
  const regex = compileRegex(pattern);
  const isWanted = (item: Json) => {
    if (key === '') return regex.matcher(textOf(item)).find();
    return isMap(item) && Object.hasOwn(item, key) && regex.matcher(textOf(item[key]).trim()).find();
  };
  const items = asList(value, part);
  const found = visitItems(items, isWanted, rest, change, makes);
  if (found.hits > 0 || !makes) return found;
  const scalar = retyped(undefined, pattern);
  const added = [...items, key === '' ? scalar : { [key]: scalar }];
  return visitItems(added, (item) => item === added.at(-1) && isWanted(item), rest, change, makes);
}

function visitItems(
  items: readonly Json[],
  isWanted: (item: Json) => boolean,
  rest: readonly string[],
  change: Change,
  makes: Makes,
): Visit {
  let hits = 0;
  const value = items.map((item) => {
    if (!isWanted(item)) return item;
    const inner = visit(item, rest, change, makes, false);
    hits += inner.hits;
    return inner.value;
  });
  return { value, hits };
}

/** What a missing field is made of: what the next part of the path needs, or in the end what is copied. */
function fresh(next: string | undefined, makes: Makes): Json {
  if (next === undefined || next === '') return makes === 'map' ? {} : makes === 'list' ? [] : '';
  return isMatch(next) || isIndex(next) ? [] : {};
}
