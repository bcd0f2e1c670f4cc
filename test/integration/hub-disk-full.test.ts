import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from 'nats';
import { dialNats } from '#hub/bus/connect.ts';
import { NatsSystem } from '#hub/bus/nats-system.ts';
import { fleetAccountJwt, systemUserJwt } from '#hub/bus/trust.ts';
import { createNkey } from '#proto/nkey.ts';
import { HUB_STATE_BUCKET, STREAMS } from '#proto/subjects.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { makeScratch } from '../bed/scratch.ts';
import { SmallDisk } from '../bed/small-disk.ts';
import { connectAgent } from './hub-nats.ts';
import { type FakeAgent, overlay, type Rig, type RunningHub, startRig } from './hub-rig.ts';

/** What becomes of a hub while the file system of nats-server is really full, and afterwards. */
const signal = new AbortController().signal;
const STATE = `KV_${HUB_STATE_BUCKET}`;
const DISK_MB = 48;
/** More than the bounds of all streams together, or they are not made at all. */
const BELIEVED_BYTES = 64 * 2 ** 30;

const until = <T>(what: string, look: () => T | undefined, { log }: Pick<RunningHub, 'log'>): Promise<T> =>
  eventually(
    what,
    async () => look(),
    PATIENCE_MS,
    signal,
    () => log.slice(-8).join(''),
  );

async function connectAsSystem({ nats, trust }: Rig) {
  const user = createNkey('user');
  const jwt = systemUserJwt(trust, user.publicKey);
  const sign = (nonce = '') => Buffer.from(user.sign(Buffer.from(nonce))).toString('base64url');
  return connect({
    servers: nats.url,
    authenticator: (nonce) => ({ jwt, nkey: user.publicKey, sig: sign(nonce) }),
  });
}

async function dial({ nats, trust }: Rig) {
  const options = { servers: [nats.url], trust, reconnectMs: 300 };
  return (await dialNats(options, ({ message }) => assert.fail(message), signal))!;
}

/** Stream → its newest sequence and number of messages. */
async function stored(rig: Rig): Promise<Record<string, readonly [last: number, messages: number]>> {
  const connection = await dial(rig);
  const { streams } = await jetstreamManager(connection);
  const entries = [STATE, ...Object.values(STREAMS)].map(async (name) => {
    const { state } = await streams.info(name);
    return [name, [state.last_seq, state.messages]] as const;
  });
  const found = Object.fromEntries(await Promise.all(entries));
  await connection.close();
  return found;
}

async function settle(agents: readonly FakeAgent[], hub: RunningHub): Promise<void> {
  await until('the index', () => hub.view.index, hub);
  for (const agent of agents) agent.hello(0);
  const isTold = () => (agents.every(({ document }) => document) ? true : undefined);
  await until('both documents', isTold, hub);
  for (const agent of agents) agent.report('shop');
  const isCurrent = () => {
    const targets = hub.view.state.fleet.lines.shop?.targets ?? {};
    return agents.every(({ cluster }) => targets[cluster]?.run?.phase === 'current') ? true : undefined;
  };
  await until('both Current', isCurrent, hub);
}

const ship = async (rig: Rig, text: string) => {
  await rig.clone.write('apps/shop/kustomization.yaml', overlay(text));
  return rig.clone.commit(text);
};
const arrives = (agents: readonly FakeAgent[], oid: string, hub: RunningHub) =>
  until(
    'the change',
    () => (agents.every(({ document }) => document?.assignments[0]?.revision === oid) ? true : undefined),
    hub,
  );

