import type { ClusterFacts } from '#proto/messages.ts';
import { clusterFacts } from './core/cluster-facts.ts';
import type { KubeClient } from './kube/client.ts';
import { KubeError } from './kube/errors.ts';

/** What can be learned about the cluster with the rights there are; what is forbidden or fails is left out. */
export async function readFacts(kube: KubeClient, signal: AbortSignal): Promise<ClusterFacts> {
  const ask = async (path: string): Promise<unknown> => {
    try {
      return await kube.raw(path, signal);
    } catch (error) {
      if (error instanceof KubeError) return undefined;
      throw error;
    }
  };
  const [version, nodes, kubeSystem] = await Promise.all([
    ask('/version'),
    ask('/api/v1/nodes?limit=1'),
    ask('/api/v1/namespaces/kube-system'),
  ]);
  return clusterFacts(version, nodes, kubeSystem);
}
