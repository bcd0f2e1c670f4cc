import { didYouMean } from '#proto/problems.ts';
import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isMap, isNull, kindOf } from '../json.ts';

type Path = readonly (string | number)[];

/**
 * How Go would read the document. Kustomizations are strict: unknown fields are faults, and text must be written as
 * text. Configuration of plugins is lenient: unknown fields are ignored, and numbers count as text where text is asked.
 */
export type Decoding = {
  readonly strict: boolean;
  /** `direct`: by the reader of manifests itself, without JSON in between: everywhere, and names of fields count as they are. */
  readonly coerce: boolean | 'direct';
  readonly faults: EngineFault[];
};

/** Reads a value of one shape; faults are collected, so that all of a document are told at once. */
export type Shape<Value> = (value: Json, decoding: Decoding, path: Path) => Value;
type Fields = Record<string, Shape<unknown>>;
export type Decoded<F extends Fields> = { readonly [Key in keyof F]?: ReturnType<F[Key]> };

export const KUSTOMIZATION_RULES = { strict: true, coerce: false };
export const PLUGIN_RULES = { strict: false, coerce: true };
export const DIRECT_RULES = { strict: false, coerce: 'direct' } as const;
export const CONFIGURATION_RULES = { strict: true, coerce: true };

/** @throws EngineFault the first of all faults, in the order of the document */
export function decode<Value>(shape: Shape<Value>, value: Json, rules: Omit<Decoding, 'faults'>): Value {
  const faults: EngineFault[] = [];
  const result = shape(value, { ...rules, faults }, []);
  const [first, ...others] = faults;
  if (first && others.length > 0)
    throw new EngineFault(faults.map(({ message }) => message).join('; '), first.path);
  if (first) throw first;
  return result;
}

function wrong(decoding: Decoding, path: Path, expected: string, value: Json): void {
  const name = path.length === 0 ? 'the document' : showPath(path);
  decoding.faults.push(new EngineFault(`${name} must be ${expected}, not ${kindOf(value)}`, path));
}

/** `patches[2].target`, for messages. */
function showPath(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

export const text: Shape<string> = (value, decoding, path) => {
  if (isNull(value)) return '';
  if (typeof value === 'string') return value;
  if (decoding.coerce && typeof value !== 'object') return String(value);
  wrong(decoding, path, 'text', value);
  return '';
};

/**
 * Text that is never coerced: Go's reader knows no type for the fields of structs that are embedded in others, so it
 * makes text of nothing there.
 */
export const exactText: Shape<string> = (value, decoding, path) =>
  text(value, { ...decoding, coerce: decoding.coerce === 'direct' }, path);

export const flag: Shape<boolean> = (value, decoding, path) => {
  if (isNull(value)) return false;
  if (typeof value === 'boolean') return value;
  if (decoding.coerce === 'direct' && /^(y|Y|yes|on|n|N|no|off)$/.test(String(value)))
    return /^(y|Y|yes|on)$/.test(String(value));
  wrong(decoding, path, 'true or false', value);
  return false;
};

export const integer: Shape<number | bigint> = (value, decoding, path) => {
  if (isNull(value)) return 0;
  if (typeof value === 'bigint' || Number.isInteger(value)) return value as number | bigint;
  wrong(decoding, path, 'a whole number', value);
  return 0;
};

export const anything: Shape<Json> = (value) => value;

/** A list; null is an empty one, and a null in it the zero of its shape. */
export function list<Value>(item: Shape<Value>): Shape<readonly Value[]> {
  return (value, decoding, path) => {
    if (isNull(value)) return [];
    if (Array.isArray(value)) return value.map((one, index) => item(one, decoding, [...path, index]));
    wrong(decoding, path, 'a list', value);
    return [];
  };
}

/** A map with keys of any name. */
export function dict<Value>(item: Shape<Value>): Shape<Readonly<Record<string, Value>>> {
  return (value, decoding, path) => {
    if (isNull(value)) return {};
    if (isMap(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [key, item(one, decoding, [...path, key])]),
      );
    wrong(decoding, path, 'a map', value);
    return {};
  };
}

/**
 * A map with known fields, whose names count in any case, as Go's JSON has it. Fields that are null or missing stay
 * away.
 */
export function struct<F extends Fields>(fields: F): Shape<Decoded<F>> {
  const names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  return (value, decoding, path) => {
    if (isNull(value)) return {};
    if (!isMap(value)) {
      wrong(decoding, path, 'a map', value);
      return {};
    }
    const result: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value)) {
      const name =
        decoding.coerce === 'direct' ? (key in fields ? key : undefined) : names.get(key.toLowerCase());
      const here = [...path, key];
      if (name === undefined) {
        if (decoding.strict) decoding.faults.push(unknownField(key, here, [...names.values()]));
      } else if (!isNull(member)) result[name] = fields[name]!(member, decoding, here);
    }
    return result as Decoded<F>;
  };
}

function unknownField(key: string, path: Path, known: readonly string[]): EngineFault {
  const near = didYouMean(key, known);
  return new EngineFault(`unknown field ${showPath(path)}${near ? `; did you mean ${near}?` : ''}`, path);
}
