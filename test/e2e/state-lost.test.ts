import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadTrust } from '#hub/bus/trust.ts';
import { BusSpy, type Heard } from '../bed/bus-spy.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { ask } from '../bed/graphql.ts';
import { Line } from '../bed/line.ts';
import { randomFrom } from '../bed/random.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { type Attempt, type Script, ScriptedAgents } from '../bed/scripted-agents.ts';
import { enrol, fleetFiles, OVERLAY, overlay } from '../bed/scripted-fleet.ts';
import { writeFiles } from './fleet.ts';

/**
 * The hub's disk and all that JetStream holds are deleted while a change is in the middle stage of sixty clusters: one stage has passed,
 * one has targets at work, one has not begun. What agents are told is read from the bus and from the agents themselves.
 */
const START_MS = 300_000;
const random = randomFrom();
const signal = new AbortController().signal;
const root = join(import.meta.dirname, '../..');

const members = (ring: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${ring}-${String(at + 1).padStart(2, '0')}`);
const RINGS = { canary: members('canary', 4), early: members('early', 12), broad: members('broad', 44) };
const STAGES = Object.keys(RINGS) as (keyof typeof RINGS)[];
const ringOf: ReadonlyMap<string, keyof typeof RINGS> = new Map(
  STAGES.flatMap((ring) => RINGS[ring].map((name) => [name, ring] as const)),
);
const CLUSTERS = [...ringOf.keys()];
const AT_ONCE = 4;
const STRATEGY = `  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 500ms }] }
    - { name: early, selector: { matchLabels: { ring: early } }, maxConcurrent: ${AT_ONCE} }
    - { name: broad, selector: {}, maxConcurrent: 50% }
