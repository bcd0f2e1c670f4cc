import { type Json, readYaml, YamlFault } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { get, isMap, isNull, type JsonMap, remove, set } from '../json.ts';
import { withoutBlanks } from './blanks.ts';

/** One step of a JSON patch (RFC 6902), as it stands in the document; it is checked when it is applied. */
export type JsonPatchOperation = JsonMap;

/**
 * Reads a JSON patch from JSON or YAML text; flow lists of YAML that are no JSON are refused, as in kustomize.
 *
 * @throws EngineFault for text that cannot be read, and for what is no list of operations
 */
export function parseJsonPatch(text: string): readonly JsonPatchOperation[] {
  const value = read(text);
  if (isNull(value)) return [];
  if (!Array.isArray(value)) throw new EngineFault('a JSON patch is a list of operations');
  return value.map((operation, index) => {
    if (isNull(operation)) return {};
    if (!isMap(operation)) throw new EngineFault('an operation of a JSON patch is a map', [index]);
    return operation;
  });
}

/** What starts like a list in JSON has to be JSON to its end. */
function read(text: string): Json {
  try {
    if (text.startsWith('[')) JSON.parse(text);
    return readYaml(text, { old: true })[0]?.value ?? null;
  } catch (cause) {
    if (cause instanceof YamlFault || cause instanceof SyntaxError)
      throw new EngineFault(cause.message, undefined, { cause });
    throw cause;
  }
}

/**
 * Applies a JSON patch as kustomize 5.5 does (evanphx/json-patch v4.12): negative indexes count from the end, `add` needs its
 * parent, `replace` in a map does not need the member, `test` compares without regard to the order of members. Numbers come out as
 * float64, and every blank as null, because the object passes through Go's JSON. Pure: untouched parts are shared.
 *
 * @throws EngineFault with the index of the operation in its path
 */
export function applyJsonPatch(target: Json, operations: readonly JsonPatchOperation[]): Json {
  let document = withoutBlanks(target);
  for (const [index, operation] of operations.entries()) {
    try {
      document = applyOne(document, operation);
    } catch (cause) {
      if (cause instanceof EngineFault) throw new EngineFault(cause.message, [index], { cause });
      throw cause;
    }
  }
  return asFloats(document);
}

function applyOne(document: Json, operation: JsonPatchOperation): Json {
  const kind = get(operation, 'op');
  const value = get(operation, 'value') ?? null;
  switch (kind) {
    case 'add': {
      const path = textAt(operation, 'path');
      return at(document, path, 'add operation does not apply: doc is missing path', (holder, key) =>
        add(holder, key, value, path),
      );
    }
    case 'remove': {
      const path = textAt(operation, 'path');
      return at(document, path, 'remove operation does not apply: doc is missing path', (holder, key) =>
        take(holder, key, path),
      );
    }
    case 'replace':
      return replace(document, textAt(operation, 'path'), value);
    case 'move': {
      const from = textAt(operation, 'from');
      const missing = 'move operation does not apply: doc is missing from path';
      const moved = valueAt(document, from, missing);
      const rest = at(document, from, missing, (holder, key) => take(holder, key, from));
      return put(rest, textAt(operation, 'path'), moved, 'move');
    }
    case 'copy': {
      const from = textAt(operation, 'from');
      const copied = valueAt(document, from, 'copy operation does not apply: doc is missing from path');
      return put(document, textAt(operation, 'path'), copied, 'copy');
    }
    case 'test':
      return test(document, operation);
    default:
      throw new EngineFault(`Unexpected kind: ${typeof kind === 'string' ? kind : 'unknown'}`);
  }
}

function put(document: Json, path: string, value: Json, kind: string): Json {
  return at(
    document,
    path,
    `${kind} operation does not apply: doc is missing destination path`,
    (holder, key) => add(holder, key, value, path),
  );
}

function replace(document: Json, path: string, value: Json): Json {
  if (path === '') {
    // A root that would become a plain value stays as it is, without a word.
    return typeof value === 'object' && value !== null ? value : document;
  }
  return at(document, path, 'replace operation does not apply: doc is missing path', (holder, key) => {
    if (!Array.isArray(holder)) return set(holder, key, value);
    const index = indexOf(key, holder.length, path);
    return holder.with(index, value);
  });
}

