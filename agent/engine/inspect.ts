import { backoff } from '../core/backoff.ts';
import { hasCompleted } from '../core/jobs.ts';
import { OWNER_LABEL } from '../core/managed-fields.ts';
import type { KubeObject } from '../core/object.ts';
import { isPaused } from '../core/object-policy.ts';
import { isTransient } from '../kube/errors.ts';
import { type Context, isInForce, stateOf } from './context.ts';
import { correct } from './correct.ts';
import { hasRun, healthOf, healthOfAbsent } from './health-look.ts';
import { look } from './judge.ts';
import { liveOf } from './live.ts';
import { noteFinished, noteHealth, takeNote, tellDrift, WHY_AFTER } from './observe.ts';
import { errorOf, type Tracked } from './tracked.ts';

const RETRY = { first: 1_000, most: 60_000 } as const;
/** An object that has lost our label is in no watch: as long as it is left so, it is looked at so often, ms. */
const UNWATCHED = 15_000;
/** While an object is not Current its pods may change without it. */
const RESTLESS = { first: 2_000, most: 30_000 } as const;

/** Looks at one object that something happened to: fetches it, tells drift, corrects it where that is the mode, tells health. */
export async function inspect(context: Context, tracked: Tracked): Promise<void> {
  await context.lanes.run(tracked.id, async () => {
    if (!isInForce(context, tracked)) return;
    try {
      await lookAt(context, tracked);
    } catch (error) {
      if (context.life.aborted) return;
      tracked.failures++;
      tracked.error = errorOf(error);
      if (!isTransient(error)) tracked.drift = 'ERROR';
      context.listener.changed(tracked.placement);
      const delay = backoff(RETRY, tracked.failures, context.clock.random());
      context.inspections.schedule(tracked, context.clock.now() + delay);
    }
  });
}

async function lookAt(context: Context, tracked: Tracked): Promise<void> {
  const { life } = context;
  if (tracked.applied === undefined) {
    await tellHealth(context, tracked, await context.looks.get(tracked));
    return;
  }
  const state = stateOf(context, tracked);
  const fetched = await context.looks.get(tracked);
  const { live, findings } = await look(state.kube, tracked, fetched, state.rules, life);
  if (!isInForce(context, tracked)) return;
  if (!live && findings.length > 0 && (await hasRun(state.kube, tracked, life))) {
    noteFinished(context, tracked);
    findings.length = 0;
  }
  if (live) {
    if (!context.index.set(tracked.id, liveOf(live))) context.inspections.schedule(tracked);
    takeNote(context, tracked, live.metadata);
    if (live.metadata.labels?.[OWNER_LABEL] === undefined)
      context.inspections.schedule(tracked, context.clock.now() + UNWATCHED);
  } else context.index.delete(tracked.id);
  const paused = isPaused(tracked.object, live?.metadata);
  tellDrift(
    context,
    tracked,
    paused ? [] : findings,
    paused ? 'and is left alone' : 'and is as wanted again',
  );
  const written = !paused && state.corrects && (await correct(context, state, tracked, live, findings));
  if (written) return;
  if (findings.length === 0) {
    tracked.error = undefined;
    tracked.failures = 0;
  }
  await tellHealth(context, tracked, live);
}

async function tellHealth(context: Context, tracked: Tracked, live: KubeObject | undefined): Promise<void> {
  const { clock, kube, life } = context;
  const state = stateOf(context, tracked);
  const { requireAddress } = state.policy;
  if (live && hasCompleted(live)) noteFinished(context, tracked);
  const askWhy = tracked.unwellSince > 0 && clock.now() - tracked.unwellSince >= WHY_AFTER;
  const options = { requireAddress, askWhy, now: clock.now() };
  const health = live ? await healthOf(kube, live, options, life) : healthOfAbsent(tracked, state);
  noteHealth(context, tracked, health);
  if (live && tracked.health.health !== 'CURRENT') {
    tracked.restless++;
    const now = clock.now();
    const delay = backoff(RESTLESS, tracked.restless, clock.random());
    context.inspections.schedule(tracked, askWhy ? now + delay : (tracked.unwellSince || now) + WHY_AFTER);
  }
  context.listener.changed(tracked.placement);
}
