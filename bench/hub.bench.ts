import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { serve } from '#hub/api/testing/serve.ts';
import { runHere } from '../cli/testing/hub.ts';
import { type Benchmark, quantile, type Row } from './benchmark.ts';
import { Agents } from './hub/agents.ts';
import { Fleet, placementName } from './hub/fleet.ts';
import { MemoryBucket, Rig } from './hub/rig.ts';
import { clusterName } from './rings.ts';

/**
 * What the hub computes, read model, encoding of state and parsing of messages included: 10,000 clusters, 20 placements, 4 stages, in
 * one process, without Git, NATS and the network. CPU milliseconds of the whole process, so that what else the machine does hardly counts.
 */
const CLUSTERS = Number(process.env.FLOTILLA_BENCH_CLUSTERS ?? 10_000);
const PLACEMENTS = Number(process.env.FLOTILLA_BENCH_PLACEMENTS ?? 20);
const REPORTS = 300;
const START = Date.UTC(2026, 10, 23);

const names = Array.from({ length: CLUSTERS }, (_, i) => clusterName(i));
const all = Array.from({ length: PLACEMENTS }, (_, i) => placementName(i));
const BUSY = ['published', 'started'];

const hub: Benchmark = async (say) => {
  // As a hub sets it for itself.
  setFlagsFromString('--optimize-for-size');
  const rows: Row[] = [];
  const tell = (key: string, what: string, value: number, unit: string) => {
    say(`${what}: ${value.toFixed(value < 10 ? 2 : 0)} ${unit}`);
    rows.push({ key, what, value, unit });
  };
  const fleet = new Fleet(CLUSTERS, PLACEMENTS);
  const agents = new Agents();
  const bucket = new MemoryBucket();
  const rig = new Rig(bucket, START);
  await rig.begin();
  const first = fleet.commit(all);
  rig.setIndex(first);
  for (const name of names) rig.receive(agents.hello(name));
  settle(rig, agents);
  tell('first_s', 'first decision of a fleet', (await cpu(() => rig.decide())) / 1_000, 's');
  const rollOut = async (placements: readonly string[]) => {
    let sent = 0;
    for (let turns = 0; !isOver(rig, placements); turns++) {
      if (turns > 500) throw new Error('a rollout does not end');
      for (const placement of placements)
        for (const [cluster, { run }] of Object.entries(rig.state.fleet.lines[placement]!.targets))
          if (run && BUSY.includes(run.phase)) {
            rig.receive(agents.status(rig.state, cluster, placement, 'current'));
            sent += 1;
          }
      rig.now += Math.max(1_000, rig.waitMs);
      await rig.decide();
    }
    return sent;
  };
  say('all placements travel for the first time …');
  let sent = 0;
  const travelled = await cpu(async () => {
    sent = await rollOut(all);
  });
  tell('travel_s', `${sent} statuses and all steps until every stage has passed`, travelled / 1_000, 's');

  say('a hub begins with that state …');
  const begun = new Rig(bucket, rig.now + 60_000);
  tell('load_s', 'read saved state', (await cpu(() => begun.begin())) / 1_000, 's');
  tell('setIndex_s', 'take the index', (await cpu(() => begun.setIndex(first))) / 1_000, 's');
  say('…');
  let statuses = 0;
  const replayed = await cpu(() => {
    for (const name of names)
      for (const placement of all) {
        begun.replay(agents.status(begun.state, name, placement, 'current'));
        statuses += 1;
      }
  });
  tell('replay_us', `read one of ${statuses} stored statuses`, (replayed / statuses) * 1_000, 'µs');
  const steps: number[] = [];
  const burst = await cpu(async () => {
    for (let at = 0; at < names.length; at += 100) {
      for (const name of names.slice(at, at + 100)) begun.receive(agents.heartbeat(name));
      steps.push(await cpu(() => begun.decide()));
    }
  });
  tell('burst_s', `${CLUSTERS} first heartbeats, a step after every 100`, burst / 1_000, 's');
  tell('burstStep_p50', 'one of those steps, p50', quantile(steps, 0.5), 'ms');

  const heartbeats = names.slice(0, 1_000).map((name) => agents.heartbeat(name));
  const heard = await cpu(() => {
    for (const heartbeat of heartbeats) begun.receive(heartbeat);
  });
  tell('heartbeat_us', 'one heartbeat that says nothing new', heard, 'µs');
  await begun.decide();
  tell('tick_ms', 'a second passes in the read model', await cpuOf(20, () => begun.tick(100)), 'ms');
  tell('idle_ms', 'one step without news', await cpuOf(20, () => begun.decide()), 'ms');
  const look = () => {
    begun.lookAtAll();
    return begun.decide();
  };
  tell('look_ms', 'one step that looks at everything (once a minute)', await cpuOf(5, look), 'ms');

  say('one commit to one placement …');
  settle(begun, agents);
  await begun.decide();
  const index = fleet.commit([all[0]!]);
  tell('commitOneView_ms', 'the read model takes the index', await cpu(() => begun.setIndex(index)), 'ms');
  tell('commitOne_ms', 'commit that changes one placement everywhere', await cpu(() => begun.decide()), 'ms');
  const told: number[] = [];
  const received: number[] = [];
  bucket.writes = bucket.bytes = 0;
  const busy = Object.entries(begun.state.fleet.lines[all[0]!]!.targets)
    .filter(([, { run }]) => run?.phase === 'published')
    .map(([cluster]) => cluster);
  for (let i = 0; i < REPORTS; i++) {
    const cluster = busy[i % busy.length]!;
    const says = Math.floor(i / busy.length) % 2 === 0 ? 'verifying' : 'applying';
    const message = agents.status(begun.state, cluster, all[0]!, says);
    begun.now += 50;
    received.push(await cpu(() => begun.receive(message)));
    told.push(await cpu(() => begun.decide()));
  }
  tell('status_p50', 'one status comes in, p50', quantile(received, 0.5), 'ms');
  tell('report_p50', 'one step after it, p50', quantile(told, 0.5), 'ms');
  tell('report_p99', 'one step after it, p99', quantile(told, 0.99), 'ms');
  tell('report_writes', 'entries written by it', bucket.writes / REPORTS, '');
  tell('report_bytes', 'bytes written by it', bucket.bytes / REPORTS, 'B');
  const others: number[] = [];
  for (let i = 0; i < REPORTS; i++) {
    begun.now += 50;
    begun.receive(agents.status(begun.state, names[i]!, all.at(-1)!, 'current'));
    others.push(await cpu(() => begun.decide()));
  }
  tell('other_p50', 'one step after a report that changes nothing, p50', quantile(others, 0.5), 'ms');

  const api = await serve(begun.view);
  for (const verb of [
    'status',
    'get rollouts',
    'get changes',
    'get approvals',
    'get clusters',
    `rollout status ${all[0]!}`,
  ]) {
    const ask = async () => {
      const { code, stderr } = await runHere(api.url, verb.split(' '), { now: begun.now });
      if (code !== 0) throw new Error(`${verb}: ${stderr}`);
    };
    tell(
      `verb_${verb.split(' ').slice(0, 2).join('_')}_ms`,
      `flotilla ${verb}, first time`,
      await cpu(ask),
      'ms',
    );
    tell(
      `verb_${verb.split(' ').slice(0, 2).join('_')}_again_ms`,
      `flotilla ${verb}, again`,
      await cpuOf(3, ask),
      'ms',
    );
  }
  await api.stop();

  say('a commit that touches all …');
  beat(begun, agents);
  bucket.writes = bucket.bytes = 0;
  const last = fleet.commit(all);
  tell(
    'commitAllView_s',
    'the read model takes the index',
    (await cpu(() => begun.setIndex(last))) / 1_000,
    's',
  );
  tell(
    'commitAll_s',
    'commit that changes all 200,000 targets',
    (await cpu(() => begun.decide())) / 1_000,
    's',
  );
  tell('commitAll_writes', 'entries written by it', bucket.writes, '');
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  tell('heap', 'live heap, with two hubs and the agents', heapUsed / 2 ** 20, 'MiB');
  tell('rss', 'resident memory', rss / 2 ** 20, 'MiB');
  return rows;
};
export default hub;

/** CPU milliseconds, median of some runs. */
async function cpuOf(times: number, run: () => unknown): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) taken.push(await cpu(run));
  return quantile(taken, 0.5);
}

async function cpu(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** As long as it takes until the hub has heard everybody who can be heard. */
function settle(rig: Rig, agents: Agents): void {
  for (let ms = 0; ms < 90_000; ms += 15_000) {
    beat(rig, agents);
    rig.tick(15_000);
  }
}

function beat(rig: Rig, agents: Agents): void {
  for (const name of names) rig.receive(agents.heartbeat(name));
}

const isOver = ({ state }: Rig, placements: readonly string[]): boolean =>
  placements.every((placement) => {
    const stages = state.fleet.lines[placement]?.stages ?? [];
    return stages.length > 0 && stages.every(({ work, passed }) => !work && passed.length > 0);
  });

function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
