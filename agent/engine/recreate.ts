import { pause } from '#process/wait.ts';
import { backoff } from '../core/backoff.ts';
import { displayName, type ObjectMeta } from '../core/object.ts';
import { entryOf } from '../core/plan.ts';
import { isImmutable, recreateHint, recreateVerdict } from '../core/recreate.ts';
import { isConflict, isStatus, KubeError } from '../kube/errors.ts';
import { type Context, stateOf } from './context.ts';
import type { Kube } from './ports.ts';
import { type Tracked, target } from './tracked.ts';
import { type WriteHow, type Written, write } from './writer.ts';

/** A finalizer that takes longer makes the object fail; it is tried again like everything that failed, ms. */
const GONE_WITHIN = 60_000;
const POLL = { first: 50, most: 1_000 } as const;
/** Objects whose status is written many times a second move between look and deletion. */
const TRIES = 5;

/**
 * Writes one object; where the API server says that a field is immutable, and Git asks for it, deletes it and creates it anew.
 * Nothing is deleted for any other refusal, nor before a dry-run has shown that the new object would be accepted.
 * @throws KubeError
 */
export async function writeOrRecreate(
  context: Context,
  tracked: Tracked,
  live: ObjectMeta | undefined,
  how: WriteHow,
  signal: AbortSignal,
): Promise<Written> {
  const { kube } = stateOf(context, tracked);
  try {
    return await write(kube, tracked, live, how, signal);
  } catch (error) {
    if (!(await wouldRecreate(kube, tracked, error, signal))) throw error;
  }
  await intendAgain(context, tracked);
  await context.marker('recreate-intended');
  await removeForGood(context, tracked, signal);
  await context.marker('recreate-deleted');
  const { object, takenFrom } = await write(kube, tracked, undefined, how, signal);
  return { action: 'created', object, takenFrom, recreated: true };
}

/**
 * Whether a refused write is answered by recreating the object. @throws KubeError the refusal with what to do about it, or why the
 * new object would not be accepted either
 */
export async function wouldRecreate(
  kube: Kube,
  tracked: Tracked,
  refusal: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(refusal instanceof KubeError) || !isImmutable(refusal.status, refusal.message)) return false;
  const verdict = recreateVerdict(tracked.object);
  if (!verdict.allowed) {
    const { code, message, status, reason } = refusal;
    throw new KubeError(code, `${message}; ${recreateHint(tracked.object, verdict.needs)}`, {
      status,
      reason,
    });
  }
  try {
    await kube.create(tracked.resource, tracked.object, signal, { dryRun: true });
  } catch (error) {
    // The name is taken, by the object that is to go: everything else has been checked by then.
    if (!isStatus(error, 409) || error.reason !== 'AlreadyExists') throw error;
  }
  return true;
}

/** Should the process end between deletion and creation, the next one creates it, in report mode too. */
async function intendAgain(context: Context, tracked: Tracked): Promise<void> {
  const { book } = context;
  if (book.of(tracked.placement).get(tracked.id)?.state === 'applied')
    await book.intend(tracked.placement, entryOf(tracked.object), context.life);
}

async function removeForGood(context: Context, tracked: Tracked, signal: AbortSignal): Promise<void> {
  const { clock } = context;
  const { kube } = stateOf(context, tracked);
  const until = clock.now() + GONE_WITHIN;
  const uid = await removeOnce(kube, tracked, signal);
  for (let asked = 1; uid !== undefined; asked++) {
    const now = await kube.get(target(tracked), signal, { metadata: true });
    if (now?.metadata.uid !== uid) return;
    if (clock.now() >= until) throw stillThere(tracked, now.metadata);
    await pause(backoff(POLL, asked, clock.random()), signal);
  }
}

/** Exactly the object that was looked at. Returns its uid, undefined when there is none. */
async function removeOnce(kube: Kube, tracked: Tracked, signal: AbortSignal): Promise<string | undefined> {
  for (let attempt = 1; ; attempt++) {
    const live = (await kube.get(target(tracked), signal, { metadata: true }))?.metadata;
    if (live?.uid === undefined) return undefined;
    if (live.deletionTimestamp !== undefined) return live.uid;
    const { uid, resourceVersion } = live;
    const last = attempt >= TRIES || resourceVersion === undefined;
    try {
      await kube.remove(target(tracked), last ? { uid } : { uid, resourceVersion }, signal);
      return uid;
    } catch (error) {
      if (last || !isConflict(error)) throw error;
    }
  }
}

function stillThere(tracked: Tracked, { finalizers = [] }: ObjectMeta): KubeError {
  const held = finalizers.length > 0 ? `, held by finalizers ${finalizers.join(', ')}` : '';
  const message = `recreate ${displayName(tracked.object)}: it is still being deleted${held}`;
  return new KubeError('kube-rejected', message, { status: 409, reason: 'Terminating' });
}
