import type { Cluster } from '../cluster.ts';
import { objectAt } from '../json.ts';
import { builtInKind } from '../kinds/kinds.ts';
import { child } from '../kinds/pod-defaults.ts';
import { unpack } from '../store.ts';
import { deleteObject } from '../write/delete.ts';
import type { ControllerHost } from './host.ts';
import { createAs, MANAGER } from './writes.ts';

const NAMESPACE = builtInKind('v1', 'Namespace');
const SERVICE_ACCOUNT = builtInKind('v1', 'ServiceAccount');
const FIRST = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** The namespaces a new cluster has. */
export function createNamespaces(cluster: Cluster): void {
  for (const name of FIRST) {
    createAs(
      cluster,
      NAMESPACE,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      'kube-apiserver',
    );
  }
}

/** Gives every namespace its default ServiceAccount, and empties and removes those that are being deleted. */
export function watchNamespaces(host: ControllerHost): () => void {
  const { cluster } = host;
  return cluster.store.subscribe(undefined, ({ type, resource, object }) => {
    const isNamespace = resource === '/namespaces';
    const name = isNamespace ? object.name : object.namespace;
    if (isNamespace && type === 'ADDED') {
      host.later(`namespace/account/${name}`, 0, () => createAccount(cluster, name));
    }
    const wasRemoved = type === 'DELETED' && !isNamespace && name !== '';
    const isMarked = isNamespace && type === 'MODIFIED' && object.metadata.includes('"deletionTimestamp"');
    if (wasRemoved || isMarked) host.later(`namespace/end/${name}`, 0, () => finish(cluster, name));
  });
}

function createAccount(cluster: Cluster, namespace: string): void {
  const found = cluster.store.get(NAMESPACE, '', namespace);
  if (!found || found.metadata.includes('"deletionTimestamp"')) return;
  if (cluster.store.get(SERVICE_ACCOUNT, namespace, 'default')) return;
  const metadata = { name: 'default', namespace };
  createAs(cluster, SERVICE_ACCOUNT, { apiVersion: 'v1', kind: 'ServiceAccount', metadata }, MANAGER);
}

/** Deletes what is left in a namespace that is being deleted, and then the namespace. */
function finish(cluster: Cluster, name: string): void {
  const stored = cluster.store.get(NAMESPACE, '', name);
  if (!stored?.metadata.includes('"deletionTimestamp"')) return;
  let left = 0;
  for (const kind of cluster.kinds.stored()) {
    if (!kind.namespaced) continue;
    for (const object of cluster.store.list(kind, name)) {
      if (!object.metadata.includes('"deletionTimestamp"')) remove(cluster, kind, object.name, name);
      if (cluster.store.get(kind, name, object.name)) left++;
    }
  }
  if (left > 0) return;
  const namespace = unpack(stored, NAMESPACE);
  const finalizers = objectAt(namespace, 'metadata')?.finalizers;
  child(namespace, 'spec').finalizers = [];
  if (Array.isArray(finalizers) && finalizers.length > 0) cluster.store.put(NAMESPACE, namespace);
  else cluster.store.delete(NAMESPACE, namespace);
}

function remove(
  cluster: Cluster,
  kind: Parameters<typeof deleteObject>[0]['kind'],
  name: string,
  namespace: string,
): void {
  deleteObject(
    {
      cluster,
      kind,
      namespace,
      name,
      subresource: undefined,
      manager: MANAGER,
      dryRun: false,
      validation: 'Ignore',
      warnings: [],
    },
    { propagation: 'Background', uid: undefined, resourceVersion: undefined, dryRun: false },
  );
}
