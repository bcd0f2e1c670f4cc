import type { Action } from '#proto/messages.ts';
import { type Finding, findDrift, holderPrints, type Suspects, suspectDrift } from '../core/drift.ts';
import { hashFields } from '../core/fieldset.ts';
import { canAil, computeHealth } from '../core/health.ts';
import type { Health } from '../core/health-words.ts';
import { mayVanish } from '../core/jobs.ts';
import { OWNER_LABEL } from '../core/managed-fields.ts';
import { type KubeObject, type ObjectMeta, objectId, shortHash } from '../core/object.ts';
import { isPaused } from '../core/object-policy.ts';
import { entryOf } from '../core/plan.ts';
import type { WatchEvent } from '../kube/watch.ts';
import { type Context, stateOf } from './context.ts';
import { compareDrifts, describeDrift, driftStateOf, toFieldDrifts } from './drift-report.ts';
import { type Live, liveOf, metaOf } from './live.ts';
import { oursOf, type Tracked } from './tracked.ts';

/** Between two looks at the health of one object, ms: a rollout moves metadata many times a second. */
const HEALTH_PAUSE = 250;
/** An object that is not Current after our write is looked at then, whatever the watch says, ms. */
const UNTOLD = 1_500;
/**
 * An object that has not been Current for so long is asked why (its pods, its events), ms. Before that nearly all of them are on their
 * way, and pods that will fail do not say so yet: images are pulled, the first restarts are allowed. What has FAILED is asked at once.
 */
export const WHY_AFTER = 4_000;

/** One event of a metadata watch: what is known is brought up to date, and what it concerns is looked at. No request is made here. */
export function observeEvent(context: Context, event: WatchEvent): void {
  if (event.type !== 'added' && event.type !== 'modified' && event.type !== 'deleted') return;
  const id = objectId(event.object);
  const tracked = context.owners.get(id);
  if (event.type === 'deleted') {
    const known = context.index.get(id);
    const { uid } = event.object.metadata;
    if (known && uid !== undefined && known.uid !== uid) return;
    context.index.delete(id);
    noLongerOrphan(context, id, known?.labels[OWNER_LABEL]);
    if (tracked) context.inspections.schedule(tracked);
    return;
  }
  const live = liveOf(event.object);
  if (context.index.set(id, live) && tracked) observeLive(context, tracked, live);
}

/** What is deleted, or has lost our label, needs nobody's care any more. */
function noLongerOrphan({ placements, listener }: Context, id: string, placement: string | undefined): void {
  const state = placement === undefined ? undefined : placements.get(placement);
  if (!state?.orphans.has(id)) return;
  state.orphans = new Set([...state.orphans].filter((each) => each !== id));
  listener.changed(state.name);
}

function observeLive(context: Context, tracked: Tracked, live: Live): void {
  const { applied } = tracked;
  // Whoever works on the object compares with what is known when it is done.
  if (applied === undefined || context.lanes.busy(tracked.id)) return;
  if (applied.resourceVersion === live.resourceVersion && applied.uid === live.uid) return;
  compare(context, tracked, live);
}

/** What managedFields of a live object say about one of ours; schedules a look where they say something new. */
function compare(context: Context, tracked: Tracked, live: Live): void {
  const now = context.clock.now();
  const before = tracked.print;
  takeNote(context, tracked, metaOf(live));
  if (tracked.print !== before) tracked.foreignAt = now;
  if (tracked.print !== before || tracked.applied?.uid !== live.uid) context.inspections.schedule(tracked);
  else if (live.health) hearHealth(context, tracked, live.health);
  else if (live.deletionTimestamp !== undefined || canAil(tracked.object, stateOf(context, tracked).policy))
    context.inspections.schedule(tracked, now + HEALTH_PAUSE);
}

/** Health of an object that the watch tells whole takes no request, unless somebody has to be asked why it is as it is. */
export function hearHealth(context: Context, tracked: Tracked, health: Health): void {
  const { inspections, clock, listener } = context;
  const isWell = health.health === 'CURRENT';
  const isNew = health.health === 'IN_PROGRESS' && tracked.restless === 0;
  if (tracked.error !== undefined || !(isWell || isNew)) {
    inspections.schedule(tracked, clock.now() + HEALTH_PAUSE);
    return;
  }
  noteHealth(context, tracked, health);
  if (!isWell && !health.unseen) inspections.schedule(tracked, tracked.unwellSince + WHY_AFTER);
  else if (tracked.drifts.length === 0) inspections.cancel(tracked);
  listener.changed(tracked.placement);
}

export function noteHealth({ clock }: Context, tracked: Tracked, health: Health): void {
  tracked.health = health;
  if (health.health === 'CURRENT') {
    tracked.restless = 0;
    tracked.unwellSince = 0;
  } else if (!health.unseen) tracked.unwellSince ||= clock.now();
}

