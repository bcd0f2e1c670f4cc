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
