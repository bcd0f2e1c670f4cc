import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from 'nats';
import { dialNats } from '#hub/bus/connect.ts';
import { ensureStreams } from '#hub/bus/streams.ts';
import type { Trust } from '#hub/bus/trust.ts';
import { createNkey } from '#proto/nkey.ts';
import { desiredSubject, down, STREAMS, up } from '#proto/subjects.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import type { NatsServer } from '../bed/nats-server.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { connectAgent, connectWith, startTrustedNats, type TestAgent } from './hub-nats.ts';

/** What the agent of one cluster can and cannot do on a real server, with the hub's streams and the hub at work on it. */
const signal = new AbortController().signal;
let scratch: Scratch;
let nats: NatsServer;
let trust: Trust;
let hub: NatsConnection;

before(async () => {
  scratch = await makeScratch('permissions');
  ({ nats, trust } = await startTrustedNats(scratch.dir));
  const options = { servers: [nats.url], trust, reconnectMs: 500 };
  hub = (await dialNats(options, (fault) => assert.fail(fault.message), signal))!;
  await ensureStreams(await jetstreamManager(hub, { checkAPI: false }));
});
after(async () => {
  await hub?.close();
  await nats?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

/** Resolves with what the server says when it refuses what `act` does. */
async function refusal(agent: TestAgent, act: (connection: NatsConnection) => void): Promise<string> {
  const before = agent.refused.length;
  act(agent.connection);
  await agent.connection.flush();
  return eventually('a refusal', async () => agent.refused[before], PATIENCE_MS, signal);
}

async function stored(stream: string): Promise<Record<string, number>> {
  const manager = await jetstreamManager(hub, { checkAPI: false });
  const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
  return state.subjects ?? {};
}

/** What was published is stored some time after nats-server has taken it. */
const untilStored = (stream: string, subject: string) =>
  eventually(
    `${subject} to be stored`,
    async () => ((await stored(stream))[subject] === undefined ? undefined : true),
    PATIENCE_MS,
    signal,
  );

test('an agent may publish below up.<its cluster> and hear below down.<its cluster>', async () => {
  await using agent = await connectAgent(nats.url, trust, { cluster: 'a' });
  const heard: string[] = [];
  agent.connection.subscribe(down.all('a'), { callback: (_, { subject }) => void heard.push(subject) });
  agent.connection.publish(up.status('a', 'shop'), '{}');
  await agent.connection.flush();
  hub.publish(down.rpc('a', 'status'), '{}');
  await eventually('the rpc to arrive', async () => heard.at(0), PATIENCE_MS, signal);
  assert.deepEqual(heard, [down.rpc('a', 'status')]);
  await untilStored(STREAMS.status, up.status('a', 'shop'));
  assert.deepEqual(agent.refused, []);
});

const FOREIGN_WRITES = [
  up.status('b', 'shop'),
  up.hello('b'),
  up.heartbeat('b'),
  up.event('b'),
  down.desired('b'),
  down.desired('a'),
  down.rpc('b', 'resync'),
  desiredSubject('a'),
  desiredSubject('b'),
  'audit.anything',
  'audit.operation.x',
  'history.a.shop',
  'history.b.shop',
  '$KV.hub-state.cluster.b',
  '$JS.API.STREAM.DELETE.DESIRED',
  '$JS.API.DIRECT.GET.DESIRED.desired.b',
  '$SYS.REQ.SERVER.PING',
  '_INBOX.x',
];
for (const subject of FOREIGN_WRITES) {
  test(`an agent of a cannot publish to ${subject}`, async () => {
    await using agent = await connectAgent(nats.url, trust, { cluster: 'a' });
    const before = { ...(await stored(STREAMS.status)), ...(await stored(STREAMS.desired)) };
    const said = await refusal(agent, (c) => c.publish(subject, '{}'));
    assert.match(said, /permissions violation/i);
    assert.deepEqual({ ...(await stored(STREAMS.status)), ...(await stored(STREAMS.desired)) }, before);
  });
}

for (const subject of [
  'up.>',
  'up.a.>',
  'down.>',
  'down.b.>',
  'down.*.desired',
  'desired.>',
  'audit.>',
  'history.>',
  '_INBOX.>',
  '>',
  '$SYS.>',
  '$KV.>',
]) {
  test(`an agent of a cannot subscribe to ${subject}`, async () => {
    await using agent = await connectAgent(nats.url, trust, { cluster: 'a' });
    let heard = 0;
    const said = await refusal(agent, (c) =>
      c.subscribe(subject, { callback: (error) => void (error || heard++) }),
    );
    assert.match(said, /permissions violation/i);
    for (const one of [down.desired('b'), up.hello('b'), 'desired.b']) hub.publish(one, 'secret');
    await hub.flush();
    await agent.connection.flush();
    assert.equal(heard, 0);
  });
}

test('a reply subject writes nothing into another cluster, whatever stream the message goes to', async () => {
  const document = '{"v":1}';
  await jetstream(hub).publish(desiredSubject('b'), document);
  await using agent = await connectAgent(nats.url, trust, { cluster: 'a' });
  await using victim = await connectAgent(nats.url, trust, { cluster: 'b' });
  const heard: string[] = [];
  victim.connection.subscribe(down.all('b'), {
    callback: (_, { subject, data }) => void heard.push(`${subject} ${Buffer.from(data)}`),
  });
  await victim.connection.flush();
  const targets = [
    down.desired('b'),
    desiredSubject('b'),
    up.status('b', 'shop'),
    '$KV.hub-state.cluster.b',
    'audit.operation.x',
    'history.b.shop',
  ];
  const before = [await stored(STREAMS.desired), await stored(STREAMS.status), await stored(STREAMS.events)];
  for (const reply of targets) {
    for (const subject of [up.event('a'), up.status('a', 'x'), up.hello('a'), up.heartbeat('a')])
      agent.connection.publish(subject, '{}', { reply });
  }
  await agent.connection.flush();
  await eventually(
    'the messages to be stored',
    async () => ((await stored(STREAMS.events))[up.event('a')] === targets.length ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await untilStored(STREAMS.status, up.status('a', 'x'));
  await victim.connection.flush();
  assert.deepEqual(heard, []);
  const last = await (await jetstreamManager(hub, { checkAPI: false })).streams.getMessage(STREAMS.desired, {
    last_by_subj: desiredSubject('b'),
  });
  assert.equal(last && Buffer.from(last.data).toString(), document);
  assert.deepEqual(await stored(STREAMS.desired), before[0]);
  assert.deepEqual([await stored(STREAMS.audit), await stored(STREAMS.history)], [{}, {}]);
  assert.deepEqual(await stored(STREAMS.status), { ...before[1], [up.status('a', 'x')]: 1 });
});

test('headers of JetStream on a status cannot roll up the statuses of others', async () => {
  await using victim = await connectAgent(nats.url, trust, { cluster: 'b' });
  victim.connection.publish(up.status('b', 'shop'), '{}');
  await untilStored(STREAMS.status, up.status('b', 'shop'));
  await using agent = await connectAgent(nats.url, trust, { cluster: 'a' });
  const rollup = headers();
  rollup.set('Nats-Rollup', 'all');
  agent.connection.publish(up.status('a', 'shop'), '{}', { headers: rollup });
  agent.connection.publish(up.status('a', 'behind'), '{}');
  await untilStored(STREAMS.status, up.status('a', 'behind'));
  assert.equal((await stored(STREAMS.status))[up.status('b', 'shop')], 1);
});

test('a public JWT is of no use with another seed', async () => {
  const [key, thief] = [createNkey('user'), createNkey('user')];
  await assert.rejects(
    connectAgent(nats.url, trust, { cluster: 'a', key, seed: thief }),
    /authorization violation|auth/i,
  );
});

test('a token that the account did not sign is refused', async () => {
  const [key, other] = [createNkey('user'), createNkey('account')];
  await assert.rejects(
    connectAgent(nats.url, { ...trust, agents: other }, { cluster: 'a', key }),
    /authorization violation|auth/i,
  );
  await assert.rejects(connectWith(nats.url, '', key, key, 'a'), /authorization violation|auth/i);
});
