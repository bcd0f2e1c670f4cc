import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import { canonicalQuantity } from './quantity.ts';
import type { Field, MapType, ScalarType, Type } from './types.ts';
import { zeroOf } from './types.ts';

/** A value that cannot be read as its type; the message is the one Go's JSON decoder gives. */
export class DecodeError extends Error {}

/**
 * Reads JSON as the Go type of a kind would and writes it back: unknown fields dropped (and named), nulls and empty
 * values left out where Go leaves them out, quantities, times and bytes in their canonical spelling, declared defaults
 * set, fields in Go's order. Throws DecodeError for a value of the wrong kind.
 */
export function decodeTyped(json: JsonObject, type: MapType): { value: JsonObject; unknown: string[] } {
  const unknown: string[] = [];
  return { value: decodeStruct(json, type, '', unknown), unknown };
}

function decodeStruct(json: JsonObject, type: MapType, path: string, unknown: string[]): JsonObject {
  for (const name of Object.keys(json)) {
    if (!type.fields.has(name)) unknown.push(path ? `${path}.${name}` : name);
  }
  const out: JsonObject = {};
  for (const [name, field] of type.fields) {
    const at = path ? `${path}.${name}` : name;
    const value = decodeField(json[name], field, at, type, unknown);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

function decodeField(
  json: Json | undefined,
  field: Field,
  path: string,
  owner: MapType,
  unknown: string[],
): Json | undefined {
  const isStruct = field.type.kind === 'map' && field.type.fields.size > 0;
  let value: Json | undefined;
  if (json !== undefined && json !== null) {
    value = decodeValue(json, field.type, path, owner, unknown);
  } else if (isStruct && field.omit === 'never' && !field.pointer) {
    value = decodeStruct({}, field.type as MapType, path, unknown);
  }
  if (field.defaultValue !== undefined && (value === undefined || (!field.pointer && isZero(value)))) {
    return field.defaultValue;
  }
  if (field.omit === 'never') return value ?? nil(field);
  if (value === undefined) return undefined;
  if (field.omit === 'zero' && isZero(value) && !isStruct) return undefined;
  return value;
}

/** What Go writes for a field that is never left out and was not set. */
function nil(field: Field): Json {
  return field.pointer ? null : zeroOf(field.type);
}

function isZero(value: Json): boolean {
  if (value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

function decodeValue(json: Json, type: Type, path: string, owner: MapType, unknown: string[]): Json {
  switch (type.kind) {
    case 'any':
      return json;
    case 'scalar':
      return json === null ? zeroOf(type) : decodeScalar(json, type, path, owner);
    case 'list': {
      if (!Array.isArray(json)) throw mismatch(json, path, owner, `[]${goTypeOf(type.item)}`);
      return json.map((item, i) => decodeItem(item, type.item, `${path}[${i}]`, owner, unknown));
    }
    case 'map': {
      if (!isObject(json)) throw mismatch(json, path, owner, goTypeOf(type));
      if (type.fields.size > 0 || !type.rest) return decodeStruct(json, type, path, unknown);
      const out: JsonObject = {};
      for (const [name, item] of Object.entries(json)) {
        out[name] = decodeItem(item, type.rest, `${path}.${name}`, owner, unknown);
      }
      return out;
    }
    default:
      return type satisfies never;
  }
}

function decodeItem(item: Json, type: Type, path: string, owner: MapType, unknown: string[]): Json {
  if (item !== null) return decodeValue(item, type, path, owner, unknown);
  return type.kind === 'map' && type.fields.size > 0 ? decodeStruct({}, type, path, unknown) : zeroOf(type);
}

function decodeScalar(json: Json, type: ScalarType, path: string, owner: MapType): Json {
  const { scalar } = type;
  switch (scalar) {
    case 'string':
      if (typeof json === 'string') return json;
      break;
    case 'boolean':
      if (typeof json === 'boolean') return json;
      break;
    case 'integer':
      if (typeof json === 'number' && Number.isInteger(json)) return json;
      break;
    case 'number':
      if (typeof json === 'number') return json;
      break;
    case 'intstr':
      if (typeof json === 'string' || (typeof json === 'number' && Number.isInteger(json))) return json;
      break;
    case 'quantity': {
      if (typeof json !== 'string' && typeof json !== 'number') break;
      const canonical = canonicalQuantity(String(json));
      if (canonical !== undefined) return canonical;
      throw new DecodeError(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    }
    case 'time':
    case 'microtime':
      if (typeof json === 'string') return decodeTime(json, scalar);
      break;
    case 'bytes':
      if (typeof json === 'string') return decodeBytes(json);
      break;
    case 'untyped':
      return json;
    default:
      return scalar satisfies never;
  }
  throw mismatch(json, path, owner, goTypeOf(type));
}

function decodeTime(text: string, scalar: 'time' | 'microtime'): string {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? new Date(text)
    : undefined;
  if (!time || Number.isNaN(time.getTime())) {
    const quoted = JSON.stringify(text);
    throw new DecodeError(
      `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`,
    );
  }
  const seconds = time.toISOString().slice(0, 19);
  const micros = (/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(6, '0').slice(0, 6);
  return scalar === 'time' ? `${seconds}Z` : `${seconds}.${micros}Z`;
}

function decodeBytes(text: string): string {
  const clean = text.replaceAll(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]/.exec(clean)?.index ?? (clean.length % 4 === 0 ? -1 : clean.length & ~3);
  if (bad >= 0) throw new DecodeError(`illegal base64 data at input byte ${bad}`);
  return clean;
}

function mismatch(json: Json, path: string, owner: MapType, goType: string): DecodeError {
  const is = Array.isArray(json) ? 'array' : typeof json === 'boolean' ? 'bool' : typeof json;
  const field = path.replaceAll(/\[\d+\]/g, '');
  const name = owner.name.slice(owner.name.lastIndexOf('.') + 1);
  return new DecodeError(
    `json: cannot unmarshal ${is} into Go struct field ${name}.${field} of type ${goType}`,
  );
}

function goTypeOf(type: Type): string {
  switch (type.kind) {
    case 'scalar':
      return { integer: 'int32', number: 'float64', boolean: 'bool' }[type.scalar as string] ?? 'string';
    case 'list':
      return `[]${goTypeOf(type.item)}`;
    case 'map':
      return type.fields.size > 0 || !type.rest ? `v1.${type.name}` : `map[string]${goTypeOf(type.rest)}`;
    case 'any':
      return 'interface {}';
    default:
      return type satisfies never;
  }
}
