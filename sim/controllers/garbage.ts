import type { JsonObject } from '../json.ts';
import { objectsAt, stringAt } from '../json.ts';
import { builtInKind } from '../kinds/kinds.ts';
import type { Stored } from '../store.ts';
import { unpack } from '../store.ts';
import type { ControllerHost } from './host.ts';
import { updateAs } from './writes.ts';

const CLAIM = builtInKind('v1', 'PersistentVolumeClaim');

/**
 * Cascading deletion: removes objects whose owner is gone, and takes the finalizers `foregroundDeletion`, `orphan` and
 * `kubernetes.io/pvc-protection` off objects that are being deleted.
 */
export function watchOwners(host: ControllerHost): () => void {
  const { cluster } = host;
  return cluster.store.subscribe(undefined, ({ type, resource, object }) => {
    if (type === 'DELETED') {
      host.later(`owner/${object.uid}`, 0, () => removeDependents(host, object.uid));
    } else if (object.metadata.includes('"deletionTimestamp"') && object.metadata.includes('"finalizers"')) {
      host.later(`finalizers/${object.uid}`, 0, () => release(host, resource, object));
    }
  });
}

function* dependentsOf(host: ControllerHost, uid: string) {
  const { cluster } = host;
  for (const kind of cluster.kinds.stored()) {
    for (const stored of cluster.store.list(kind, '')) {
      if (!stored.metadata.includes('"ownerReferences"') || !stored.metadata.includes(uid)) continue;
      const owners = objectsAt(JSON.parse(stored.metadata) as JsonObject, 'ownerReferences');
      if (owners.some((owner) => owner.uid === uid)) yield { kind, stored, owners };
    }
  }
}

function removeDependents(host: ControllerHost, uid: string): void {
  const { cluster } = host;
  const gone = (owner: JsonObject) =>
    ![...cluster.kinds.stored()].some((kind) =>
      cluster.store.list(kind, '').some((stored) => stored.uid === owner.uid),
    );
  for (const { kind, stored, owners } of [...dependentsOf(host, uid)]) {
    if (!owners.every(gone) || stored.metadata.includes('"finalizers"')) continue;
    cluster.store.delete(kind, unpack(stored, kind));
  }
}

function release(host: ControllerHost, resource: string, { namespace, name, uid }: Stored): void {
  const { cluster } = host;
  const kind = [...cluster.kinds.stored()].find((k) => `${k.group}/${k.resource}` === resource);
  if (!kind) return;
  const stored = cluster.store.get(kind, namespace, name);
  const finalizers = stored ? JSON.parse(stored.metadata).finalizers : undefined;
  if (!Array.isArray(finalizers)) return;
  const done = new Set<unknown>();
  if (finalizers.includes('foregroundDeletion')) {
    for (const { kind: other, stored: dependent } of [...dependentsOf(host, uid)]) {
      if (!dependent.metadata.includes('"finalizers"')) cluster.store.delete(other, unpack(dependent, other));
    }
    done.add('foregroundDeletion');
  }
  if (finalizers.includes('orphan')) {
    for (const { kind: other, stored: dependent } of [...dependentsOf(host, uid)]) {
      updateAs(cluster, other, dependent.namespace, dependent.name, undefined, (object) =>
        disown(object, uid),
      );
    }
    done.add('orphan');
  }
  if (kind === CLAIM) done.add('kubernetes.io/pvc-protection');
  if (!finalizers.some((finalizer) => done.has(finalizer))) return;
  updateAs(cluster, kind, namespace, name, undefined, (object) => {
    const metadata = object.metadata as JsonObject;
    metadata.finalizers = finalizers.filter((finalizer) => !done.has(finalizer));
  });
}

function disown(object: JsonObject, uid: string): void {
  const metadata = object.metadata as JsonObject;
  metadata.ownerReferences = objectsAt(object, 'metadata', 'ownerReferences').filter(
    (owner) => stringAt(owner, 'uid') !== uid,
  );
}
