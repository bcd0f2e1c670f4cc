import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { backUp } from '#hub/backup/backup.ts';
import { restore } from '#hub/backup/restore.ts';
import { dialNats } from '#hub/bus/connect.ts';
import { HUB_STATE_BUCKET, STREAMS } from '#proto/subjects.ts';
import { isRecovered } from '#rollouts/recover.ts';
import { type FakeAgent, overlay, type Rig, type RunningHub, startRig, until } from './hub-rig.ts';

/** What becomes of a hub whose JetStream was lost, is older, or takes nothing; on a real NATS and a real Git server. */
const signal = new AbortController().signal;
const STATE = `KV_${HUB_STATE_BUCKET}`;

async function manager(
  rig: Rig,
  use: (streams: JetStreamManager['streams'], write: JetStreamClient['publish']) => Promise<unknown>,
): Promise<void> {
  const dial = { servers: [rig.nats.url], trust: rig.trust, reconnectMs: 300 };
  const connection = await dialNats(dial, ({ message }) => assert.fail(message), signal);
  const client = jetstream(connection!);
  await use((await jetstreamManager(connection!)).streams, (...message) => client.publish(...message));
  await connection!.close();
}

const loseEverything = (rig: Rig) =>
  manager(rig, (streams) =>
    Promise.all([STATE, STREAMS.desired, STREAMS.status, STREAMS.events].map((name) => streams.delete(name))),
  );

/** Both agents have the first version and say so. */
async function settle(agents: readonly FakeAgent[], hub: RunningHub): Promise<void> {
  await until('the index', () => hub.view.index);
  for (const agent of agents) agent.hello(0);
  await until('both documents', () => (agents.every(({ document }) => document) ? true : undefined));
  await says(agents, hub);
}

async function says(agents: readonly FakeAgent[], { view, log }: RunningHub): Promise<void> {
  for (const agent of agents) agent.report('shop');
  const isCurrent = () => {
    const targets = view.state.fleet.lines.shop?.targets ?? {};
    return agents.every(({ cluster }) => targets[cluster]?.run?.phase === 'current') ? true : undefined;
  };
  await until('both Current', isCurrent, () => JSON.stringify(view.state) + log.slice(-5).join(''));
}

const ship = async (rig: Rig, text: string) => {
  await rig.clone.write('apps/shop/kustomization.yaml', overlay(text));
  return rig.clone.commit(text);
};
const arrives = (agents: readonly FakeAgent[], oid: string, hub: RunningHub) =>
  until(
    'the change',
    () => (agents.every(({ document }) => document?.assignments[0]?.revision === oid) ? true : undefined),
    () => JSON.stringify(hub.view.state) + hub.log.slice(-5).join(''),
  );
const has = ({ document }: FakeAgent) =>
  document?.assignments.map(({ attempt, digest }) => [attempt, digest]);
const resume = (hub: RunningHub) =>
  hub.hub.order({ kind: 'resumeRecovered', by: 'alice', reason: 'looked at what runs' }, signal);

test('a hub with Git and keys alone takes up what agents have, and goes on when it is resumed', async () => {
  await using rig = await startRig('hub-lost');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  const both = [east, west];
  {
    await using first = rig.startHub();
    await settle(both, first);
  }
  await loseEverything(rig);
  const before = both.map(has);
  const epochs = both.map(({ document }) => document!.epoch);
  const oid = await ship(rig, 'b');
  await using second = rig.startHub({ index: 'another' });
  await until('the index', () => (second.view.index?.head.oid === oid ? true : undefined));
  for (const agent of both) agent.hello();
  await until('the request for statuses', () =>
    both.every(({ asked }) => asked.length > 0) ? true : undefined,
  );
  for (const agent of both) agent.report('shop');
  await until(
    'documents of the new hub',
    () => (both.every(({ document }, at) => document!.epoch > epochs[at]!) ? true : undefined),
    () => JSON.stringify(second.view.state) + second.log.slice(-5).join(''),
  );
  assert.deepEqual(both.map(has), before, 'they say what the agents do already');
  assert.ok(isRecovered(second.view.state.fleet));
  const told = both.map(({ documents }) => documents.length);
  await says(both, second);
  assert.deepEqual(
    both.map(({ documents }) => documents.length),
    told,
    'nothing starts',
  );
  assert.ok('events' in (await resume(second)));
  await arrives(both, oid, second);
  assert.ok(!isRecovered(second.view.state.fleet));
});

