import { canonicalJson } from '#proto/canonical.ts';
import { inventoryId } from '#proto/inventory.ts';
import type { Action } from '#proto/messages.ts';
import { type KubeObject, objectId } from '../core/object.ts';
import { staleEntries } from '../core/plan.ts';
import { isNotFound, KubeError, neverSent } from '../kube/errors.ts';
import type { Context } from './context.ts';
import type { Engaged } from './engage.ts';
import type { PlacementState } from './placement-state.ts';
import { eachOf } from './pool.ts';
import { errorOf, type Tracked, target } from './tracked.ts';
import { payloadOf } from './writer.ts';

const WIDTH = 8;

/**
 * Dry-runs everything that would be written. Under `observe` the results say what would become of each object; before an atomic apply
 * a failure is the result of every object. An object whose namespace or kind comes with the same set counts as created.
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
  const would = new Map<string, Action>(engaged.waiting.map((object) => [objectId(object), 'created']));
  await eachOf(state.objects.values(), WIDTH, async (tracked) => {
    signal.throwIfAborted();
    if (tracked.applied?.hash === tracked.hash) {
      would.set(tracked.id, 'unchanged');
      return;
    }
    try {
      would.set(tracked.id, await rehearseOne(context, state, tracked, signal));
    } catch (error) {
      if (!(error instanceof KubeError) || neverSent(error)) throw error;
      const comes = isNotFound(error) && namespaces.has(tracked.object.metadata.namespace ?? '');
      if (comes) would.set(tracked.id, 'created');
      else state.failOne(tracked.id, errorOf(error));
    }
  });
  const clean = !state.hasFailed;
  if (state.policy.observe) {
    for (const [id, action] of would) state.results.set(id, { id, action });
    for (const entry of staleEntries(context.book.entries(state.name), state.wants))
      state.results.set(inventoryId(entry), { id: inventoryId(entry), action: 'pruned' });
  } else if (!clean) for (const id of would.keys()) state.results.set(id, { id, action: 'skipped' });
  return clean;
}

async function rehearseOne(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  signal: AbortSignal,
): Promise<Action> {
  const live = await context.kube.get(target(tracked), signal);
  const payload = payloadOf(tracked, live?.metadata, state.rules);
  const { object } = await context.kube.apply(target(tracked), payload, signal, { dryRun: true });
  if (!live) return 'created';
  return contentOf(object) === contentOf(live) ? 'unchanged' : 'configured';
}

/** Everything but what every write moves. */
function contentOf(object: KubeObject): string {
  const { managedFields: _, resourceVersion: __, generation: ___, ...metadata } = object.metadata;
  return canonicalJson({ ...object, metadata });
}
