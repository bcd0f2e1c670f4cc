import { randomUUID } from 'node:crypto';
import { decodeManaged, encodeManaged } from '../apply/managed-fields.ts';
import { managedFieldsOf, withoutManagedFields } from '../apply/track.ts';
import { alreadyExists, badRequest, conflict, forbidden, invalid, MODIFIED, notFound } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { clone, equal, isObject, stringAt } from '../json.ts';
import { builtInKind } from '../kinds/kinds.ts';
import { prepareForCreate, prepareForUpdate } from '../kinds/prepare.ts';
import { validateCreate, validateUpdate } from '../kinds/validate.ts';
import type { Stored } from '../store.ts';
import { render, unpack } from '../store.ts';
import type { Write } from './context.ts';

/** What a write led to. */
export interface Committed {
  /** The JSON text to answer with. */
  readonly text: string;
  readonly created: boolean;
}

export function metadataOf(object: JsonObject): JsonObject {
  if (!isObject(object.metadata)) object.metadata = {};
  return object.metadata as JsonObject;
}

/** Stores a new object whose managedFields are already set. */
export function commitCreate(write: Write, object: JsonObject): Committed {
  const { cluster, kind, dryRun, namespace } = write;
  const metadata = metadataOf(object);
  if (kind.namespaced) {
    requireNamespace(write, String(metadata.name ?? ''));
    metadata.namespace = namespace;
  }
  for (const name of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'resourceVersion']) {
    delete metadata[name];
  }
  metadata.uid = randomUUID();
  metadata.creationTimestamp = cluster.timestamp();
  if (kind.generation) metadata.generation = 1;
  else delete metadata.generation;
  prepareForCreate(object, kind, cluster);
  const name = String(metadata.name ?? '');
  const errors = validateCreate(object, kind);
  if (errors.length > 0) throw invalid(kind, name, errors);
  const existing = cluster.store.get(kind, namespace, name);
  if (existing) throw alreadyExists(kind, name, existing.metadata.includes('"deletionTimestamp"'));
  cluster.admit(write, object);
  if (dryRun) return { text: JSON.stringify(inOrder(object, kind)), created: true };
  return { text: render(cluster.store.put(kind, object), kind), created: true };
}

/**
 * Stores the next state of an object whose managedFields are already set. An update that changes nothing is not
 * stored; one that takes the last finalizer from an object being deleted removes it.
 */
export function commitUpdate(write: Write, before: Stored, next: JsonObject): Committed {
  const { cluster, kind, dryRun } = write;
  const old = unpack(before, kind);
  const metadata = metadataOf(next);
  const given = metadata.resourceVersion;
  if (given !== undefined && given !== '' && given !== String(before.revision)) {
    throw conflict(kind, before.name, MODIFIED);
  }
  keepIdentity(write, metadata, metadataOf(old));
  prepareForUpdate(next, old, write);
  const errors = validateUpdate(next, old, write);
  if (errors.length > 0) throw invalid(kind, before.name, errors);
  keepTimes(next, old);
  if (equal(next, old)) return { text: render(before, kind), created: false };
  cluster.admit(write, next);
  const finalizers = metadata.finalizers;
  const isLast =
    metadata.deletionTimestamp !== undefined && !(Array.isArray(finalizers) && finalizers.length > 0);
  const goes = isLast && !(kind.kind === 'Namespace' && hasFinalizers(next));
  if (dryRun) return { text: JSON.stringify(inOrder(next, kind)), created: false };
  const stored = goes ? cluster.store.delete(kind, next) : cluster.store.put(kind, next);
  return { text: render(stored, kind), created: false };
}

function hasFinalizers(namespace: JsonObject): boolean {
  const list = isObject(namespace.spec) ? namespace.spec.finalizers : undefined;
  return Array.isArray(list) && list.length > 0;
}

function inOrder(object: JsonObject, kind: { kind: string; apiVersion: string }): JsonObject {
  return { kind: kind.kind, apiVersion: kind.apiVersion, ...object };
}

/** Fields of metadata that only the server writes. */
function keepIdentity(write: Write, next: JsonObject, old: JsonObject): void {
  const { kind, namespace, name } = write;
  if (next.uid !== undefined && next.uid !== old.uid) {
    const key = `/registry/${kind.custom ? `${kind.group}/` : ''}${kind.resource}/${kind.namespaced ? `${namespace}/` : ''}${name}`;
    const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${String(next.uid)}, UID in object meta: ${String(old.uid)}`;
    throw conflict(kind, name, why);
  }
  const copy = (field: string) => {
    const value = old[field];
    if (value === undefined) delete next[field];
    else next[field] = value;
  };
  for (const field of [
    'name',
    'namespace',
    'generateName',
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'selfLink',
  ]) {
    copy(field);
  }
}

/** An update that changes nothing but the times in managedFields changes nothing. */
function keepTimes(next: JsonObject, old: JsonObject): void {
  const after = decodeManaged(managedFieldsOf(next));
  const before = managedFieldsOf(old);
  const timeless = (entries: Json | undefined) => {
    const decoded = decodeManaged(entries);
    return decoded && (encodeManaged({ ...decoded, times: new Map() }) as Json);
  };
  if (!after || !equal(timeless(managedFieldsOf(next)), timeless(before))) return;
  if (!equal(withoutManagedFields(next), withoutManagedFields(old))) return;
  metadataOf(next).managedFields = clone(before ?? null);
  if (before === undefined) delete metadataOf(next).managedFields;
}

const NAMESPACE = builtInKind('v1', 'Namespace');

function requireNamespace({ cluster, kind, namespace }: Write, name: string): void {
  const found = cluster.store.get(NAMESPACE, '', namespace);
  if (!found) throw notFound(NAMESPACE, namespace);
  if (stringAt(JSON.parse(found.metadata) as JsonObject, 'deletionTimestamp') === undefined) return;
  throw forbidden(
    kind,
    name,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

/** The name and namespace an object says must be those of the request; what it leaves out is filled in. */
export function matchRequest(write: Write, object: JsonObject): void {
  const { kind, namespace, name } = write;
  const metadata = metadataOf(object);
  const said = metadata.namespace;
  if (kind.namespaced) {
    if (said !== undefined && said !== '' && said !== namespace) {
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    }
    metadata.namespace = namespace;
  } else if (said !== undefined && said !== '') {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const own = metadata.name;
  if (own === undefined || own === '') metadata.name = name;
  else if (own !== name) {
    throw badRequest(`the name of the object (${String(own)}) does not match the name on the URL (${name})`);
  }
}
