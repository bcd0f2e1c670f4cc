import { canonicalJson } from '#proto/canonical.ts';
import type { Action } from '#proto/messages.ts';
import { isFirstContact } from '../core/baseline.ts';
import { hashFields } from '../core/fieldset.ts';
import { ourFields } from '../core/managed-fields.ts';
import { isRecord, type KubeObject, objectId, splitApiVersion } from '../core/object.ts';
import { isPaused, objectPolicy } from '../core/object-policy.ts';
import { isNotFound, isSchemaGap, KubeError, neverSent } from '../kube/errors.ts';
import type { Context } from './context.ts';
import type { Engaged } from './engage.ts';
import { healthOfAbsent } from './health-look.ts';
import { noteHealth } from './observe.ts';
import type { PlacementState } from './placement-state.ts';
import { eachOf } from './pool.ts';
import { heldOf, planPrune } from './prune-run.ts';
import { wouldRecreate } from './recreate.ts';
import { errorOf, type Tracked, target } from './tracked.ts';
import { ownershipChange, payloadOf } from './writer.ts';

const WIDTH = 8;

/**
 * Dry-runs everything that would be written. Under `observe` the results say what would become of each object; before an atomic apply
 * a failure is the result of every object. An object whose namespace, kind or role comes with the same set counts as created.
 * Returns whether nothing was refused.
 */
export async function rehearse(
  context: Context,
  state: PlacementState,
  engaged: Engaged,
  signal: AbortSignal,
): Promise<boolean> {
  const namespaces = new Set(
    engaged.objects
      .filter(({ kind, apiVersion }) => kind === 'Namespace' && apiVersion === 'v1')
      .map(({ metadata }) => metadata.name),
  );
  const roles = new Set(engaged.objects.filter(isRole).map(objectId));
  const would = new Map<string, Action>(engaged.waiting.map((object) => [objectId(object), 'created']));
  await eachOf(state.objects.values(), WIDTH, async (tracked) => {
    signal.throwIfAborted();
    if (tracked.applied?.hash === tracked.hash) {
      // It was taken for applied just now, and a pass that may write would own more of it.
      const owns = state.results.get(tracked.id)?.action === 'configured';
      would.set(tracked.id, owns ? 'configured' : 'unchanged');
      return;
    }
    try {
      would.set(tracked.id, await rehearseOne(context, state, tracked, signal));
    } catch (error) {
      if (!(error instanceof KubeError) || neverSent(error)) throw error;
      const { object } = tracked;
      const comes =
        isNotFound(error) &&
        (namespaces.has(object.metadata.namespace ?? '') || roles.has(roleOf(object) ?? ''));
      if (comes) would.set(tracked.id, 'created');
      else state.failOne(tracked.id, errorOf(error));
    }
  });
  const clean = !state.hasFailed;
  if (state.policy.observe) {
    for (const [id, action] of would) {
      const tracked = state.objects.get(id);
      const { takenFrom = [], recreated = false } = tracked ?? {};
      state.results.set(id, { id, action, takenFrom, ...(recreated && { recreated }) });
      if (tracked && action === 'created' && !recreated)
        noteHealth(context, tracked, healthOfAbsent(tracked, state));
    }
    const { deletions } = await planPrune(context, state, signal);
    for (const { id } of deletions) state.results.set(id, { id, action: 'pruned' });
    state.wouldHold = heldOf(context, state, deletions, true);
  } else if (!clean) for (const id of would.keys()) state.results.set(id, { id, action: 'skipped' });
  return clean;
}

async function rehearseOne(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  signal: AbortSignal,
): Promise<Action> {
  const { kube } = state;
  const { book } = context;
  const live = await kube.get(target(tracked), signal);
  tracked.recreated = false;
  const policy = objectPolicy(tracked.object.metadata);
  if (policy.apply === 'ignore' || isPaused(tracked.object, live?.metadata)) return 'skipped';
  if (policy.apply === 'if-not-present' && live) return 'skipped';
  const first = isFirstContact(book.of(state.name).get(tracked.id), live?.metadata);
  const change = live && ownershipChange(tracked, live.metadata.managedFields, { ...state.policy, first });
  tracked.takenFrom = change?.takenFrom ?? [];
  const payload = payloadOf(tracked, change ?? live?.metadata, state.rules);
  try {
    const { object } = await kube.apply(target(tracked), payload, signal, { dryRun: true });
    if (!live) return 'created';
    return change === undefined && isSame(object, live) ? 'unchanged' : 'configured';
  } catch (error) {
    // What can only be said once managedFields have been migrated.
    if (live && isSchemaGap(error) && change) return 'configured';
    tracked.recreated = await wouldRecreate(kube, tracked, error, signal);
    if (tracked.recreated) return 'created';
    throw error;
  }
}

const RBAC = 'rbac.authorization.k8s.io';
const isRole = ({ apiVersion, kind }: KubeObject): boolean =>
  splitApiVersion(apiVersion).group === RBAC && (kind === 'Role' || kind === 'ClusterRole');

/** Id of the role that a binding names. */
function roleOf({ apiVersion, metadata, roleRef }: KubeObject): string | undefined {
  if (splitApiVersion(apiVersion).group !== RBAC || !isRecord(roleRef)) return undefined;
  const { kind, name } = roleRef;
  return `${RBAC}/${kind}/${kind === 'Role' ? metadata.namespace : ''}/${name}`;
}

/** Nothing would be written: the content is the same, and what we own of it. A dry run moves no resourceVersion that could say so. */
function isSame(would: KubeObject, live: KubeObject): boolean {
  if (contentOf(would) !== contentOf(live)) return false;
  const [after, before] = [would, live].map(({ metadata }) => ourFields(metadata.managedFields));
  return after !== undefined && before !== undefined && hashFields(after) === hashFields(before);
}

/** Everything but what every write moves. */
function contentOf(object: KubeObject): string {
  const { managedFields: _, resourceVersion: __, generation: ___, ...metadata } = object.metadata;
  return canonicalJson({ ...object, metadata });
}
