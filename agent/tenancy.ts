import type { Policy } from '#proto/assignment.ts';
import { checkTenancy, type Scoped } from '#render/tenancy.ts';
import { type KubeObject, splitApiVersion } from './core/object.ts';
import { definedIn } from './core/prepare.ts';
import type { KubeClient } from './kube/client.ts';
import { KubeError } from './kube/errors.ts';

/**
 * Refuses a placement's objects where `allow` of its policy does not permit them; whether a kind is namespaced is asked of the API
 * server, or of a CRD among the objects.
 * @throws FlotillaError tenancy-refused; KubeError
 */
export async function refuseOutside(
  kube: Pick<KubeClient, 'discovery'>,
  placement: string,
  objects: readonly KubeObject[],
  allow: Policy['allow'],
  signal: AbortSignal,
): Promise<void> {
  if (!allow) return;
  const scoped: Scoped[] = [];
  for (const object of objects)
    scoped.push({ object, namespaced: await isNamespaced(kube, object, objects, signal) });
  checkTenancy(placement, scoped, allow);
}

async function isNamespaced(
  kube: Pick<KubeClient, 'discovery'>,
  { apiVersion, kind, metadata }: KubeObject,
  all: readonly KubeObject[],
  signal: AbortSignal,
): Promise<boolean> {
  const defined = definedIn(all, splitApiVersion(apiVersion).group, kind);
  if (defined) return defined.namespaced;
  try {
    return (await kube.discovery.resource(apiVersion, kind, signal)).namespaced;
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 'kube-kind-unknown') throw error;
    // Nobody knows it: the apply will say so, and in which namespace it says it wants to be is all there is to judge.
    return metadata.namespace !== undefined;
  }
}
