import { hashOf } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { comingFrom, fileOf } from './sources.ts';
import type { Json } from './yaml/read.ts';

/** A rendered object as plain JSON: what the API server is asked for. Integers beyond 2^53 are bigint. */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: unknown;
};

type JsonMap = { [key: string]: Json };

/** Objects without empty documents, and every list (`kind: …List` with `items`) replaced by what it holds. */
export function expandLists(values: readonly Json[]): Json[] {
  return values.flatMap((value) => {
    if (value === null) return [];
    if (!isMap(value) || typeof value.kind !== 'string' || !value.kind.endsWith('List')) return [value];
    if (!Array.isArray(value.items)) return [value];
    const file = fileOf(value);
    return expandLists(value.items.map((item) => (isMap(item) ? comingFrom(item, file) : item)));
  });
}

/**
 * Objects that can be applied, in order; Helm's test hooks are dropped. `overlay` is how messages call the whole.
 *
 * @throws FlotillaError render-refused for what has no apiVersion, kind or name, for hooks (they are run, not applied) and
 *   for documents encrypted with SOPS; object-duplicate when two have the same group, kind, namespace and name
 */
export function checkObjects(values: readonly Json[], overlay: string): KubeObject[] {
  const objects: KubeObject[] = [];
  const seen = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const refuse = (subject: string, why: string) =>
      new FlotillaError('render-refused', `${overlay}: ${subject} ${why}`, { source: { file: overlay } });
    const nth = `object ${index + 1} of ${values.length}`;
    if (!isMap(value)) throw refuse(nth, 'is no object');
    const fault = malformed(value);
    if (fault !== undefined) throw refuse(`${nth} (${describe(value)})`, fault);
    const object = value as KubeObject;
    const hook = hookOf(object);
    if (hook === 'test') continue;
    if (hook !== undefined) throw refuse(displayName(object), hook);
    if (Object.hasOwn(object, 'sops'))
      throw refuse(displayName(object), 'is encrypted with SOPS, which is not decrypted here');
    const id = objectKey(object);
    const first = seen.get(id);
    if (first !== undefined) {
      const message = `${overlay}: ${displayName(object)} is rendered twice, as object ${first + 1} and ${index + 1}`;
      throw new FlotillaError('object-duplicate', message, { source: { file: overlay } });
    }
    seen.set(id, index);
    objects.push(object);
  }
  return objects;
}

/** Adds the Namespace of a placement in front, unless the overlay renders it itself. */
export function withNamespace(objects: readonly KubeObject[], name: string): KubeObject[] {
  const there = objects.some(
    ({ apiVersion, kind, metadata }) => apiVersion === 'v1' && kind === 'Namespace' && metadata.name === name,
  );
  return there ? [...objects] : [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, ...objects];
}

/**
 * Hash of the canonical JSON of all objects, whatever their order, without the values of Secrets: who previewed a render
 * and who applied it compare by it, and it tells nobody a secret.
 */
export function renderHash(objects: readonly KubeObject[]): string {
  const entries = objects.map((object) => [objectKey(object), withoutSecrets(object)] as const);
  return hashOf(
    'flotilla-render-v1',
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/** `Kind/namespace/name`, or `Kind/name` without a namespace. */
export function displayName({ kind, metadata }: KubeObject): string {
  return [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
}

function objectKey({ apiVersion, kind, metadata }: KubeObject): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return [group, kind, metadata.namespace ?? '', metadata.name].join('/');
}

/** What keeps a value from being an object that can be applied, in words. */
function malformed(value: JsonMap): string | undefined {
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== 'string' || apiVersion === '') return 'has no apiVersion';
  if (typeof kind !== 'string' || kind === '') return 'has no kind';
  if (NO_KIND.test(kind)) return `has the kind ${kind}, which is none`;
  if (!isMap(metadata ?? null)) return 'has no metadata';
  const { name, namespace, generateName, annotations } = metadata as JsonMap;
  if (typeof name !== 'string' || name === '') {
    return generateName === undefined
      ? 'has no metadata.name'
      : 'has metadata.generateName; what is applied again and again needs a name';
  }
  if (namespace !== undefined && namespace !== null && typeof namespace !== 'string')
    return 'has a metadata.namespace that is no text';
  if (annotations !== undefined && annotations !== null && !isMap(annotations))
    return 'has metadata.annotations that are no map';
  return undefined;
}

/** Words that are something else than text wherever their quotes get lost. */
const NO_KIND = /^(true|false|null|~|[-+.]?\d.*)$/i;

const TEST_HOOKS = new Set(['test', 'test-success', 'test-failure']);

/** `test` for Helm's tests, words for any other hook. */
function hookOf({ metadata }: KubeObject): string | undefined {
  const helm = metadata.annotations?.['helm.sh/hook'];
  const argo = metadata.annotations?.['argocd.argoproj.io/hook'];
  if (helm !== undefined && helm !== null) {
    const events = String(helm)
      .split(',')
      .map((event) => event.trim());
    if (events.every((event) => TEST_HOOKS.has(event))) return 'test';
    return `is a Helm hook (helm.sh/hook: ${helm}); hooks are not run, remove the annotation or the object`;
  }
  if (argo !== undefined && argo !== null) {
    return `is an Argo CD hook (argocd.argoproj.io/hook: ${argo}); hooks are not run, remove the annotation or the object`;
  }
  return undefined;
}

function describe({ kind, metadata }: JsonMap): string {
  const name = isMap(metadata ?? null) ? (metadata as JsonMap).name : undefined;
  return [kind, name].filter((part) => typeof part === 'string' && part !== '').join('/') || 'nameless';
}

function withoutSecrets(object: KubeObject): unknown {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return object;
  const { data, stringData, ...rest } = object;
  const keys = (value: unknown) =>
    typeof value === 'object' && value !== null ? Object.keys(value).sort() : [];
  return { ...rest, data: keys(data), stringData: keys(stringData) };
}

function isMap(value: Json): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
