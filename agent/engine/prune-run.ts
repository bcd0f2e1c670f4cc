import { type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import { joinApiVersion, type KubeObject, type ObjectMeta } from '../core/object.ts';
import { phasesOf } from '../core/phases.ts';
import { guardPrune, type Held, type PruneStep, pruneStep, staleEntries } from '../core/plan.ts';
import { outOfReach } from '../core/reach.ts';
import type { Target } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';
import { isConflict, KubeError, neverSent } from '../kube/errors.ts';
import type { Context } from './context.ts';
import { metaOf } from './live.ts';
import type { PlacementState } from './placement-state.ts';
import { eachOf } from './pool.ts';
import { errorOf } from './tracked.ts';

const WIDTH = 8;
/** Objects whose status is written many times a second move between look and deletion. */
const TRIES = 5;
/** Approves every deletion: `decommission: prune` is its own approval. */
export const APPROVE_ALL = '*';

/**
 * Deletes what the inventory names and the placement no longer wants, the reverse of an apply. Sets `state.held` when the set must be
 * approved. Returns the ids that leave the inventory; a rejected delete stays in it and is tried again.
 */
export async function pruneStale(
  context: Context,
  state: PlacementState,
  goesOn: boolean,
  signal: AbortSignal,
): Promise<Set<string>> {
  const { deletions, gone, handing } = await planPrune(context, state, signal);
  state.handing = handing;
  state.held = heldOf(context, state, deletions, goesOn);
  if (state.held) return gone;
  const ranked = deletions.map((step) => ({ ...rankOf(step.entry), step }));
  for (const { objects } of phasesOf(ranked).reverse())
    await eachOf(objects.reverse(), WIDTH, ({ step }) => deleteOne(context, state, step, gone, signal));
  return gone;
}

/** What of these deletions must be approved first. */
export function heldOf(
  context: Context,
  { name, policy }: PlacementState,
  deletions: readonly Deletion[],
  goesOn: boolean,
): Held | undefined {
  const approved = new Set(policy.approvals);
  if (approved.has(APPROVE_ALL)) return undefined;
  const entries = deletions.map(({ entry }) => entry);
  // What is about to be written counts too: a dry run has not written it ahead.
  const wanted = new Set(context.wants.of(name));
  const all = new Set([...context.book.entries(name).map(inventoryId), ...wanted]);
  return guardPrune(entries, all.size, { maxPrune: policy.maxPrune, approved, goesOn, wanted });
}

/** What would be deleted, what leaves the inventory without that, and what is being handed over. Nothing is written. */
export async function planPrune(
  context: Context,
  state: PlacementState,
  signal: AbortSignal,
): Promise<{ deletions: Deletion[]; gone: Set<string>; handing: Map<string, string> }> {
  const gone = new Set<string>();
  const handing = new Map<string, string>();
  const deletions: Deletion[] = [];
  for (const entry of staleEntries(context.book.entries(state.name), context.wants.of(state.name))) {
    const resource = await resourceOf(context, entry, signal);
    // An agent whose namespaces were narrowed: neither looked at nor deleted, and not forgotten either.
    const refusal = resource && outOfReach(rankOf(entry), resource.namespaced, context.kube.namespaces);
    if (refusal !== undefined) {
      state.failOne(inventoryId(entry), { code: 'kube-forbidden', message: refusal });
      continue;
    }
    const live = resource && (await liveOfEntry(context, resource, entry, signal));
    const step = decide(context, state, entry, live);
    if (step.type === 'delete' && resource) deletions.push({ ...step, resource });
    else if (step.type === 'keep') handing.set(step.id, step.heir);
    else {
      gone.add(step.id);
      noteLeft(state, step);
    }
  }
  return { deletions, gone, handing };
}

/** What stays behind without an owner is told: nobody looks after it any more. */
function noteLeft(state: PlacementState, step: PruneStep): void {
  if (step.type === 'leave' && step.stays)
    state.results.set(step.id, { id: step.id, action: 'skipped', left: step.why });
}

const rankOf = (entry: InventoryEntry): Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'> => ({
  apiVersion: joinApiVersion(entry.group, entry.version),
  kind: entry.kind,
  metadata: { name: entry.name, namespace: entry.namespace },
});

