import { computeHealth } from '../core/health.ts';
import { current, type Health, unassessed } from '../core/health-words.ts';
import { COMPLETED, mayVanish } from '../core/jobs.ts';
import { type KubeObject, textAt } from '../core/object.ts';
import { objectPolicy } from '../core/object-policy.ts';
import { explainByEvents, explainByPods, podSelector, tellsByEvents } from '../core/pods.ts';
import type { Resource } from '../kube/discovery.ts';
import { KubeError } from '../kube/errors.ts';
import type { PlacementState } from './placement-state.ts';
import type { Kube } from './ports.ts';
import type { Tracked } from './tracked.ts';

const PODS: Resource = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
const EVENTS: Resource = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
const STORAGE_CLASS: Resource = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
};
/** A few pods tell why a workload does not come up; a thousand tell nothing more. */
const MOST_PODS = 20;
const MOST_EVENTS = 20;

/**
 * Health of a live object. Where it has FAILED, or `askWhy` says so, what stands behind it is asked why (pods of a workload, events);
 * a claim that is not bound always is. What may not be read is left out of the reason.
 */
export async function healthOf(
  kube: Kube,
  live: KubeObject,
  { askWhy, ...options }: { requireAddress: boolean; now: number; askWhy: boolean },
  signal: AbortSignal,
): Promise<Health> {
  const health = computeHealth(live, options);
  if (health.health === 'CURRENT' || health.health === 'TERMINATING') return health;
  try {
    if (live.kind === 'PersistentVolumeClaim') {
      const claim = computeHealth(live, { bindingMode: await bindingMode(kube, live, signal) });
      return claim.health === 'CURRENT' ? claim : withEvents(kube, live, claim, 0, signal);
    }
    if (health.health !== 'FAILED' && (!askWhy || health.unseen)) return health;
    const labelSelector = podSelector(live);
    const { namespace } = live.metadata;
    if (labelSelector === undefined || namespace === undefined) return health;
    const pods = await kube.list(PODS, { namespace, labelSelector, most: MOST_PODS }, signal);
    const explained = explainByPods(live, health, pods);
    return explained === health ? await withEvents(kube, live, health, pods.length, signal) : explained;
  } catch (error) {
    if (error instanceof KubeError) return health;
    throw error;
  }
}

async function withEvents(
  kube: Kube,
  live: KubeObject,
  health: Health,
  pods: number,
  signal: AbortSignal,
): Promise<Health> {
  if (!tellsByEvents(live, pods)) return health;
  const { namespace = '', uid } = live.metadata;
  const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
  return explainByEvents(
    health,
    await kube.list(EVENTS, { namespace, fieldSelector, most: MOST_EVENTS }, signal),
  );
}

async function bindingMode(kube: Kube, claim: KubeObject, signal: AbortSignal): Promise<string | undefined> {
  const name = textAt(claim, 'spec', 'storageClassName');
  if (!name) return undefined;
  return textAt(await kube.get({ resource: STORAGE_CLASS, name }, signal), 'volumeBindingMode');
}

/**
 * A Job that completed and whose TTL removed it is as wanted, and so is what is left to others. What would be created, but is only
 * observed, is not missed; nothing else that is not there is well.
 */
export function healthOfAbsent(
  { id, object, finished, hash }: Tracked,
  { policy, results }: Pick<PlacementState, 'policy' | 'results'>,
): Health {
  if (finished === hash) return current('completed, and removed by its TTL');
  if (objectPolicy(object.metadata).apply === 'ignore')
    return { ...unassessed(), reason: 'it does not exist, and is left to others' };
  if (policy.observe && results.get(id)?.action === 'created')
    return {
      health: 'UNKNOWN',
      reason: 'it does not exist yet, and nothing is written here',
      assessed: false,
    };
  return { health: 'NOT_FOUND', reason: 'it does not exist', assessed: true };
}

/**
 * Whether an absent object is a Job of this content that has done its work. Where nobody saw it complete (a TTL of nothing), its
 * event tells; what may not be read says no.
 */
export async function hasRun(kube: Kube, tracked: Tracked, signal: AbortSignal): Promise<boolean> {
  const { object, applied, finished, hash } = tracked;
  if (!mayVanish(object) || applied?.hash !== hash) return false;
  if (finished === hash) return true;
  const fieldSelector = `involvedObject.uid=${applied.uid},reason=${COMPLETED}`;
  const { namespace = '' } = object.metadata;
  try {
    return (await kube.list(EVENTS, { namespace, fieldSelector, most: 1 }, signal)).length > 0;
  } catch (error) {
    if (error instanceof KubeError) return false;
    throw error;
  }
}