test('streams that nats-server opens anew have lost nothing, and nobody is disconnected', async () => {
  await using rig = await startRig('hub-reopened');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  {
    await using hub = rig.startHub();
    await settle([east, west], hub);
  }
  const before = await stored(rig);
  await using north = await connectAgent(rig.nats.url, rig.trust, { cluster: 'north' });
  await using system = await NatsSystem.open(rig.nats.url, rig.trust);
  assert.deepEqual(await system.troubles(), []);
  await system.reopenStreams();
  assert.deepEqual(await stored(rig), before);
  await north.connection.flush();
  assert.equal(north.connection.isClosed(), false);
  const connection = await dial(rig);
  await jetstream(connection).publish('audit.test.x', 'goes on');
  await connection.close();
  await using hub = rig.startHub();
  await arrives([east, west], await ship(rig, 'b'), hub);
});

test('an account that a hub has left without JetStream when it died gets it back', async () => {
  await using rig = await startRig('hub-js-off');
  await using hub = rig.startHub({ leaseMs: 2_000 });
  await until('the hub to decide', () => hub.view.leader, hub);
  const { account } = rig.trust;
  const system = await connectAsSystem(rig);
  const subject = `$SYS.REQ.ACCOUNT.${account.publicKey}.CLAIMS.UPDATE`;
  await system.request(subject, fleetAccountJwt(rig.trust, { jetStream: false }));
  await system.close();
  await until('the trouble', () => (hub.view.store?.ok === false ? true : undefined), hub);
  await until('its end', () => (hub.view.store?.ok && hub.view.leader ? true : undefined), hub);
});

test('on a full file system nothing starts and what agents say is shown; with room it goes on, and nobody restarts anything', async (t) => {
  const scratch = await makeScratch('disk-full');
  await using _scratch = scratch;
  const mounted = SmallDisk.mount(join(scratch.dir, 'disk'), DISK_MB);
  if (typeof mounted === 'string') {
    t.diagnostic(`NOT TESTED on a full file system, for none can be mounted here: ${mounted}`);
    assert.notEqual(process.getuid?.(), 0, `root can mount one, and could not: ${mounted}`);
    return;
  }
  using disk = mounted;
  const store = { storeDir: join(disk.path, 'jetstream'), maxStoreBytes: BELIEVED_BYTES };
  await using rig = await startRig('hub-disk-full', store);
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  const both = [east, west];
  await using hub = rig.startHub({ leaseMs: 2_000 });
  const { view } = hub;
  await settle(both, hub);
  const { pid } = rig.nats;

  disk.fill();
  const oid = await ship(rig, 'b'.repeat(5_000));
  const trouble = await until(
    'what nats-server says of itself',
    () => (/no space left on device/.test(view.store?.message ?? '') ? view.store : undefined),
    hub,
  );
  assert.equal(trouble.ok, false);
  assert.match(trouble.message ?? '', /nats-server cannot write .*make room.*nothing is to be restarted/);
  await until('the index', () => (view.index?.head.oid === oid ? true : undefined), hub);
  const [heard, told] = [view.statuses.length, both.map(({ documents }) => documents.length)];
  for (const agent of both) agent.report('shop');
  await until('what they say', () => (view.statuses.length >= heard + 2 ? true : undefined), hub);
  await assert.rejects(hub.hub.order({ kind: 'hold', cluster: 'east', by: 'alice' }, signal));
  assert.deepEqual(
    both.map(({ documents }) => documents.length),
    told,
    'nothing starts',
  );
  const before = await stored(rig);

  disk.empty();
  await arrives(both, oid, hub);
  await until('the end of the trouble', () => (view.store?.ok ? true : undefined), hub);
  assert.equal(rig.nats.pid, pid, 'the same nats-server');
  const after = await stored(rig);
  for (const [name, [last]] of Object.entries(before)) assert.ok(after[name]![0] >= last, name);

  // A nats-server that somebody restarts instead is as good, also while there is no room yet.
  disk.fill();
  const next = await ship(rig, 'c'.repeat(5_000));
  await until('the trouble', () => (view.store?.ok === false ? true : undefined), hub);
  await rig.nats.kill9();
  await rig.nats.start(signal);
  disk.empty();
  await arrives(both, next, hub);
});
