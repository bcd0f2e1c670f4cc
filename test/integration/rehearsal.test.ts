import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { Hub } from '#hub/hub.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Rehearsed } from '#rollouts/rehearsal/rehearse.ts';
import { runOwned } from '#tools/owned.ts';
import { eventually, PATIENCE_MS, pause } from '../bed/eventually.ts';
import type { Attempt, Script } from '../bed/scripted-agents.ts';
import { API, fleetFiles, OVERLAY, overlay, startScriptedFleet } from '../bed/scripted-fleet.ts';
import { writeFiles } from '../e2e/fleet.ts';
import { NO_WEBHOOKS, RecordingView } from './hub-rig.ts';

/** One scenario, played by `flotilla rehearse` and by a real hub with NATS, Git and agents whose clock goes faster. */
/** How many times as fast as real time. What is 5 s apart there has to stay apart: a machine that is too busy for the one is given the next. */
const SPEEDS = [30, 10];
const HEARTBEAT_MS = 10_000;
const CLI = join(import.meta.dirname, '../../cli/main.ts');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const signal = new AbortController().signal;

/** Cluster → milliseconds until it is Current; all differ, so that there is one order. */
const AFTER = { c1: 10, c2: 20, c3: 30, e1: 20, e2: 25, e3: 15, b1: 30, b2: 45, b3: 20 } as const;
const CLUSTERS = Object.keys(AFTER) as (keyof typeof AFTER)[];
const RINGS = { canary: ['c1', 'c2', 'c3'], early: ['e1', 'e2', 'e3'], broad: ['b1', 'b2', 'b3'] };
const DEGRADED_MS = 14 * MINUTE;

const STRATEGY = `
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 1m }] }
    - name: early
      selector: { matchLabels: { ring: early } }
      maxConcurrent: 1
      before: [{ approval: { groups: [ops] } }]
    - { name: broad, selector: {}, maxConcurrent: 2 }
  offline: { after: 2m }
  progressDeadline: 2m
`;
/** `bad` and `fix` are the two commits; whoever is \`offline\` is so whatever runs there. */
const scenario = (bad: string, fix: string) => `${API}
kind: Scenario
spec:
  clusters:
    - { name: b3, outcome: offline, at: 4m, until: 12m }
    - { name: c1, outcome: degraded, at: ${DEGRADED_MS / MINUTE}m, after: ${AFTER.c1}s, message: it falls over }
    - { name: c3, outcome: failed, after: ${AFTER.c3}s, message: ImagePullBackOff, revision: ${bad} }
${CLUSTERS.filter((name) => name !== 'b3' && name !== 'c1')
  .map((name) => `    - { name: ${name}, outcome: current, after: ${AFTER[name]}s }`)
  .join('\n')}
  events:
    - { at: 3m, commit: ${fix} }
    - { at: 6m, approve: { placement: shop, stage: early, by: alice, groups: [ops] } }
    - { at: 17m, resume: { placement: shop, by: alice } }
  until: 18m
`;

test('what a rehearsal says happens in this order with a real hub, and as it ends there it ends here', {
  timeout: 900_000,
}, async (t) => {
  for (const speed of SPEEDS) {
    try {
      return await playAt(speed);
    } catch (error) {
      if (speed === SPEEDS.at(-1)) throw error;
      t.diagnostic(`not at ${speed} times the speed: ${(error as Error).message.split('\n', 1)}`);
    }
  }
});

