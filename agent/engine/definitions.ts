import { pause } from '#process/wait.ts';
import { backoff } from '../core/backoff.ts';
import { computeHealth } from '../core/health.ts';
import type { Context } from './context.ts';
import { eachOf } from './pool.ts';
import { type Tracked, target } from './tracked.ts';

const AWAITED = new Set(['apiextensions.k8s.io/CustomResourceDefinition', '/Namespace']);
/** What is not there by then fails what needs it, with the server's own words. */
const WITHIN = 60_000;
const POLL = { first: 60, most: 1_000 } as const;

/** Waits until CRDs are established and Namespaces active, as far as this apply has just written them. */
export async function awaitDefinitions(
  context: Context,
  tracked: readonly Tracked[],
  signal: AbortSignal,
): Promise<void> {
  const awaited = tracked.filter(
    ({ resource, action, health }) =>
      AWAITED.has(`${resource.group}/${resource.kind}`) &&
      (action === 'created' || action === 'configured') &&
      health.health !== 'CURRENT',
  );
  const until = context.clock.now() + WITHIN;
  await eachOf(awaited, 8, (each) => awaitCurrent(context, each, until, signal));
  if (awaited.some(({ resource }) => resource.kind === 'CustomResourceDefinition'))
    context.kube.discovery.forget();
}

async function awaitCurrent(
  { kube, clock }: Context,
  tracked: Tracked,
  until: number,
  signal: AbortSignal,
): Promise<void> {
  for (let asked = 1; clock.now() < until; asked++) {
    signal.throwIfAborted();
    const live = await kube.get(target(tracked), signal);
    if (!live) return;
    tracked.health = computeHealth(live);
    if (tracked.health.health === 'CURRENT' || tracked.health.health === 'FAILED') return;
    await pause(backoff(POLL, asked, clock.random()), signal);
  }
}
