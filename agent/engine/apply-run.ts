import type { InventoryEntry } from '#proto/inventory.ts';
import type { ObjectMeta } from '../core/object.ts';
import { type KubeObject, objectId } from '../core/object.ts';
import { phasesOf } from '../core/phases.ts';
import { staleEntries, writeAhead } from '../core/plan.ts';
import type { Resource } from '../kube/discovery.ts';
import { KubeError, neverSent } from '../kube/errors.ts';
import { type BringHow, bring } from './bring.ts';
import type { Context } from './context.ts';
import { awaitDefinitions } from './definitions.ts';
import { type Engaged, engage } from './engage.ts';
import { awaitServed } from './locate.ts';
import type { PlacementState } from './placement-state.ts';
import { eachOf } from './pool.ts';
import type { Assignment } from './ports.ts';
import { finalise, pruneStale } from './prune-run.ts';
import { rehearse } from './rehearsal.ts';
import { errorOf, type ObjectError, setContent, type Tracked, track } from './tracked.ts';

/** Writes so many objects of one placement at a time. */
const WIDTH = 8;

/**
 * One apply of one placement: plan → write ahead → write in phases → prune → finalise; the outcome stands in `state.results`. What
 * fails on one object is collected and the others go on; nothing is pruned then.
 * @throws FlotillaError for what concerns the whole placement; nothing was written then
 */
export async function applyRun(
  context: Context,
  state: PlacementState,
  assignment: Assignment,
  signal: AbortSignal,
): Promise<void> {
  const { hold, observe, atomic } = state.policy;
  // Asked again at every step: a hold or a pause may come in the middle.
  const mayWrite = () => !state.policy.hold && !state.policy.observe;
  const settled = assignment.settled === true;
  // What is new waits until the hold ends; what is in force stays watched over.
  if (hold && !settled && state.objects.size > 0) return;
  const engaged = await engage(context, state, assignment, signal);
  const how: BringHow = {
    settled,
    get mayWrite() {
      return mayWrite();
    },
  };
  state.begin(engaged.objects, engaged.refused);
  takeCharge(context, state, engaged);
  if (how.mayWrite) {
    if (atomic && !(await rehearse(context, state, engaged, signal))) return;
    const ahead = (held: readonly InventoryEntry[]) => writeAhead(held, engaged.objects);
    if (await context.book.update(state.name, ahead, context.life)) await context.marker('inventory-written');
  }
  await writePhases(context, state, engaged, how, signal);
  if (observe) await rehearse(context, state, engaged, signal);
  if (!how.mayWrite) return;
  await context.marker('applied');
  await finalise(context, state, await pruneAfter(context, state, assignment, signal));
}

/** Only what was applied as a whole, beside neighbours that are known, lets go of what was there before. */
async function pruneAfter(
  context: Context,
  state: PlacementState,
  { keepStale = false }: Assignment,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  state.deferred =
    keepStale && staleEntries(context.book.entries(state.name), context.wants.of(state.name)).length > 0;
  if (state.hasFailed || state.deferred) return new Set();
  return pruneStale(context, state, true, signal);
}

/** From here on the new set is in force: what left it is no longer watched over, what another placement had is handed over. */
function takeCharge(context: Context, state: PlacementState, engaged: Engaged): void {
  const wants = context.wants.of(state.name);
  for (const [id, tracked] of state.objects) {
    if (wants.has(id)) continue;
    state.objects.delete(id);
    if (context.owners.get(id) === tracked) context.owners.delete(id);
  }
  for (const { object, resource } of engaged.ready) charge(context, state, object, resource);
}

function charge(context: Context, state: PlacementState, object: KubeObject, resource: Resource): void {
  const id = objectId(object);
  const known = state.objects.get(id);
  if (known) {
    setContent(known, object, resource);
    return;
  }
  const before = context.owners.get(id);
  if (before) context.placements.get(before.placement)?.objects.delete(id);
  const made = track(state.name, object, resource);
  state.objects.set(id, made);
  context.owners.set(id, made);
}

async function writePhases(
  context: Context,
  state: PlacementState,
  engaged: Engaged,
  how: BringHow,
  signal: AbortSignal,
): Promise<void> {
  const waiting = new Set(engaged.waiting.map(objectId));
  const missing = new Map<string, ObjectError>();
  for (const { phase, objects } of phasesOf(engaged.objects)) {
    const ids = objects.map(objectId).filter((id) => !engaged.refused.has(id));
    if (how.mayWrite)
      for (const object of objects)
        if (waiting.has(objectId(object))) await chargeServed(context, state, object, missing, signal);
    const tracked = ids.flatMap((id) => state.objects.get(id) ?? []);
    await eachOf(tracked, WIDTH, (each) =>
      bringOne(context, state, each, engaged.live.get(each.id), how, signal),
    );
    if (phase === 'definitions' && how.mayWrite) await awaitDefinitions(context, tracked, signal);
  }
}

/** An object whose kind was not known at the start: its CRD has been written by now. A kind that does not come is waited for once. */
async function chargeServed(
  context: Context,
  state: PlacementState,
  object: KubeObject,
  missing: Map<string, ObjectError>,
  signal: AbortSignal,
): Promise<void> {
  const kind = `${object.apiVersion} ${object.kind}`;
  const known = missing.get(kind);
  if (known) return state.failOne(objectId(object), known);
  try {
    const resource = await awaitServed(context.kube, object, context.clock.now, signal);
    await context.watches.ensure(resource, object.metadata.namespace, signal);
    charge(context, state, object, resource);
  } catch (error) {
    missing.set(kind, bearable(error));
    state.failOne(objectId(object), missing.get(kind)!);
  }
}

async function bringOne(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  live: ObjectMeta | undefined,
  how: BringHow,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  try {
    tracked.action = await context.lanes.run(tracked.id, () =>
      bring(context, state, tracked, live, how, signal),
    );
    if (tracked.failures === 0) tracked.error = undefined;
    const recreated = tracked.action === 'created' && tracked.recreated;
    state.results.set(tracked.id, {
      id: tracked.id,
      action: tracked.action,
      ...(recreated && { recreated }),
    });
    // No write of ours and no watch tells of it.
    if (tracked.action === 'skipped' && tracked.health.health === 'UNKNOWN')
      context.inspections.schedule(tracked);
  } catch (error) {
    tracked.error = bearable(error);
    tracked.action = 'failed';
    state.failOne(tracked.id, tracked.error);
  }
  context.listener.changed(state.name);
}

/** An error of one object. @throws what would be the same for every other: the end of the wait, nobody who listens */
function bearable(error: unknown): ObjectError {
  if (!(error instanceof KubeError) || neverSent(error)) throw error;
  return errorOf(error);
}
