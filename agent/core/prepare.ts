import { FlotillaError } from '#proto/faults.ts';
import { LAST_APPLIED, OWNER_LABEL } from './managed-fields.ts';
import { at, copyOf, displayName, isRecord, type KubeObject, objectId } from './object.ts';

/** What the API server writes and nobody else: never part of an apply. */
const SERVER_FIELDS = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
];

/**
 * One rendered object as it is applied for a placement: owner label added, fields of the server and `status` left out, a Secret's
 * `stringData` folded into `data` (an apply that drops a key of stringData would otherwise leave it in place, kubernetes#108008),
 * what kubectl noted for itself left out (an export carries it, and of a Secret it holds the values).
 * Law: preparing twice changes nothing.
 */
export function prepareObject(object: KubeObject, placement: string): KubeObject {
  const { status: _, ...content } = copyOf(object);
  const metadata = Object.fromEntries(
    Object.entries(content.metadata).filter(([key, value]) => !SERVER_FIELDS.includes(key) && value != null),
  );
  const prepared = {
    ...content,
    metadata: {
      ...metadata,
      name: content.metadata.name,
      labels: { ...content.metadata.labels, [OWNER_LABEL]: placement },
    },
  } as KubeObject;
  const { annotations } = prepared.metadata;
  if (annotations && LAST_APPLIED in annotations) {
    const { [LAST_APPLIED]: __, ...kept } = annotations;
    prepared.metadata.annotations = kept;
  }
  if (object.kind === 'Secret' && object.apiVersion === 'v1') return foldStringData(prepared);
  if (object.kind === 'CustomResourceDefinition') dropBrokenCaBundle(prepared);
  return prepared;
}

/**
 * A placeholder where a CA injector writes later; Kubernetes refuses such a CRD since 1.31 (kubernetes#125630). A certificate stays.
 */
function dropBrokenCaBundle(crd: KubeObject): void {
  const config = at(crd, 'spec', 'conversion', 'webhook', 'clientConfig');
  if (!isRecord(config) || config.caBundle === undefined) return;
  const text = typeof config.caBundle === 'string' ? Buffer.from(config.caBundle, 'base64').toString() : '';
  if (!text.includes('-----BEGIN CERTIFICATE-----')) delete config.caBundle;
}

function foldStringData(secret: KubeObject): KubeObject {
  const { stringData, ...rest } = secret;
  if (!isRecord(stringData)) return secret;
  const data: Record<string, unknown> = { ...(isRecord(rest.data) ? rest.data : {}) };
  for (const [key, value] of Object.entries(stringData))
    data[key] = typeof value === 'string' ? Buffer.from(value).toString('base64') : value;
  return { ...rest, data };
}

/**
 * All of a render, prepared.
 * @throws FlotillaError render-empty, render-refused (no name or kind), object-duplicate
 */
export function prepareAll(objects: readonly KubeObject[], placement: string): KubeObject[] {
  if (objects.length === 0)
    throw new FlotillaError(
      'render-empty',
      `placement ${placement} renders to no objects; the last good state is kept`,
    );
  const prepared = objects.map((object) => {
    if (!object.apiVersion || !object.kind || !object.metadata?.name)
      throw new FlotillaError(
        'render-refused',
        `placement ${placement} renders an object without apiVersion, kind or name`,
      );
    return prepareObject(object, placement);
  });
  refuseDuplicates(prepared, placement);
  return prepared;
}

/** @throws FlotillaError object-duplicate */
export function refuseDuplicates(objects: readonly KubeObject[], placement: string): void {
  const seen = new Set<string>();
  for (const object of objects) {
    const id = objectId(object);
    if (seen.has(id))
      throw new FlotillaError(
        'object-duplicate',
        `${displayName(object)} is rendered twice by placement ${placement}`,
      );
    seen.add(id);
  }
}

/** Whether a CRD among the objects defines the kind, and with which scope: such a kind is known only after it is established. */
export function definedIn(
  objects: readonly KubeObject[],
  group: string,
  kind: string,
): { namespaced: boolean } | undefined {
  for (const { kind: own, spec } of objects) {
    if (own !== 'CustomResourceDefinition' || !isRecord(spec) || !isRecord(spec.names)) continue;
    if (spec.group === group && spec.names.kind === kind) return { namespaced: spec.scope !== 'Cluster' };
  }
  return undefined;
}

/** A cluster-scoped object loses a namespace that the overlay injected; a namespaced one without is wrong. */
export function scoped(object: KubeObject, namespaced: boolean): KubeObject | { problem: string } {
  if (namespaced)
    return object.metadata.namespace
      ? object
      : { problem: `${displayName(object)}: namespace not specified` };
  if (object.metadata.namespace === undefined) return object;
  const { namespace: _, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as KubeObject['metadata'] };
}
