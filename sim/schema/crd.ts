import type { Json, JsonObject } from '../json.ts';
import { clone, isObject } from '../json.ts';
import { OBJECT_META } from './built-in.ts';
import { decodeTyped } from './decode.ts';
import type { Field, ListType, MapType, Type } from './types.ts';
import { ANY } from './types.ts';

/** A custom resource's schema in the two forms the server needs: as a type for merging, and as written. */
export interface CustomSchema {
  readonly type: MapType;
  readonly schema: JsonObject;
}

/** Compiles the `openAPIV3Schema` of a CRD version. */
export function compileSchema(schema: JsonObject, kind: string): CustomSchema {
  const root = mapOf(schema, kind);
  const fields = new Map(root.fields);
  fields.set('apiVersion', fieldOf({ kind: 'scalar', scalar: 'string' }));
  fields.set('kind', fieldOf({ kind: 'scalar', scalar: 'string' }));
  fields.set('metadata', fieldOf(OBJECT_META));
  return { schema, type: { ...root, fields } };
}

function fieldOf(type: Type, defaultValue?: Json): Field {
  return {
    type,
    omit: 'absent',
    pointer: true,
    defaultValue,
    patch: { mergeKey: undefined, retainKeys: false, replace: false },
    number: [0],
  };
}

function typeOf(schema: JsonObject): Type {
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', scalar: 'untyped' };
  switch (schema.type) {
    case 'object':
      return mapOf(schema, '');
    case 'array':
      return listOf(schema);
    case 'string':
      return {
        kind: 'scalar',
        scalar: schema.format && schema.format !== 'byte' ? 'untyped' : 'string',
      };
    case 'integer':
      return { kind: 'scalar', scalar: 'integer' };
    case 'number':
      return { kind: 'scalar', scalar: 'number' };
    case 'boolean':
      return { kind: 'scalar', scalar: 'boolean' };
    default:
      return ANY;
  }
}

function mapOf(schema: JsonObject, name: string): MapType {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const fields = new Map<string, Field>();
  for (const [key, property] of Object.entries(properties)) {
    if (isObject(property)) fields.set(key, fieldOf(typeOf(property), property.default));
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    fields.set('apiVersion', fieldOf({ kind: 'scalar', scalar: 'string' }));
    fields.set('kind', fieldOf({ kind: 'scalar', scalar: 'string' }));
    fields.set('metadata', fieldOf(OBJECT_META));
  }
  const additional = schema.additionalProperties;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additional === true;
  const rest = isObject(additional) ? typeOf(additional) : open ? ANY : undefined;
  return { kind: 'map', name, fields, rest, atomic: schema['x-kubernetes-map-type'] === 'atomic' };
}

function listOf(schema: JsonObject): ListType {
  const item = isObject(schema.items) ? typeOf(schema.items) : ANY;
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType === 'map' && Array.isArray(keys)) {
    return { kind: 'list', item, merge: { keys: keys.filter((key) => typeof key === 'string') } };
  }
  return { kind: 'list', item, merge: listType === 'set' ? 'set' : 'atomic' };
}

/**
 * Reads a custom object: metadata as the built-in type, fields the schema does not declare dropped and named, defaults
 * set, nulls of fields that may not be null dropped where a default takes their place. Throws DecodeError for metadata
 * of the wrong kind.
 */
export function decodeCustom(
  json: JsonObject,
  { schema }: CustomSchema,
): { value: JsonObject; unknown: string[] } {
  const unknown: string[] = [];
  const { apiVersion, kind, metadata, ...rest } = json;
  const meta = decodeTyped(isObject(metadata) ? metadata : {}, OBJECT_META);
  unknown.push(...meta.unknown.map((name) => `metadata.${name}`));
  const body = clone(rest);
  prune(body, schema, '', unknown);
  setDefaults(body, schema);
  const head = {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
  };
  return { value: { ...head, metadata: meta.value, ...body }, unknown };
}

function prune(value: Json, schema: JsonObject, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (isObject(items))
      for (const [i, item] of value.entries()) prune(item, items, `${path}[${i}]`, unknown);
    return;
  }
  if (!isObject(value)) return;
  const properties = isObject(schema.properties) ? schema.properties : {};
  const additional = schema.additionalProperties;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additional === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, item] of Object.entries(value)) {
    const property = properties[name];
    const at = path ? `${path}.${name}` : name;
    if (isObject(property)) {
      prune(item, property, at, unknown);
    } else if (isObject(additional)) {
      prune(item, additional, at, unknown);
    } else if (!open && !(embedded && ['apiVersion', 'kind', 'metadata'].includes(name))) {
      unknown.push(at);
      delete value[name];
    }
  }
}

function setDefaults(value: Json, schema: JsonObject): void {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (isObject(items)) for (const item of value) setDefaults(item, items);
    return;
  }
  if (!isObject(value)) return;
  const properties = isObject(schema.properties) ? schema.properties : {};
  for (const [name, property] of Object.entries(properties)) {
    if (!isObject(property)) continue;
    const dropsNull = value[name] === null && property.nullable !== true;
    if ('default' in property && (value[name] === undefined || dropsNull)) {
      value[name] = clone(property.default ?? null);
    }
    const item = value[name];
    if (item !== undefined) setDefaults(item, property);
  }
  const additional = schema.additionalProperties;
  if (!isObject(additional)) return;
  for (const [name, item] of Object.entries(value)) if (!(name in properties)) setDefaults(item, additional);
}