/** Suspects and prints as of these managedFields; they are the answer to "what is new" at the next event. */
export function takeNote(context: Context, tracked: Tracked, live: ObjectMeta): Suspects | undefined {
  const { managedFields, generation } = live;
  const previous = tracked.prints && { suspects: tracked.suspects, prints: tracked.prints };
  const { rules } = stateOf(context, tracked);
  const { object: desired } = tracked;
  tracked.suspects = suspectDrift({ ours: oursOf(tracked), desired, managedFields, previous, rules });
  tracked.prints = holderPrints(managedFields);
  tracked.print = printOf(tracked.suspects, generation, isPaused(desired, live));
  return tracked.suspects;
}

/**
 * Equal prints: the same fields, held by the same, since the same time, of the same generation. Times are whole seconds, so that a
 * pause that is lifted in the second of an edit shows nowhere else.
 */
function printOf(suspects: Suspects | undefined, generation: number | undefined, paused: boolean): string {
  if (!suspects) return '';
  const { lost, extra, doubtful } = suspects;
  return shortHash(JSON.stringify([[...lost], [...extra], doubtful, generation, paused]));
}

/** After a write of ours: the answer is the newest that is known, and everything follows from it without another request. */
export function settleWrite(context: Context, tracked: Tracked, object: KubeObject, action: Action): void {
  const { policy, rules } = stateOf(context, tracked);
  const { clock, index, inspections } = context;
  const written = liveOf(object);
  const newer = index.set(tracked.id, written) ? undefined : index.get(tracked.id);
  tracked.action = action;
  tracked.error = undefined;
  tracked.failures = 0;
  noteApplied(context, tracked);
  const suspects = takeNote(context, tracked, object.metadata);
  const ours = oursOf(tracked);
  const found = suspects ? findDrift({ ours, desired: tracked.object, live: object, suspects, rules }) : [];
  tellDrift(context, tracked, found, 'and is corrected');
  tracked.restless = 0;
  tracked.unwellSince = 0;
  noteHealth(context, tracked, computeHealth(object, { requireAddress: policy.requireAddress }));
  if (newer?.health) compare(context, tracked, newer);
  else if (newer) inspections.schedule(tracked);
  else if (written.health) hearHealth(context, tracked, written.health);
  // The controller's own write is told by the watch; this is for the case that there is none.
  else if (tracked.health.health !== 'CURRENT') inspections.schedule(tracked, clock.now() + UNTOLD);
}

/** A Job of this content has done its work: should its TTL remove it, it is neither missing nor run again, after a restart too. */
export function noteFinished(context: Context, tracked: Tracked): void {
  if (tracked.finished === tracked.hash || tracked.applied?.hash !== tracked.hash) return;
  if (!mayVanish(tracked.object)) return;
  tracked.finished = tracked.hash;
  noteApplied(context, tracked);
}

/** Ready for the inventory; written with the next batch. */
function noteApplied(context: Context, tracked: Tracked): void {
  const { applied, placement, object } = tracked;
  if (!applied) return;
  const fieldsHash = hashFields(oursOf(tracked));
  const finished = tracked.finished === tracked.hash && { finished: tracked.hash };
  context.book.note(placement, {
    ...entryOf(object),
    state: 'applied',
    uid: applied.uid,
    fieldsHash,
    ...finished,
  });
  if (context.book.hasNotes(placement)) context.flushLater(placement);
}

/** Takes findings down and tells what appeared and what vanished; `ending` says why it vanished. */
export function tellDrift(
  context: Context,
  tracked: Tracked,
  findings: readonly Finding[],
  ending: 'and is corrected' | 'and is as wanted again' | 'and is left alone',
): void {
  const now = context.clock.now();
  const { listener } = context;
  const { placement } = tracked;
  const drifts = toFieldDrifts(tracked, findings, now);
  const { appeared, vanished } = compareDrifts(tracked.drifts, drifts);
  tracked.drifts = drifts;
  tracked.drift = driftStateOf(drifts);
  for (const drift of appeared)
    listener.event({ type: 'DRIFT_DETECTED', placement, drift, message: describeDrift(tracked, drift) });
  for (const drift of vanished) {
    const message = `${describeDrift(tracked, drift)} ${ending}`;
    listener.event({ type: 'DRIFT_RESOLVED', placement, drift, message });
  }
  if (vanished.length > 0 && ending === 'and is corrected') {
    const gone = stateOf(context, tracked).linger(vanished, now);
    context.inspections.afterwards(gone, () => listener.changed(placement));
  }
  listener.changed(placement);
}