function test(document: Json, operation: JsonPatchOperation): Json {
  const path = textAt(operation, 'path');
  const failed = () => new EngineFault(`testing value ${path} failed: test failed`);
  if (!Object.hasOwn(operation, 'value')) throw new EngineFault('test operation has no value');
  const wanted = operation.value;
  const found =
    path === '' ? document : valueAt(document, path, 'test operation does not apply: is missing path');
  if (!equal(found, wanted ?? null)) throw failed();
  return document;
}

/** The member that an operation names, as text. */
function textAt(operation: JsonPatchOperation, name: 'path' | 'from'): string {
  const text = get(operation, name);
  if (typeof text !== 'string') throw new EngineFault(`operation missing ${name} field: missing value`);
  return text;
}

type Holder = Json[] | { [key: string]: Json };

/** Changes the map or list that holds what a pointer names, and all above it. */
function at(
  document: Json,
  path: string,
  missing: string,
  change: (holder: Holder, key: string) => Json,
): Json {
  const parts = path.split('/');
  const fail = () => new EngineFault(`${missing}: ${path}`);
  if (parts.length < 2) throw fail();
  const keys = parts.slice(1).map(unescapePart);
  const descend = (value: Json, depth: number): Json => {
    if (typeof value !== 'object' || value === null) throw fail();
    const key = keys[depth]!;
    if (depth === keys.length - 1) return change(value, key);
    const inner = member(value, key);
    if (inner === null || inner === undefined) throw fail();
    const after = descend(inner, depth + 1);
    return Array.isArray(value) ? value.with(normalIndex(key, value.length)!, after) : set(value, key, after);
  };
  return descend(document, 0);
}

function valueAt(document: Json, path: string, missing: string): Json {
  let found: Json = null;
  at(document, path, missing, (holder, key) => {
    if (Array.isArray(holder)) found = holder[indexOf(key, holder.length, path)]!;
    else found = member(holder, key) ?? null;
    return holder as Json;
  });
  return found;
}

function add(holder: Holder, key: string, value: Json, path: string): Json {
  if (!Array.isArray(holder)) return set(holder, key, value);
  if (key === '-') return [...holder, value];
  return holder.toSpliced(indexOf(key, holder.length + 1, path), 0, value);
}

function take(holder: Holder, key: string, path: string): Json {
  if (Array.isArray(holder)) return holder.toSpliced(indexOf(key, holder.length, path), 1);
  if (!Object.hasOwn(holder, key))
    throw new EngineFault(
      `error in remove for path: '${path}': Unable to remove nonexistent key: ${key}: missing value`,
    );
  return remove(holder, key);
}

function member(holder: Holder, key: string): Json | undefined {
  if (!Array.isArray(holder)) return Object.hasOwn(holder, key) ? holder[key] : undefined;
  const index = normalIndex(key, holder.length);
  return index === undefined ? undefined : holder[index];
}

function indexOf(key: string, length: number, path: string): number {
  const index = normalIndex(key, length);
  if (index === undefined)
    throw new EngineFault(
      `error for path: '${path}': Unable to access invalid index: ${key}: invalid index referenced`,
    );
  return index;
}

/** An index as Go's Atoi reads it, from the end where it is negative; undefined outside of the list. */
function normalIndex(key: string, length: number): number | undefined {
  if (!/^[-+]?[0-9]{1,15}$/.test(key)) return undefined;
  const index = Number(key);
  const normal = index < 0 ? index + length : index;
  return normal >= 0 && normal < length ? normal : undefined;
}

function unescapePart(part: string): string {
  return part.replace(/~[01]/g, (code) => (code === '~1' ? '/' : '~'));
}

function equal(one: Json, other: Json): boolean {
  if (Array.isArray(one))
    return (
      Array.isArray(other) &&
      one.length === other.length &&
      one.every((item, index) => equal(item, other[index]!))
    );
  if (!isMap(one)) return Object.is(one, other);
  if (!isMap(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && equal(one[key]!, other[key]!))
  );
}

function asFloats(value: Json): Json {
  if (typeof value === 'bigint') return asFloat(value);
  if (Array.isArray(value)) {
    const items = value.map(asFloats);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isMap(value)) return value;
  let result: JsonMap = value;
  for (const key of Object.keys(value)) result = set(result, key, asFloats(value[key]!));
  return result as Json;
}

/** The nearest float64, as an integer again where YAML reads it as one. */
function asFloat(value: bigint): number | bigint {
  const float = Number(value);
  const whole = BigInt(float);
  return whole > 2n ** 64n - 1n || whole < -(2n ** 63n) ? float : whole;
}
