import type { ServiceAccount } from '#proto/documents/placement.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';

/**
 * The client of a placement: what it writes and rehearses is done as the service account that its policy names, what it reads as the
 * agent. Accounts in the agent's own namespace are not for placements: they could write the agent's memory of all the others.
 */
export function actingFor(
  kube: KubeClient,
  account: ServiceAccount | undefined,
  ownNamespace: string | undefined,
): KubeClient {
  if (!account) return kube;
  if (account.namespace !== ownNamespace) return kube.actingAs(account);
  const message = `service account ${account.namespace}/${account.name} is in the namespace of the agent itself; no placement may act as it`;
  return kube.refusing(new KubeError('kube-forbidden', message, { status: 403, reason: 'Forbidden' }));
}
