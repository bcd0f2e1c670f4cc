import type { Json } from '../../yaml/read.ts';
import { isMap, type JsonMap } from '../json.ts';
import { CLUSTER_KINDS, DEFINITIONS, KINDS, NAMESPACED_KINDS } from './built-in.ts';

/** What is known of one place in objects: its fields, its elements, and by which keys its list merges. */
export type Place = {
  readonly fields: Map<string, Place>;
  /** Of every field that is not named. */
  values?: Place;
  elements?: Place;
  /** Present: a list that merges, by these keys; by none when it holds plain values. */
  keys?: readonly string[];
};

/** The kinds of which lists that merge are known, and which kinds stand outside of namespaces. */
export type MergeSchema = {
  readonly kinds: ReadonlyMap<string, Place>;
  readonly clusterScoped: ReadonlyMap<string, boolean>;
};

/** The place at which an object of this kind starts; undefined for kinds that the schema does not have. */
export function placeOf(schema: MergeSchema, apiVersion: string, kind: string): Place | undefined {
  return schema.kinds.get(`${apiVersion} ${kind}`);
}

/** Whether objects of this kind certainly stand outside of namespaces; kinds that are not known are taken to stand inside. */
export function isClusterScoped(schema: MergeSchema, apiVersion: string, kind: string): boolean {
  const key = `${apiVersion} ${kind}`;
  return BUILT_IN_SCOPES.get(key) ?? schema.clusterScoped.get(key) ?? false;
}

const BUILT_IN_SCOPES = new Map([
  ...kindsOf(CLUSTER_KINDS).map(([key]) => [key, true] as const),
  ...kindsOf(NAMESPACED_KINDS).map(([key]) => [key, false] as const),
]);

/** The schema that kustomize 5.5 has built in: Kubernetes 1.21.2. */
export const BUILTIN_SCHEMA: MergeSchema = { kinds: builtInKinds(), clusterScoped: new Map() };

function kindsOf(table: string): [key: string, definition: string][] {
  return linesOf(table).flatMap(([apiVersion, ...kinds]) =>
    kinds.map((entry): [string, string] => {
      const [kind, definition] = entry.split(':') as [string, string?];
      return [`${apiVersion} ${kind}`, definition ?? kind];
    }),
  );
}

function linesOf(table: string): string[][] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
}

function builtInKinds(): Map<string, Place> {
  const lines = linesOf(DEFINITIONS);
  const places = new Map(lines.map(([name]) => [name!, { fields: new Map() } as Place]));
  for (const [name, ...fields] of lines) {
    for (const field of fields) {
      const [, label, keys, definition] = /^(\w+)(?:\[([\w,]*)\])?(?::(\w+))?$/.exec(field)!;
      const target = definition === undefined ? undefined : places.get(definition)!;
      const place: Place | undefined =
        keys === undefined
          ? target
          : {
              fields: new Map(),
              keys: keys === '' ? [] : keys.split(','),
              ...(target && { elements: target }),
            };
      places.get(name!)!.fields.set(label!, place!);
    }
  }
  return new Map(kindsOf(KINDS).map(([key, definition]) => [key, places.get(definition)!]));
}

/**
 * The schema of an OpenAPI (v2) document, as `openapi.path` of a kustomization names one; it takes the place of the built-in one.
 * Read are `definitions` with x-kubernetes-group-version-kind, -patch-strategy, -patch-merge-key and -list-map-keys, and `paths`
 * for what stands outside of namespaces. What has another shape counts for nothing, as in kustomize.
 */
export function readOpenApi(document: Json): MergeSchema {
  const root = asMap(document);
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