`;

/** Rings whose clusters come to no end by themselves. */
const open = new Set<string>();
const play = ({ cluster }: Attempt): Script =>
  open.has(ringOf.get(cluster)!) ? [] : [{ afterMs: 50 + random() * 100, phase: 'current' }];

let scratch: Scratch;
let line: Line;
let agents: ScriptedAgents;
let spy: BusSpy;
let dataDir: string;

before(
  async () => {
    scratch = await makeScratch('state-lost');
    const { dir } = scratch;
    const { keys, entries } = enrol(RINGS);
    const repository = join(dir, 'repository');
    writeFiles(repository, { ...fleetFiles('careful', STRATEGY), ...entries, [OVERLAY]: overlay('v0') });
    const hubFlags = ['--poll', '100ms', '--heartbeat', '300ms', '--reconnect', '200ms', '--lease', '15s'];
    line = await Line.start({ dir: join(dir, 'line'), repository, members: [], hubFlags }, signal);
    dataDir = join(line.dir, 'hub');
    spy = await BusSpy.open(line.nats.url, dataDir, signal);
    const trust = loadTrust(dataDir);
    agents = await ScriptedAgents.start({
      ...{ natsUrl: line.nats.url, trust, keys, heartbeatMs: 300, reconnects: true, play },
    });
    await everywhere('the first version', () => newest('canary-01')?.digest ?? undefined, START_MS);
  },
  { timeout: START_MS },
);
after(async () => {
  await agents?.[Symbol.asyncDispose]();
  await spy?.[Symbol.asyncDispose]();
  await line?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

const newest = (cluster: string) => agents.attempts(cluster).at(-1);
const until = <T>(what: string, look: () => T | undefined, describe?: () => string) =>
  eventually(what, async () => look(), PATIENCE_MS, signal, describe);

const told = (heard: readonly Heard[], digest: string): string[] =>
  heard.flatMap((one) => (one.what === 'told' && one.digest === digest ? [one.cluster] : []));
const current = (heard: readonly Heard[], digest: string): Set<string> =>
  new Set(
    heard.flatMap((one) => {
      if (one.what !== 'said') return [];
      const { applied, sync, health } = one.status;
      const isCurrent = sync.state === 'SYNCED' && health.state === 'CURRENT';
      return applied?.digest === digest && isCurrent ? [one.cluster] : [];
    }),
  );

function everywhere(what: string, digest: () => string | undefined, ms = PATIENCE_MS): Promise<string> {
  const missing = (wanted: string) => {
    const there = current(spy.heard, wanted);
    return CLUSTERS.filter((name) => !there.has(name));
  };
  const look = async () => {
    const wanted = digest();
    return wanted !== undefined && missing(wanted).length === 0 ? wanted : undefined;
  };
  return eventually(`${what} everywhere`, look, ms, signal, () => missing(digest() ?? '').join(', '));
}

/** Who was told before all of the rings before it had said that they are Current. */
function outOfOrder(heard: readonly Heard[], digest: string): string[] {
  return heard.flatMap((one, at) => {
    if (one.what !== 'told' || one.digest !== digest) return [];
    const ring = STAGES.indexOf(ringOf.get(one.cluster)!);
    const there = current(heard.slice(0, at), digest);
    return CLUSTERS.some((name) => STAGES.indexOf(ringOf.get(name)!) < ring && !there.has(name))
      ? [one.cluster]
      : [];
  });
}

/** A program of this repository, run to its end. */
function flotilla(program: 'hub' | 'cli', ...args: readonly string[]): { status: number; said: string } {
  const flags = ['--disable-warning=ExperimentalWarning', join(root, program, 'main.ts'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' });
  return { status: status ?? -1, said: stdout + stderr };
}
function hub(verb: string, ...args: readonly string[]): { status: number; said: string } {
  const nats = verb === 'init' ? ['--nats-port', String(line.nats.port)] : ['--nats', line.nats.url];
  return flotilla('hub', verb, ...args, '--data', dataDir, ...nats);
}

/** A change whose canaries have it, and of whose early clusters two have it, four are at work on it and six wait. */
async function halfway(
  text: string,
  whenCanariesRun: () => void,
): Promise<{ digest: string; since: number }> {
  const since = spy.heard.length;
  const before = newest('canary-01')?.digest;
  for (const ring of STAGES) open.add(ring);
  await line.clone.write(OVERLAY, overlay(text));
  await line.clone.commit(`Ship ${text}`);
  const of = (ring: keyof typeof RINGS) => {
    const digest = newest('canary-01')?.digest;
    if (!digest || digest === before) return [];
    return RINGS[ring].filter((name) => newest(name)?.digest === digest);
  };
  await until('the canaries to begin', () =>
    of('canary').length === RINGS.canary.length ? true : undefined,
  );
  const digest = newest('canary-01')!.digest!;
  agents.finish('current', 'canary-01');
  whenCanariesRun();
  agents.finish('current', ...RINGS.canary.slice(1));
  await until('the next ring to begin', () => (of('early').length === AT_ONCE ? true : undefined));
  const [first, second] = of('early');
  agents.finish('current', first!, second!);
  await until('two more to begin', () => (of('early').length === AT_ONCE + 2 ? true : undefined));
  return { digest, since };
}

const epochs = () => new Map(CLUSTERS.map((name) => [name, agents.document(name)!.epoch] as const));

/** Everything that a cluster was told says what it runs. */
function assertNothingNew(attempts: ReadonlyMap<string, number>): void {
  for (const name of CLUSTERS) {
    assert.equal(agents.attempts(name).length, attempts.get(name), `${name} was given a new attempt`);
    const [assigned] = agents.document(name)!.assignments;
    const { attempt, digest } = newest(name)!;
    assert.deepEqual([assigned?.attempt, assigned?.digest], [attempt, digest], name);
  }
}

type Line60 = {
  fleet: { banners: { kind: string; message: string }[] };
  rollouts: { nodes: { phase: string; reason: string | null }[] };
};
const look = (limit: AbortSignal) =>
  ask<Line60>(
    line.graphql,
    '{ fleet { banners { kind message } } rollouts(filter: { placement: "shop" }, first: 1) { nodes { phase reason } } }',
    {},
    limit,
  );

/** From the loss on: nothing starts before somebody resumes, then the line goes on where it was. */
async function goesOn(
  { digest, since }: { digest: string; since: number },
  { attempts, ahead }: { attempts: ReadonlyMap<string, number>; ahead: ReadonlyMap<string, number> },
): Promise<void> {
  await until(
    'documents of the new hub, which agents accept',
    () => ([...ahead].every(([name, epoch]) => agents.document(name)!.epoch > epoch) ? true : undefined),
    () => [...ahead].filter(([name, epoch]) => agents.document(name)!.epoch <= epoch).join(' '),
  );
  const { fleet } = await eventually(
    'the banner',
    async (limit) => {
      const seen = await look(limit);
      return seen.fleet.banners.some(({ kind }) => kind === 'RECOVERED') ? seen : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  assert.match(fleet.banners.map(({ message }) => message).join(), /shop wait.*hub resume/);
  // What was at work comes to its end, and frees slots: those who wait go on waiting.
  const atWork = RINGS.early.filter((name) => newest(name)?.digest === digest);
  agents.finish('current', ...atWork);
  await until('the hub to hear of it', () =>
    atWork.every((name) => current(spy.heard, digest).has(name)) ? true : undefined,
  );
  await eventually(
    'everybody to be heard',
    async (limit) => {
      const query = '{ clusters(first: 100) { nodes { status { connectivity } } } }';
      type Answer = { clusters: { nodes: { status: { connectivity: string } }[] } };
      const { clusters } = await ask<Answer>(line.graphql, query, {}, limit);
      return clusters.nodes.every(({ status }) => status.connectivity === 'CONNECTED') ? true : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  assertNothingNew(attempts);
  const token = join(dataDir, 'access/admin.token');
  const resumed = flotilla(
    ...(['cli', 'hub', 'resume', '--reason', 'looked at what runs', '--yes'] as const),
    ...['--hub', line.hubUrl, '--token-file', token],
  );
  assert.equal(resumed.status, 0, resumed.said);
  open.clear();
  await everywhere('the change', () => digest);
  const heard = spy.heard.slice(since);
  assert.deepEqual(outOfOrder(heard, digest), []);
  assert.deepEqual(told(heard, digest).sort(), [...CLUSTERS].sort(), 'each is told once, by either hub');
  await eventually(
    'the rollout to succeed',
    async (limit) => ((await look(limit)).rollouts.nodes[0]?.phase === 'SUCCEEDED' ? true : undefined),
    PATIENCE_MS,
    signal,
  );
}

/** Ends hub and bus at once, and deletes what they have kept, but for `keep`. */
async function lose(...keep: readonly string[]): Promise<void> {
  await Promise.all([line.hub.kill9(), line.nats.kill9()]);
  for (const name of readdirSync(dataDir))
    if (!keep.includes(name)) rmSync(join(dataDir, name), { recursive: true });
}

test('restored from a backup taken some steps earlier, it changes nothing, and goes on where the line was', async () => {
  const file = join(scratch.dir, 'hub.backup');
  let asSaved = epochs();
  const change = await halfway('v1', () => {
    const { status, said } = hub('backup', file);
    assert.equal(status, 0, said);
    asSaved = epochs();
  });
  const attempts = new Map(CLUSTERS.map((name) => [name, agents.attempts(name).length] as const));
  const ahead = new Map([...epochs()].filter(([name, epoch]) => epoch > asSaved.get(name)!));
  assert.deepEqual(
    [...ahead.keys()].map((name) => ringOf.get(name)),
    Array(AT_ONCE + 2).fill('early'),
  );
  await lose();
  // As docs/running.md has it where nothing is left: the keys, what nats-server is told, and then the rest.
  const first = hub('restore', file);
  assert.notEqual(first.status, 0);
  assert.match(first.said, /NATS/);
  assert.equal(hub('init').status, 0);
  await line.nats.start(signal);
  const second = hub('restore', file);
  assert.equal(second.status, 0, second.said);
  await line.hub.start(signal);
  await goesOn(change, { attempts, ahead });
});

test('with Git and keys alone it takes up what agents have, and goes on where the line was', async () => {
  const change = await halfway('v2', () => undefined);
  const attempts = new Map(CLUSTERS.map((name) => [name, agents.attempts(name).length] as const));
  const ahead = epochs();
  await lose('keys', 'access');
  assert.equal(hub('init').status, 0);
  await line.nats.start(signal);
  await line.hub.start(signal);
  await goesOn(change, { attempts, ahead });
});