/** Plays the scenario, and has it end and happen as it was foretold. */
async function playAt(speed: number): Promise<void> {
  const base = Date.now();
  const now = () => base + (Date.now() - base) * speed;
  let changedAt = Number.POSITIVE_INFINITY;
  let bad = '';
  const play = ({ cluster, revision }: Attempt): Script => {
    const afterMs = AFTER[cluster as keyof typeof AFTER] * SECOND;
    if (cluster === 'c3' && revision === bad)
      return [{ afterMs, phase: 'failed', message: 'ImagePullBackOff' }];
    const well = { afterMs, phase: 'current' as const };
    if (cluster !== 'c1' || changedAt === Number.POSITIVE_INFINITY) return [well];
    const falls = changedAt + DEGRADED_MS - now();
    return [well, { afterMs: falls, phase: 'failed', message: 'it falls over' }];
  };
  await using fleet = await startScriptedFleet({
    name: 'rehearsal',
    rings: RINGS,
    files: fleetFiles('standard', STRATEGY),
    heartbeatMs: HEARTBEAT_MS,
    speed,
    play,
  });
  const { dir, url, nats, trust, clone, agents } = fleet;
  const commit = async (prefix: string): Promise<string> => {
    await clone.write(OVERLAY, overlay(prefix));
    await clone.git('commit', '--quiet', '-am', prefix);
    return clone.head();
  };
  const first = await clone.head();
  bad = await commit('bad');
  const fix = await commit('fix');

  // ---- as it is foretold
  writeFiles(dir, { 'scenario.yaml': scenario(bad, fix) });
  const rehearse = [CLI, 'rehearse', clone.dir, '--from', first, '--to', bad, '-o', 'json'];
  const told = await runOwned(
    process.execPath,
    [...rehearse, '--scenario', join(dir, 'scenario.yaml')],
    { limit: 10_000_000 },
    signal,
  );
  assert.equal(told.code, 0, told.stderr);
  const foretold = (JSON.parse(told.stdout) as Rehearsed).placements.shop!;
  const kinds = new Set(foretold.timeline.map(({ what }) => what));
  for (const what of [
    'failed',
    'paused',
    'superseded',
    'approved',
    'offline',
    'succeeded',
    'degraded',
    'resumed',
  ])
    assert.ok(kinds.has(what), `nothing is ${what} in the scenario`);

  // ---- as it is
  const view = new RecordingView();
  const stop = new AbortController();
  const hub = new Hub({
    trust,
    view,
    log: pino({ level: 'silent' }),
    follower: {
      remote: { url },
      branch: 'main',
      directory: join(dir, 'index'),
      pollMs: 50,
      acceptRewrite: undefined,
    },
    nats: { servers: [nats.url], publicUrls: [nats.url], reconnectMs: 300 },
    heartbeatMs: HEARTBEAT_MS,
    lease: { name: 'hub', durationMs: 15_000 },
    webhooks: NO_WEBHOOKS,
    now,
    speed,
  });
  const running = hub.run(stop.signal);
  try {
    const order = async (command: FleetCommand) => {
      const answer = await hub.order(command, AbortSignal.timeout(PATIENCE_MS));
      assert.ok(!('refused' in answer), JSON.stringify(answer));
    };
    const approve: FleetCommand = {
      placement: 'shop',
      order: { kind: 'approve', stage: 'early', by: 'alice', groups: ['ops'] },
    };
    const passed = (stage: string, revision: string) =>
      view.events.some(
        (one) => one.what === 'stagePassed' && one.stage === stage && one.revision === revision,
      );
    const until = (what: string, look: () => boolean) =>
      eventually(
        what,
        async () => look() || undefined,
        PATIENCE_MS,
        signal,
        () => JSON.stringify(view.events),
      );
    await until('the first version to pass canary', () => passed('canary', first));
    await order(approve);
    await until('the first version everywhere', () => passed('broad', first));

    const since = view.events.length;
    const happenAt = async (ms: number) => pause(Math.max(0, changedAt + ms - now()) / speed, signal);
    await clone.git('push', '--quiet', 'origin', `${bad}:main`);
    await until('the change to be taken', () => view.events.length > since);
    changedAt = now();
    await happenAt(3 * MINUTE);
    await clone.git('push', '--quiet', 'origin', `${fix}:main`);
    await happenAt(4 * MINUTE);
    agents.silence(true, 'b3');
    await happenAt(6 * MINUTE);
    await order(approve);
    await happenAt(12 * MINUTE);
    agents.silence(false, 'b3');
    await happenAt(17 * MINUTE);
    await order({ placement: 'shop', order: { kind: 'resume', by: 'alice' } });
    await happenAt(18 * MINUTE);

    const happened = view.events.slice(since);
    assert.deepEqual(inOrder(happened.flatMap(named), foretold.timeline), groupsOf(foretold.timeline));
    const { targets } = view.state.fleet.lines.shop!;
    assert.deepEqual(
      Object.fromEntries(
        CLUSTERS.map((name) => [name, [targets[name]?.run?.revision, targets[name]?.state]]),
      ),
      Object.fromEntries(
        CLUSTERS.map((name) => [name, [foretold.clusters[name]?.revision, foretold.clusters[name]?.state]]),
      ),
    );
  } finally {
    stop.abort();
    await running;
  }
}

type Told = {
  readonly what: string;
  readonly stage?: string;
  readonly cluster?: string;
  readonly revision?: string;
};

const words = ({ what, stage = '', cluster = '', revision = '' }: Told) =>
  `${what} ${stage} ${cluster} ${revision.slice(0, 7)}`;

/** What the machine says, as a timeline names it. */
const named = (event: Told): Told[] => {
  if (event.what === 'published' || event.what === 'recalled') return [];
  return [event.what === 'regressed' ? { ...event, what: 'degraded' } : event];
};

/** What happens at one moment has no order. */
function groupsOf(timeline: Rehearsed['placements'][string]['timeline']): string[][] {
  const groups = Map.groupBy(timeline, ({ at }) => at);
  return [...groups.values()].map((events) => events.map(words).sort());
}

/** The same groups, filled from what happened one after the other. */
function inOrder(happened: readonly Told[], timeline: Parameters<typeof groupsOf>[0]): string[][] {
  const rest = happened.map(words);
  const filled = groupsOf(timeline).map(({ length }) => rest.splice(0, length).sort());
  return rest.length > 0 ? [...filled, rest] : filled;
}