test('a backup that is older than what agents have takes nobody back', async () => {
  await using rig = await startRig('hub-restored');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  const both = [east, west];
  const dataDir = join(rig.dir, 'hub');
  const natsUrls = [rig.nats.url];
  const file = join(rig.dir, 'hub.backup');
  let oid: string;
  {
    await using first = rig.startHub();
    await settle(both, first);
    const made = await backUp(
      { target: file, dataDir, natsUrls, force: false, version: '0', now: Date.now() },
      signal,
    );
    assert.ok(
      made.counts.file > 5 && made.counts.state > 2 && made.counts.message >= 2,
      JSON.stringify(made),
    );
    oid = await ship(rig, 'b');
    await arrives(both, oid, first);
    await says(both, first);
  }
  const options = { file, dataDir, natsUrls, leaseMs: 2_000, now: Date.now, talk: () => undefined };
  await assert.rejects(restore({ ...options, force: false }, signal), /state of a hub already; --force/);
  await loseEverything(rig);
  await restore({ ...options, force: false }, signal);
  await using second = rig.startHub();
  await until('the index', () => second.view.index);
  for (const agent of both) agent.report('shop');
  for (const agent of both) agent.hello();
  const takenUp = () => {
    const { lines, recovered } = second.view.state.fleet;
    const { east: a, west: b } = lines.shop?.targets ?? {};
    return recovered && a?.run?.revision === oid && b?.run?.revision === oid ? true : undefined;
  };
  await until(
    'both taken up',
    takenUp,
    () => JSON.stringify(second.view.state) + second.log.slice(-5).join(''),
  );
  await resume(second);
  const third = await ship(rig, 'c');
  await arrives(both, third, second);
  for (const { documents } of both) {
    const revisions = documents.map(({ assignments }) => assignments[0]?.revision);
    assert.equal(revisions.lastIndexOf(oid) + 1, revisions.indexOf(third), 'nothing older in between');
  }
});

test('a line whose entry cannot be read starts nothing, says so, and goes on when it is resumed', async () => {
  await using rig = await startRig('hub-unreadable');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  const both = [east, west];
  {
    await using first = rig.startHub();
    await settle(both, first);
  }
  await manager(rig, (_, write) => write(`$KV.${HUB_STATE_BUCKET}.line.shop`, '{"v":2,'));
  const oid = await ship(rig, 'b');
  await using second = rig.startHub();
  await until('the index', () => (second.view.index?.head.oid === oid ? true : undefined));
  const paused = await until(
    'the pause',
    () => second.view.state.fleet.lines.shop?.pauses.find(({ cause }) => cause === 'recovered'),
    () => second.log.slice(-5).join(''),
  );
  assert.match(paused.reason, /cannot be read/);
  assert.ok(second.view.events.some(({ what, reason }) => what === 'paused' && reason === paused.reason));
  assert.match(second.log.join(''), /hub state: line\.shop cannot be read/);
  for (const agent of both) agent.hello();
  await says(both, second);
  assert.deepEqual(
    both.map(
      ({ documents }) => documents.filter(({ assignments }) => assignments[0]?.revision === oid).length,
    ),
    [0, 0],
  );
  await resume(second);
  await arrives(both, oid, second);
});

test('while JetStream takes nothing, nothing starts, what agents say is shown, and it goes on by itself', async () => {
  await using rig = await startRig('hub-full');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  const both = [east, west];
  await using hub = rig.startHub({ leaseMs: 2_000 });
  const { view } = hub;
  await settle(both, hub);
  const { config } = await (async () => {
    let info: Awaited<ReturnType<JetStreamManager['streams']['info']>> | undefined;
    await manager(rig, async (streams) => {
      info = await streams.info(STATE);
      await streams.update(STATE, { ...info.config, max_bytes: 1 });
    });
    return info!;
  })();
  const oid = await ship(rig, 'b');
  await until('the trouble', () => (view.store?.ok === false ? true : undefined));
  assert.equal(view.store?.code, 'store-failed');
  await until('the index', () => (view.index?.head.oid === oid ? true : undefined));
  await until('the lease to be lost', () => (view.leader === undefined ? true : undefined));
  const [heard, told] = [view.statuses.length, both.map(({ documents }) => documents.length)];
  for (const agent of both) agent.report('shop');
  await until('what they say', () => (view.statuses.length >= heard + 2 ? true : undefined));
  await assert.rejects(
    hub.hub.order({ kind: 'hold', cluster: 'east', by: 'alice' }, signal),
    /does not decide|cannot save|JetStream/,
  );
  assert.deepEqual(
    both.map(({ documents }) => documents.length),
    told,
  );
  assert.equal(view.bus?.ok, true, 'the bus is there');
  await manager(rig, (streams) => streams.update(STATE, { ...config, max_bytes: -1 }));
  await arrives(both, oid, hub);
  await until('the end of the trouble', () => (view.store?.ok && view.leader === 'hub-1') || undefined);
});
