import type { Action } from '#proto/messages.ts';
import { type Baseline, baseline, isFirstContact } from '../core/baseline.ts';
import { EMPTY, type FieldSet, hashFields } from '../core/fieldset.ts';
import { canAil, computeHealth } from '../core/health.ts';
import { hasMoved, OWNER_LABEL, ourFields } from '../core/managed-fields.ts';
import type { KubeObject, ObjectMeta } from '../core/object.ts';
import { isPaused, objectPolicy } from '../core/object-policy.ts';
import { type Context, stateOf } from './context.ts';
import { healthOfAbsent } from './health-look.ts';
import { judge } from './judge.ts';
import { hearHealth, settleWrite, takeNote, tellDrift } from './observe.ts';
import type { PlacementState } from './placement-state.ts';
import { writeOrRecreate } from './recreate.ts';
import { fieldsText, type Tracked } from './tracked.ts';

export type BringHow = {
  /** See `Assignment.settled`. */
  settled: boolean;
  /** False under hold and observe: what is known is adopted, nothing is written. */
  mayWrite: boolean;
};

/**
 * Decides what one object needs and does it. An object whose content is the one applied last needs no request: if somebody moves it,
 * the watch says so. An object whose last apply this process has not seen is adopted, judged by a dry-run, or written.
 * @throws KubeError
 */
export async function bring(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  live: ObjectMeta | undefined,
  how: BringHow,
  signal: AbortSignal,
): Promise<Action> {
  const policy = objectPolicy(tracked.object.metadata);
  if (policy.apply === 'ignore' || isPaused(tracked.object, live)) return 'skipped';
  if (policy.apply === 'if-not-present' && live) return 'skipped';
  if (tracked.applied?.hash === tracked.hash) return 'unchanged';
  const entry = context.book.of(state.name).get(tracked.id);
  if (!live && entry?.state === 'applied' && entry.finished === tracked.hash) {
    tracked.finished = tracked.hash;
    adopt(context, tracked, EMPTY, undefined);
    tracked.drift = 'NONE';
    return 'unchanged';
  }
  const known: Baseline = isNewContent(tracked, live)
    ? 'write'
    : baseline({ entry, live, settled: how.settled, overwrites: state.corrects });
  switch (known) {
    case 'write':
      if (!how.mayWrite) return 'skipped';
      return writeNow(context, state, tracked, live, signal);
    case 'adopt':
      adopt(context, tracked, ourFields(live!.managedFields) ?? EMPTY, live!);
      return 'unchanged';
    case 'judge':
    case 'missing':
      return judgeNow(
        context,
        state,
        tracked,
        entry?.state === 'applied' ? entry.fieldsHash : '',
        how,
        signal,
      );
    default:
      known satisfies never;
      return 'skipped';
  }
}

/** This process has applied another content before, or the one before spoke another API version. */
const isNewContent = (tracked: Tracked, live: ObjectMeta | undefined): boolean =>
  tracked.applied !== undefined || hasMoved(live?.managedFields, tracked.object.apiVersion);

/** Evidence first: what differs is told before it is taken back; in report mode only new content is written. */
async function judgeNow(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  fieldsHash: string,
  how: BringHow,
  signal: AbortSignal,
): Promise<Action> {
  const seen = await judge(state.kube, tracked, fieldsHash, state.rules, signal);
  const isNew = seen.live !== undefined && seen.changed && !how.settled;
  if (!isNew || state.corrects) tellDrift(context, tracked, seen.findings, 'and is as wanted again');
  if (how.mayWrite && (state.corrects || isNew))
    return writeNow(context, state, tracked, seen.live?.metadata, signal);
  // Taken for applied it would never be.
  if (isNew) return 'skipped';
  adopt(context, tracked, seen.ours, seen.live?.metadata);
  return wouldOwnMore(state, seen.live, seen.ours) ? 'configured' : 'unchanged';
}

/** Under observe: a pass that corrects would write it, be it only to own again what somebody else holds with the same value. */
function wouldOwnMore({ policy }: PlacementState, live: KubeObject | undefined, ours: FieldSet): boolean {
  if (!policy.observe || policy.mode !== 'correct' || live === undefined) return false;
  return hashFields(ourFields(live.metadata.managedFields) ?? EMPTY) !== hashFields(ours);
}

/** Takes what is live as the answer to our last apply. */
function adopt(context: Context, tracked: Tracked, ours: FieldSet, live: ObjectMeta | undefined): void {
  tracked.applied = {
    ours: fieldsText(ours),
    hash: tracked.hash,
    uid: live?.uid ?? '',
    resourceVersion: live?.resourceVersion ?? '',
  };
  if (!live) {
    tracked.health = healthOfAbsent(tracked, stateOf(context, tracked));
    return;
  }
  const suspects = takeNote(context, tracked, live);
  if (tracked.drifts.length === 0) tracked.drift = 'NONE';
  const told = context.index.get(tracked.id)?.health;
  if (suspects || (!told && canAil(tracked.object, stateOf(context, tracked).policy)))
    context.inspections.schedule(tracked);
  else if (told) hearHealth(context, tracked, told);
  else tracked.health = computeHealth(tracked.object);
}

async function writeNow(
  context: Context,
  state: PlacementState,
  tracked: Tracked,
  live: ObjectMeta | undefined,
  signal: AbortSignal,
): Promise<Action> {
  const first = isFirstContact(context.book.of(state.name).get(tracked.id), live);
  const how = { rules: state.rules, adopt: state.policy.adopt, first };
  const written = await writeOrRecreate(context, tracked, live, how, signal);
  const { action, object } = written;
  tracked.takenFrom = written.takenFrom;
  tracked.recreated = written.recreated === true;
  settleWrite(context, tracked, object, action);
  const giver = live?.labels?.[OWNER_LABEL];
  if (giver !== undefined && giver !== state.name) context.againSoon(giver);
  await context.marker('between-writes');
  return action;
}
