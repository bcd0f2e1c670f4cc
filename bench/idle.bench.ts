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
const WATCHED_MS = Number(process.env.FLOTILLA_BENCH_IDLE_MS ?? 300_000);

/**
 * An agent with nothing to do, on a real control plane: its memory from the bundle, and its requests, measured over minutes and
 * extrapolated to an hour. Watches and the Lease are not counted.
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
  say(`RSS ${rss.toFixed(1)} MB; ${WATCHED_MS / 1000} s of an idle agent from sources …`);
  await rig.stopAgent();
  await rig.startAgent();
  await delay(REST_MS, undefined, { signal });
  const before = await rig.usage();
  await delay(WATCHED_MS, undefined, { signal });
  const after = await rig.usage();
  const leases = (kinds: Record<string, number>) => kinds['PUT leases/*'] ?? 0;
  const requests = after.requests - before.requests - (leases(after.kinds) - leases(before.kinds));
  const hours = WATCHED_MS / 3_600_000;
  return [
    { key: 'idle_rss_mb', what: `RSS of the bundle, ${OBJECTS} objects`, value: rss, unit: 'MB' },
    {
      key: 'idle_requests_per_hour',
      what: 'requests an hour besides watches and Lease, extrapolated',
      value: requests / hours,
      unit: '',
    },
    {
      key: 'idle_cpu_s_per_hour',
      what: 'CPU an hour, extrapolated',
      value: (after.cpuS - before.cpuS) / hours,
      unit: 's',
    },
  ];
};
export default idle;
