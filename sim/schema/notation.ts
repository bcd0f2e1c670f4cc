import type { Field, ListType, MapType, PatchStrategy, Scalar, Type } from './types.ts';
import { ANY } from './types.ts';

/**
 * Reads the type tables beside this file. One type a definition; a line that starts with a blank continues it:
 *
 *     Name! field:type~patch?!=default …
 *
 * | part | meaning |
 * |---|---|
 * | `Name!` | a struct that merges as one value (x-kubernetes-map-type: atomic) |
 * | types | `s` string, `i` integer, `n` number, `b` boolean, `q` quantity, `x` int-or-string, `t` time, `u` micro time, `d` bytes, `j` any JSON, or the name of a struct; `^` after it: granular although the struct says atomic |
 * | `T[]` `T[=]` `T[a,b]` | a list: atomic, a set, keyed by a and b |
 * | `T{}` `T{!}` | a map from string: granular, atomic |
 * | `@n` `@n.m` | the protobuf number, where it is not the one after the field before; with a dot: inside an embedded message; 0: not in protobuf |
 * | `~key` `~=` `~` | strategic merge patch: elements match by key, a set merges, the value is replaced; without a mark keyed lists match by their first key and other lists are replaced |
 * | `~retainKeys` | the patch strategy of that name |
 * | `?` | a pointer: only an absent value is left out of JSON, not a zero one |
 * | `!` | never left out of JSON |
 * | `=value` | the declared default |
 */
export function parseTable(...tables: string[]): Map<string, MapType> {
  const lines = tables.join('\n').replaceAll(/\n +/g, ' ').split('\n').filter(Boolean);
  const named = new Map<string, MapType>();
  for (const line of lines) {
    const [head = '', ...fields] = line.split(' ').filter(Boolean);
    const atomic = head.endsWith('!');
    const name = atomic ? head.slice(0, -1) : head;
    // Fields are read on first use: types name each other, some of them themselves.
    let read: Map<string, Field> | undefined;
    named.set(name, {
      kind: 'map',
      name,
      get fields() {
        read ??= parseFields(fields, named);
        return read;
      },
      rest: undefined,
      atomic,
    });
  }
  return named;
}

const FIELD =
  /^([^:]+):(\w+(?:\.\w+)?)(\^?)((?:\[[^\]]*\]|\{!?\})*)(@[\d.]+)?((?:~[\w=]*)*)(\??)(!?)(?:=(.*))?$/;
const SCALARS: Record<string, Scalar> = {
  s: 'string',
  i: 'integer',
  n: 'number',
  b: 'boolean',
  q: 'quantity',
  x: 'intstr',
  t: 'time',
  u: 'microtime',
  d: 'bytes',
};

function parseFields(texts: readonly string[], named: ReadonlyMap<string, MapType>): Map<string, Field> {
  const fields = new Map<string, Field>();
  let expected: readonly number[] = [1];
  for (const text of texts) {
    const [name, field] = parseField(text, expected, named);
    fields.set(name, field);
    expected = [...field.number.slice(0, -1), (field.number.at(-1) ?? 0) + 1];
  }
  return fields;
}

function parseField(
  text: string,
  expected: readonly number[],
  named: ReadonlyMap<string, MapType>,
): [string, Field] {
  const match = FIELD.exec(text);
  if (!match) throw new Error(`type table: cannot read the field "${text}"`);
  const [, name = '', base = '', granular, wraps = '', at, patch = '', pointer, always, defaultValue] = match;
  let type = baseType(base, named);
  if (granular && type.kind === 'map') type = { ...type, fields: type.fields, atomic: false };
  for (const wrap of wraps.match(/\[[^\]]*\]|\{!?\}/g) ?? []) type = wrapType(type, wrap);
  return [
    name,
    {
      type,
      omit: always ? 'never' : pointer ? 'absent' : 'zero',
      pointer: pointer === '?',
      defaultValue,
      patch: parsePatch(type, patch),
      number: at === undefined ? expected : at.slice(1).split('.').map(Number),
    },
  ];
}

function baseType(base: string, named: ReadonlyMap<string, MapType>): Type {
  if (base === 'j') return ANY;
  const scalar = SCALARS[base];
  if (scalar) return { kind: 'scalar', scalar };
  const struct = named.get(base);
  if (!struct) throw new Error(`type table: no type "${base}"`);
  return struct;
}

function wrapType(item: Type, wrap: string): Type {
  if (wrap.startsWith('{'))
    return { kind: 'map', name: '', fields: new Map(), rest: item, atomic: wrap === '{!}' };
  const keys = wrap.slice(1, -1);
  const merge: ListType['merge'] = keys === '' ? 'atomic' : keys === '=' ? 'set' : { keys: keys.split(',') };
  return { kind: 'list', item, merge };
}

function parsePatch(type: Type, marks: string): PatchStrategy {
  const given = marks.split('~').slice(1);
  const retainKeys = given.includes('retainKeys');
  const key = given.find((mark) => mark !== 'retainKeys');
  const listKey = type.kind === 'list' && typeof type.merge === 'object' ? type.merge.keys[0] : undefined;
  const mergeKey = key === undefined ? listKey : key === '=' ? '' : key || undefined;
  return { mergeKey, retainKeys, replace: key === '' };
}
