import type { Cluster } from '../cluster.ts';
import type { JsonObject } from '../json.ts';
import { clone, isObject, objectAt, objectsAt } from '../json.ts';
import { kindsOf } from '../kinds/kind-table.ts';
import { builtInKind } from '../kinds/kinds.ts';
import { child } from '../kinds/pod-defaults.ts';
import type { Stored } from '../store.ts';
import { unpack } from '../store.ts';
import type { ControllerHost } from './host.ts';
import { updateAs } from './writes.ts';

const CRD = builtInKind('apiextensions.k8s.io/v1', 'CustomResourceDefinition');

/** Establishes new CRDs after a moment, serves their kinds, and removes the objects of deleted ones. */
export function watchCrds(host: ControllerHost): () => void {
  const { cluster } = host;
  return cluster.store.subscribe(CRD, ({ type, object }) => {
    if (type === 'DELETED') {
      for (const kind of cluster.kinds.remove(object.name)) cluster.store.drop(kind);
    } else if (object.metadata.includes('"deletionTimestamp"')) {
      host.later(`crd/${object.name}`, 0, () => finish(cluster, object.name));
    } else if (type === 'ADDED') {
      host.later(`crd/${object.name}`, cluster.options.crdDelay, () => establish(cluster, object.name));
    } else if (isEstablished(object)) {
      cluster.kinds.establish(unpack(object, CRD));
    }
  });
}

function isEstablished(stored: Stored): boolean {
  return conditionsOf(unpack(stored, CRD)).some(
    (condition) => condition.type === 'Established' && condition.status === 'True',
  );
}

function conditionsOf(crd: JsonObject): JsonObject[] {
  return objectsAt(crd, 'status', 'conditions');
}

function establish(cluster: Cluster, name: string): void {
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: 'True',
    lastTransitionTime: cluster.timestamp(),
    reason,
    message,
  });
  const change = (crd: JsonObject) => {
    const status = child(crd, 'status');
    status.acceptedNames = clone(objectAt(crd, 'spec', 'names') ?? {});
    status.conditions = [
      condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ];
  };
  updateAs(cluster, CRD, '', name, 'status', change, 'kube-apiserver');
}

/** Deletes the objects of a CRD that is being deleted; it goes with the last of them. */
function finish(cluster: Cluster, name: string): void {
  const stored = cluster.store.get(CRD, '', name);
  if (!stored) return;
  const crd = unpack(stored, CRD);
  for (const kind of kindsOf(crd).slice(0, 1)) {
    for (const object of cluster.store.list(kind, '')) cluster.store.delete(kind, unpack(object, kind));
  }
  const metadata = crd.metadata;
  if (isObject(metadata)) delete metadata.finalizers;
  cluster.store.delete(CRD, crd);
}
