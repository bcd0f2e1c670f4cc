import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeScratch } from '#test/bed/scratch.ts';
import { bundle } from '../scripts/build.ts';
import { Rig } from './apply/rig.ts';
import { largeFiles } from './apply/units.ts';
import type { Benchmark } from './benchmark.ts';

const NAME = 'large';
const OBJECTS = 200;
/** Until start-up has been forgotten. */
const REST_MS = 20_000;
/** Shorter than the shortest wait for a full pass. */
const WATCHED_MS = Number(process.env.FLOTILLA_BENCH_IDLE_MS ?? 240_000);
/** Between full passes, ms: as they are by default, and as often as they are made here to count what they ask. */
const PASS_MS = 600_000;
const OFTEN_MS = 20_000;

type Spent = { requests: number; cpuS: number };

/** What an agent from sources asks, besides watches and the Lease, and uses in an hour like the minutes that are watched. */
async function hourly(rig: Rig, flags: readonly string[], signal: AbortSignal): Promise<Spent> {
  await rig.startAgent(undefined, flags);
  await delay(REST_MS, undefined, { signal });
  const before = await rig.usage();
  await delay(WATCHED_MS, undefined, { signal });
  const after = await rig.usage();
  await rig.stopAgent();
  const leases = (kinds: Record<string, number>) => kinds['PUT leases/*'] ?? 0;
  const requests = after.requests - before.requests - (leases(after.kinds) - leases(before.kinds));
  const hours = WATCHED_MS / 3_600_000;
  return { requests: requests / hours, cpuS: (after.cpuS - before.cpuS) / hours };
}

/**
 * An agent with nothing to do, on a real control plane: its memory from the bundle, and its requests, measured over minutes and
 * extrapolated to an hour. Minutes without a full pass are measured by themselves; passes are made thirty times as often as by default,
 * and a thirtieth of what is asked then is added.
 */
const idle: Benchmark = async (say, signal) => {
  await using rig = await Rig.open(largeFiles(NAME, OBJECTS), [NAME]);
  await using scratch = await makeScratch('bench-idle');
  const dist = join(scratch.dir, 'dist');
  await bundle(dist);
  const revision = await rig.lab.clone.head();
  await rig.startAgent(join(dist, 'agent.mjs'));
  await rig.rollOut(revision, [NAME], signal);
  say(`${OBJECTS} objects applied by the bundle; resting ${REST_MS / 1000} s …`);
  await delay(REST_MS, undefined, { signal });
  const rss = rig.rssMb();
  say(`RSS ${rss.toFixed(1)} MB; ${WATCHED_MS / 1000} s twice of an idle agent from sources …`);
  await rig.stopAgent();
  const between = await hourly(rig, [], signal);
  const often = await hourly(rig, ['--full-pass', `${OFTEN_MS}ms`], signal);
  const withPasses = (of: keyof Spent) => between[of] + (often[of] - between[of]) * (OFTEN_MS / PASS_MS);
  return [
    { key: 'idle_rss_mb', what: `RSS of the bundle, ${OBJECTS} objects`, value: rss, unit: 'MB' },
    {
      key: 'idle_requests_per_hour',
      what: 'requests an hour besides watches and Lease, passes included, extrapolated',
      value: withPasses('requests'),
      unit: '',
    },
    {
      key: 'idle_cpu_s_per_hour',
      what: 'CPU an hour, passes included, extrapolated',
      value: withPasses('cpuS'),
      unit: 's',
    },
  ];
};
export default idle;
