import type { Json } from '../json.ts';

/**
 * The shape of an API type as far as merging, ownership and strict decoding need it. One model serves the built-in
 * kinds (read from the table) and custom resources (compiled from their CRD).
 */
export type Type = ScalarType | ListType | MapType | AnyType;

export interface ScalarType {
  readonly kind: 'scalar';
  readonly scalar: Scalar;
}

/** `untyped` is a scalar of a custom resource whose kind is open (int-or-string, or a string with a format). */
export type Scalar =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'quantity'
  | 'intstr'
  | 'time'
  | 'microtime'
  | 'bytes'
  | 'untyped';

/** `atomic` lists are one value; `set` and keyed lists are owned element by element. */
export interface ListType {
  readonly kind: 'list';
  readonly item: Type;
  readonly merge: 'atomic' | 'set' | { readonly keys: readonly string[] };
}

/** Structs have fields, maps have `rest`; a type with neither accepts nothing. */
export interface MapType {
  readonly kind: 'map';
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly rest: Type | undefined;
  readonly atomic: boolean;
}

/** A value without schema: maps merge by key, lists are atomic. */
export interface AnyType {
  readonly kind: 'any';
}

export interface Field {
  readonly type: Type;
  /** What Go leaves out of JSON: a zero value, only an absent one (pointers), or nothing. */
  readonly omit: 'zero' | 'absent' | 'never';
  readonly pointer: boolean;
  readonly defaultValue: Json | undefined;
  readonly patch: PatchStrategy;
  /** Where protobuf has the field: its number, or the numbers on the way into an embedded message; [0] for nowhere. */
  readonly number: readonly number[];
}

/** How a strategic merge patch treats a field. */
export interface PatchStrategy {
  /** The key by which list elements are matched; `''` merges a list of scalars; undefined replaces it. */
  readonly mergeKey: string | undefined;
  readonly retainKeys: boolean;
  readonly replace: boolean;
}

export const ANY: AnyType = { kind: 'any' };
const ATOMIC_ANY_LIST: ListType = { kind: 'list', item: ANY, merge: 'atomic' };
const OPEN_MAP: MapType = { kind: 'map', name: '', fields: new Map(), rest: ANY, atomic: false };
const OPEN_SCALAR: ScalarType = { kind: 'scalar', scalar: 'untyped' };

/** The type to walk a value of unknown type with, chosen by what the value is. */
export function deduce(type: Type, value: Json | undefined): Exclude<Type, AnyType> {
  if (type.kind !== 'any') return type;
  if (Array.isArray(value)) return ATOMIC_ANY_LIST;
  return typeof value === 'object' || value === undefined ? OPEN_MAP : OPEN_SCALAR;
}

/** The type of a named field or map key, or undefined when the schema does not declare it. */
export function fieldType(map: MapType, name: string): Type | undefined {
  return map.fields.get(name)?.type ?? map.rest;
}

export function zeroOf(type: Type): Json {
  switch (type.kind) {
    case 'scalar':
      if (type.scalar === 'integer' || type.scalar === 'number' || type.scalar === 'intstr') return 0;
      if (type.scalar === 'boolean') return false;
      if (type.scalar === 'time' || type.scalar === 'microtime') return null;
      return type.scalar === 'quantity' ? '0' : type.scalar === 'bytes' ? null : '';
    case 'map':
      return type.fields.size > 0 ? {} : null;
    case 'list':
    case 'any':
      return null;
    default:
      return type satisfies never;
  }
}
