/** A scenario that is played twice: by `flotilla rehearse`, and by a real hub with NATS, Git and agents whose clock goes faster. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pino } from 'pino';
import { Hub } from '#hub/hub.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Rehearsed } from '#rollouts/rehearsal/rehearse.ts';
import { runOwned } from '#tools/owned.ts';
import { eventually, PATIENCE_MS, pause } from '../bed/eventually.ts';
import type { Attempt, Script } from '../bed/scripted-agents.ts';
import { fleetFiles, OVERLAY, overlay, startScriptedFleet } from '../bed/scripted-fleet.ts';
import { writeFiles } from '../e2e/fleet.ts';
import { NO_WEBHOOKS, RecordingView } from './hub-rig.ts';

/** How many times as fast as real time. What is 5 s apart there has to stay apart: a machine that is too busy for the one is given the next. */
const SPEEDS = [30, 10, 5];
const HEARTBEAT_MS = 10_000;
const CLI = join(import.meta.dirname, '../../cli/main.ts');
const signal = new AbortController().signal;

export type Commits = { readonly first: string; readonly bad: string; readonly fix: string };
/** What the hands of a scene reach for. */
export type Hands = {
  readonly order: (command: FleetCommand) => Promise<void>;
  readonly silence: (isSilent: boolean, cluster: string) => void;
  readonly push: (revision: string) => Promise<void>;
};
export type Scene = {
  readonly name: string;
  readonly rings: Readonly<Record<string, string[]>>;
  /** YAML of a strategy's spec. */
  readonly strategy: string;
  /** The document that `rehearse` is given. */
  readonly scenario: (commits: Commits) => string;
  /** What has to happen in it, or it tells little. */
  readonly kinds: readonly string[];
  /** What agents do; `sinceMs` is when the attempt began, from the change on, and is not there before it. */
  readonly play: (attempt: Attempt, commits: Commits, sinceMs: number | undefined) => Script;
  /** Until the first version is everywhere. */
  readonly begin?: readonly { readonly passed: string; readonly order: FleetCommand }[];
  /** Milliseconds from the change → what people and clusters do, in order. */
  readonly events: readonly (readonly [
    at: number,
    act: (hands: Hands, commits: Commits) => Promise<void> | void,
  ])[];
  readonly endsAt: number;
};

/** Has it end and happen as it was foretold. */
export async function playTwice(scene: Scene, say: (text: string) => void): Promise<void> {
  for (const speed of SPEEDS) {
    try {
      return await playAt(scene, speed);
    } catch (error) {
      if (speed === SPEEDS.at(-1)) throw error;
      say(`not at ${speed} times the speed: ${(error as Error).message.split('\n', 1)}`);
    }
  }
}

async function playAt(scene: Scene, speed: number): Promise<void> {
  const base = Date.now();
  const now = () => base + (Date.now() - base) * speed;
  let changedAt: number | undefined;
  let commits: Commits = { first: '', bad: '', fix: '' };
  await using fleet = await startScriptedFleet({
    name: `rehearsal-${scene.name}`,
    rings: scene.rings,
    files: fleetFiles('standard', scene.strategy),
    heartbeatMs: HEARTBEAT_MS,
    speed,
    play: (attempt) => scene.play(attempt, commits, changedAt === undefined ? undefined : now() - changedAt),
  });
  const { dir, url, nats, trust, clone, agents } = fleet;
  const commit = async (prefix: string): Promise<string> => {
    await clone.write(OVERLAY, overlay(prefix));
    await clone.git('commit', '--quiet', '-am', prefix);
    return clone.head();
  };
  commits = { first: await clone.head(), bad: await commit('bad'), fix: await commit('fix') };

  // ---- as it is foretold
  writeFiles(dir, { 'scenario.yaml': scene.scenario(commits) });
  const rehearse = [CLI, 'rehearse', clone.dir, '--from', commits.first, '--to', commits.bad, '-o', 'json'];
  const told = await runOwned(
    process.execPath,
    [...rehearse, '--scenario', join(dir, 'scenario.yaml')],
    { limit: 10_000_000 },
    signal,
  );
  assert.equal(told.code, 0, told.stderr);
  const foretold = (JSON.parse(told.stdout) as Rehearsed).placements.shop!;
  const kinds = new Set(foretold.timeline.map(({ what }) => what));
  for (const what of scene.kinds)
    assert.ok(kinds.has(what as never), `nothing is ${what} in the scenario: ${[...kinds]}`);

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
    const hands: Hands = {
      async order(command) {
        const answer = await hub.order(command, AbortSignal.timeout(PATIENCE_MS));
        assert.ok(!('refused' in answer), JSON.stringify(answer));
      },
      silence: (isSilent, cluster) => agents.silence(isSilent, cluster),
      async push(revision) {
        await clone.git('push', '--quiet', 'origin', `${revision}:main`);
      },
    };
    const until = (what: string, look: () => boolean) =>
      eventually(
        what,
        async () => look() || undefined,
        PATIENCE_MS,
        signal,
        () => JSON.stringify(view.events),
      );
    const passed = (stage: string) =>
      until(`the first version to pass ${stage}`, () =>
        view.events.some(
          (one) => one.what === 'stagePassed' && one.stage === stage && one.revision === commits.first,
        ),
      );
    for (const one of scene.begin ?? []) {
      await passed(one.passed);
      await hands.order(one.order);
    }
    await passed(Object.keys(scene.rings).at(-1)!);

    const since = view.events.length;
    await hands.push(commits.bad);
    await until('the change to be taken', () => view.events.length > since);
    const began = now();
    changedAt = began;
    const happenAt = async (ms: number) => pause(Math.max(0, began + ms - now()) / speed, signal);
    for (const [at, act] of scene.events) {
      await happenAt(at);
      await act(hands, commits);
    }
    await happenAt(scene.endsAt);

    const happened = view.events.slice(since);
    assert.deepEqual(inOrder(happened.flatMap(named), foretold.timeline), groupsOf(foretold.timeline));
    const { targets } = view.state.fleet.lines.shop!;
    const clusters = Object.values(scene.rings).flat();
    assert.deepEqual(
      Object.fromEntries(
        clusters.map((name) => [name, [targets[name]?.run?.revision, targets[name]?.state]]),
      ),
      Object.fromEntries(
        clusters.map((name) => [name, [foretold.clusters[name]?.revision, foretold.clusters[name]?.state]]),
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