type Deletion = Extract<PruneStep, { type: 'delete' }> & { resource: Resource };

function decide(
  context: Context,
  state: PlacementState,
  entry: InventoryEntry,
  live: ObjectMeta | undefined,
): PruneStep {
  return pruneStep(state.name, entry, live, context.wants, state.policy.prune);
}

/** What was decided on is what is deleted: an object that has moved since is looked at again. */
async function deleteOne(
  context: Context,
  state: PlacementState,
  deletion: Deletion,
  gone: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const { id, entry, resource } = deletion;
  const target = targetOfEntry(resource, entry);
  let step: PruneStep = deletion;
  try {
    for (let attempt = 1; step.type === 'delete'; attempt++) {
      signal.throwIfAborted();
      const { uid, resourceVersion } = step;
      // What keeps moving is deleted by its uid alone in the end; a label or pause in that instant comes too late.
      const preconditions = attempt < TRIES ? { uid, resourceVersion } : { uid };
      try {
        await state.kube.remove(target, preconditions, signal);
        break;
      } catch (error) {
        if (!isConflict(error) || attempt >= TRIES) throw error;
      }
      const now = await context.kube.get(target, signal, { metadata: true });
      step = decide(context, state, entry, now?.metadata);
    }
    if (step.type === 'keep') return;
    gone.add(id);
    if (step.type === 'leave') return noteLeft(state, step);
    state.results.set(id, { id, action: 'pruned' });
    if (entry.kind === 'CustomResourceDefinition') context.kube.discovery.forget();
    await context.marker('pruned');
  } catch (error) {
    if (!(error instanceof KubeError) || neverSent(error)) throw error;
    state.failOne(id, errorOf(error));
  }
}

const targetOfEntry = (resource: Resource, { namespace, name }: InventoryEntry): Target => ({
  resource,
  name,
  ...(resource.namespaced && { namespace }),
});

/** Undefined: the kind is gone, and its objects with it. */
async function resourceOf(
  context: Context,
  { group, version, kind }: InventoryEntry,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  try {
    return await context.kube.discovery.anyVersion(group, version, kind, signal);
  } catch (error) {
    if (error instanceof KubeError && error.code === 'kube-kind-unknown') return undefined;
    throw error;
  }
}

/** From what the watch has told; asked where it has told nothing: a watch that lags must not make an orphan. */
async function liveOfEntry(
  context: Context,
  resource: Resource,
  entry: InventoryEntry,
  signal: AbortSignal,
): Promise<ObjectMeta | undefined> {
  const known = context.index.get(inventoryId(entry));
  if (known) return metaOf(known);
  return (await context.kube.get(targetOfEntry(resource, entry), signal, { metadata: true }))?.metadata;
}

/**
 * Writes what became of everything into the inventory, in one batch; nothing where nothing changed. What only says of an intended
 * entry that it was applied has time: should the process end before, the apply is done once more. Where drift is only reported that
 * would overwrite evidence, so that there it is written now.
 */
export async function finalise(
  context: Context,
  state: PlacementState,
  gone: ReadonlySet<string>,
): Promise<void> {
  if (gone.size === 0) return state.corrects ? undefined : flush(context, state.name, context.life);
  const left = (held: readonly InventoryEntry[]) => held.filter((entry) => !gone.has(inventoryId(entry)));
  if (await context.book.update(state.name, left, context.life)) await context.marker('inventory-finalised');
}

/** Writes what is only noted of a placement. */
export async function flush(context: Context, placement: string, signal: AbortSignal): Promise<void> {
  if (await context.book.flush(placement, signal)) await context.marker('inventory-finalised');
}
