import { displayName, type KubeObject } from './object.ts';

/**
 * Why an object is out of the reach of an agent that is confined to `namespaces`, and what would grant it; undefined where it is not,
 * or the agent is not confined. The object has been placed: a cluster-scoped one has no namespace.
 */
export function outOfReach(
  object: KubeObject,
  namespaced: boolean,
  namespaces: readonly string[] | undefined,
): string | undefined {
  if (namespaces === undefined) return undefined;
  const { namespace } = object.metadata;
  const confined = `this agent is confined to ${namespaces.join(', ')} (--namespaces)`;
  if (!namespaced)
    return `${displayName(object)} is cluster-scoped and ${confined}; take it out of the overlay, or grant the agent the cluster (deploy/agent/cluster-admin) and start it without --namespaces`;
  if (namespace !== undefined && namespaces.includes(namespace)) return undefined;
  return `${displayName(object)} is in namespace ${namespace} and ${confined}; grant the agent a Role and a RoleBinding there (deploy/agent/namespaced/rights) and add it to --namespaces`;
}
