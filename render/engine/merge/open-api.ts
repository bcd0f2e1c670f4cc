import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isMap, isNull, type JsonMap, kindOf } from '../json.ts';
import type { MergeSchema, Place } from './schema.ts';

/**
 * The schema of an OpenAPI (v2) document, as `openapi.path` of a kustomization names one; it takes the place of the built-in one.
 * Read are `definitions` with x-kubernetes-group-version-kind, -patch-strategy, -patch-merge-key and -list-map-keys, and `paths`
 * for what stands outside of namespaces. Extensions of another shape count for nothing, as in kustomize.
 *
 * @throws EngineFault for schemas that are none
 */
export function readOpenApi(document: Json): MergeSchema {
  const root = asMap(document);
  checkEach(root.definitions, 'definitions', checkSchema);
  const definitions = asMap(root.definitions);
  const reader = new OpenApiReader(definitions);
  const kinds = new Map<string, Place>();
  for (const definition of Object.values(definitions)) {
    const names = asMap(definition)['x-kubernetes-group-version-kind'];
    for (const name of Array.isArray(names) ? names : [])
      kinds.set(gvkOf(name), reader.place(asMap(definition)));
  }
  return { kinds, clusterScoped: scopesOf(asMap(root.paths)) };
}

class OpenApiReader {
  readonly #definitions: JsonMap;
  /** One place per schema, made before its parts are read: definitions may contain themselves. */
  readonly #places = new Map<JsonMap, Place>();

  constructor(definitions: JsonMap) {
    this.#definitions = definitions;
  }

  place(schema: JsonMap): Place {
    const known = this.#places.get(schema);
    if (known) return known;
    const place: Place = { fields: new Map() };
    this.#places.set(schema, place);
    for (const [name, field] of Object.entries(asMap(schema.properties))) {
      const target = this.#resolve(asMap(field));
      if (target) place.fields.set(name, this.place(target));
    }
    const values = isMap(schema.additionalProperties) && this.#resolve(schema.additionalProperties);
    if (values) place.values = this.place(values);
    const isList = schema.type === 'array' || (Array.isArray(schema.type) && String(schema.type) === 'array');
    const elements = isList && isMap(schema.items) && this.#resolve(schema.items);
    if (elements) place.elements = this.place(elements);
    const strategy = schema['x-kubernetes-patch-strategy'];
    if (typeof strategy === 'string' && strategy.split(',').includes('merge')) place.keys = keysOf(schema);
    return place;
  }

  #resolve(schema: JsonMap): JsonMap | undefined {
    let target: Json | undefined = schema;
    for (let hops = 0; isMap(target ?? null) && hops < 100; hops++) {
      const ref: Json | undefined = (target as JsonMap).$ref;
      if (typeof ref !== 'string') return target as JsonMap;
      const name: string | undefined = /^#\/definitions\/(.+)$/.exec(ref)?.[1];
      target =
        name !== undefined && Object.hasOwn(this.#definitions, name) ? this.#definitions[name] : undefined;
    }
    return undefined;
  }
}

function keysOf(schema: JsonMap): string[] {
  const several = schema['x-kubernetes-list-map-keys'];
  if (Array.isArray(several)) return several.map(String);
  const one = schema['x-kubernetes-patch-merge-key'];
  return typeof one === 'string' ? [one] : [];
}

function scopesOf(paths: JsonMap): Map<string, boolean> {
  const scopes = new Map<string, boolean>();
  for (const [path, methods] of Object.entries(paths)) {
    const name = asMap(asMap(methods).get)['x-kubernetes-group-version-kind'];
    if (name === undefined) continue;
    const key = gvkOf(name);
    if (path.includes('namespaces/{namespace}')) scopes.set(key, false);
    else if (!scopes.has(key)) scopes.set(key, true);
  }
  return scopes;
}

function gvkOf(value: Json): string {
  const { group, version, kind } = asMap(value);
  return `${typeof group === 'string' && group !== '' ? `${group}/` : ''}${String(version)} ${String(kind)}`;
}

function asMap(value: Json | undefined): JsonMap {
  return isMap(value ?? null) ? (value as JsonMap) : {};
}

/** kustomize reads schemas into types of its own, and crashes on what does not fit. */
function checkSchema(schema: Json, name: string): void {
  if (isNull(schema)) return;
  if (!isMap(schema)) throw misfit(name, 'a map', schema);
  for (const key of ['$ref', 'description', 'format', 'title', 'pattern'])
    checkText(schema[key], `${name}.${key}`);
  if (Array.isArray(schema.type)) for (const one of schema.type) checkText(one, `${name}.type`);
  else checkText(schema.type, `${name}.type`);
  checkEach(schema.properties, `${name}.properties`, checkSchema);
  if (typeof schema.additionalProperties !== 'boolean')
    checkSchema(schema.additionalProperties ?? null, `${name}.additionalProperties`);
  for (const one of Array.isArray(schema.items) ? schema.items : [schema.items])
    checkSchema(one ?? null, `${name}.items`);
}

function checkEach(map: Json | undefined, name: string, check: (value: Json, name: string) => void): void {
  if (isNull(map) || map === undefined) return;
  if (!isMap(map)) throw misfit(name, 'a map', map);
  for (const [key, value] of Object.entries(map)) check(value, `${name}.${key}`);
}

function checkText(value: Json | undefined, name: string): void {
  if (!isNull(value) && value !== undefined && typeof value !== 'string') throw misfit(name, 'text', value);
}

function misfit(name: string, expected: string, value: Json): EngineFault {
  return new EngineFault(`${name} must be ${expected}, not ${kindOf(value)}`);
}
