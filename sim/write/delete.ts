import { badRequest, conflict, notFound } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { isObject, stringAt } from '../json.ts';
import type { Kind } from '../kinds/kinds.ts';
import { addFinalizer } from '../kinds/prepare.ts';
import type { Stored } from '../store.ts';
import { render, unpack } from '../store.ts';
import { metadataOf } from './commit.ts';
import type { Write } from './context.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  readonly propagation: Propagation;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** Reads DeleteOptions from the query and, before it, the body. */
export function parseDeleteOptions(query: URLSearchParams, text: string): DeleteOptions {
  let body: JsonObject = {};
  if (text.trim() !== '') {
    const json = JSON.parse(text) as JsonObject;
    if (isObject(json)) body = json;
  }
  const propagation = stringAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? 'Background';
  if (propagation !== 'Background' && propagation !== 'Foreground' && propagation !== 'Orphan') {
    throw badRequest(`invalid propagationPolicy ${propagation}`);
  }
  const dryRun = Array.isArray(body.dryRun) && body.dryRun.includes('All');
  return {
    propagation,
    uid: stringAt(body, 'preconditions', 'uid'),
    resourceVersion: stringAt(body, 'preconditions', 'resourceVersion'),
    dryRun: dryRun || query.get('dryRun') === 'All',
  };
}

/** Kinds whose deletion is answered with the object (`ReturnDeletedObject` in k8s.io/kubernetes, pkg/registry/core). */
const TOLD_WHOLE = new Set([
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services',
]);

/** Deletes one object, or marks it when finalizers hold it. Returns the JSON text to answer with. */
export function deleteObject(write: Write, options: DeleteOptions): string {
  const { cluster, kind, namespace, name } = write;
  const stored = cluster.store.get(kind, namespace, name);
  if (!stored) throw notFound(kind, name);
  checkPreconditions(kind, stored, options);
  const object = unpack(stored, kind);
  cluster.admit({ ...write, dryRun: options.dryRun }, undefined);
  const metadata = metadataOf(object);
  const wasMarked = metadata.deletionTimestamp !== undefined;
  if (!wasMarked) addPropagation(metadata, kind, options.propagation);
  const finalizers = metadata.finalizers;
  const isHeld = Array.isArray(finalizers) && finalizers.length > 0;
  if (!isHeld && kind.kind !== 'Namespace' && kind.kind !== 'CustomResourceDefinition') {
    if (!options.dryRun) cluster.store.delete(kind, object);
    return kind.group === '' && TOLD_WHOLE.has(kind.resource)
      ? render(stored, kind)
      : JSON.stringify(deleted(kind, stored));
  }
  if (wasMarked) return render(stored, kind);
  mark(object, kind, cluster.timestamp());
  if (options.dryRun) return JSON.stringify(object);
  return render(cluster.store.put(kind, object), kind);
}

function checkPreconditions(kind: Kind, stored: Stored, options: DeleteOptions): void {
  const { name, uid, revision } = stored;
  // These two errors name the kind where others name the resource.
  const named = { ...kind, resource: kind.kind };
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(named, name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== String(revision)) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${revision}). The object might have been modified`;
    throw conflict(named, name, why);
  }
}

function addPropagation(metadata: JsonObject, kind: Kind, propagation: Propagation): void {
  if (kind.kind === 'Namespace') return;
  if (propagation === 'Foreground') addFinalizer(metadata, 'foregroundDeletion');
  if (propagation === 'Orphan') addFinalizer(metadata, 'orphan');
}

function mark(object: JsonObject, kind: Kind, now: string): void {
  const metadata = metadataOf(object);
  metadata.deletionTimestamp = now;
  if (kind.kind === 'Namespace') {
    object.status = { phase: 'Terminating' };
    return;
  }
  metadata.deletionGracePeriodSeconds = 0;
  const generation = metadata.generation;
  if (typeof generation === 'number') metadata.generation = generation + 1;
  if (kind.kind === 'CustomResourceDefinition') {
    addFinalizer(metadata, 'customresourcecleanup.apiextensions.k8s.io');
  }
}

function deleted(kind: Kind, { name, uid }: Stored): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.resource, uid },
  };
}
