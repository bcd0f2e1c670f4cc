import { pause } from '#process/wait.ts';
import { type KubeObject, splitApiVersion } from '../core/object.ts';
import { definedIn, scoped } from '../core/prepare.ts';
import { outOfReach } from '../core/reach.ts';
import type { Resource } from '../kube/discovery.ts';
import { KubeError } from '../kube/errors.ts';
import type { Kube } from './ports.ts';
import type { ObjectError } from './tracked.ts';

export type Located = {
  ready: { object: KubeObject; resource: Resource }[];
  /** Their kind is defined by a CRD of the same set and is not served yet. */
  waiting: KubeObject[];
  refused: { object: KubeObject; error: ObjectError }[];
};

/**
 * Where each object is served; namespaces that do not fit the scope of the kind are dropped or refused. A kind that nobody knows
 * refuses its object alone, and so does a place that is out of reach.
 * @throws KubeError when the API server cannot be asked
 */
export async function locate(
  kube: Kube,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<Located> {
  const located: Located = { ready: [], waiting: [], refused: [] };
  const refuse = (object: KubeObject, error: ObjectError) => located.refused.push({ object, error });
  for (const object of objects) {
    const { group } = splitApiVersion(object.apiVersion);
    const resource = await resourceOf(kube, object, signal);
    const defined = resource instanceof KubeError ? definedIn(objects, group, object.kind) : undefined;
    if (resource instanceof KubeError && !defined) {
      refuse(object, { code: resource.code, message: resource.message });
      continue;
    }
    const namespaced = resource instanceof KubeError ? defined!.namespaced : resource.namespaced;
    const placed = scoped(object, namespaced);
    if ('problem' in placed) {
      refuse(object, { code: 'kube-rejected', message: placed.problem as string });
      continue;
    }
    const outside = outOfReach(placed as KubeObject, namespaced, kube.namespaces);
    if (outside) refuse(placed as KubeObject, { code: 'kube-forbidden', message: outside });
    else if (resource instanceof KubeError) located.waiting.push(placed as KubeObject);
    else located.ready.push({ object: placed as KubeObject, resource });
  }
  return located;
}

async function resourceOf(
  kube: Kube,
  { apiVersion, kind }: KubeObject,
  signal: AbortSignal,
): Promise<Resource | KubeError> {
  try {
    return await kube.discovery.resource(apiVersion, kind, signal);
  } catch (error) {
    if (error instanceof KubeError && error.code === 'kube-kind-unknown') return error;
    throw error;
  }
}

/** ms in which an established kind shows up in discovery. */
const SERVED_WITHIN = 10_000;

/** The resource of a kind whose CRD has just been established. @throws KubeError kube-kind-unknown when it does not show up */
export async function awaitServed(
  kube: Kube,
  object: KubeObject,
  now: () => number,
  signal: AbortSignal,
): Promise<Resource> {
  const until = now() + SERVED_WITHIN;
  for (;;) {
    signal.throwIfAborted();
    kube.discovery.forget(splitApiVersion(object.apiVersion).group);
    const found = await resourceOf(kube, object, signal);
    if (!(found instanceof KubeError)) return found;
    if (now() >= until) throw found;
    await pause(150, signal);
  }
}
