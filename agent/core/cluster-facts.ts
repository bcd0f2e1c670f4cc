import type { ClusterFacts } from '#proto/messages.ts';
import { listAt, numberAt, textAt } from './object.ts';

const DISTRIBUTIONS: readonly [RegExp, string][] = [
  [/\+k3s/, 'k3s'],
  [/\+rke2/, 'rke2'],
  [/-gke\./, 'gke'],
  [/-eks-/, 'eks'],
  [/\+k0s/, 'k0s'],
  [/\+vmware/, 'tanzu'],
];

/** What a hello says about the cluster, from `/version`, the first page of nodes and the namespace kube-system. Absent is unknown. */
export function clusterFacts(version: unknown, nodes: unknown, kubeSystem: unknown): ClusterFacts {
  const gitVersion = textAt(version, 'gitVersion');
  const distribution = DISTRIBUTIONS.find(([mark]) => mark.test(gitVersion ?? ''))?.[1];
  const [first] = listAt(nodes, 'items');
  const provider = textAt(first, 'spec', 'providerID')?.split('://')[0];
  const uid = textAt(kubeSystem, 'metadata', 'uid');
  const nodeCount = listAt(nodes, 'items').length + (numberAt(nodes, 'metadata', 'remainingItemCount') ?? 0);
  return {
    ...(gitVersion && { kubernetesVersion: gitVersion }),
    ...(distribution && { distribution }),
    ...(provider && { provider }),
    ...(nodes !== undefined && { nodeCount }),
    ...(uid && { uid }),
  };
}
