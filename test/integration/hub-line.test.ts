import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { dialNats } from '#hub/bus/connect.ts';
import { removalSetHash } from '#proto/removals.ts';
import { STREAMS, up } from '#proto/subjects.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { type FakeAgent, FLEET, overlay, placement, type Rig, startRig, until } from './hub-rig.ts';

const digestOf = (agent: FakeAgent, of = 'shop') =>
  agent.document?.assignments.find((one) => one.placement === of)?.digest;

/** What a stream of the hub says of itself. */
async function streamState({ nats, trust }: Rig, stream: string) {
  const options = { servers: [nats.url], trust, reconnectMs: 500 };
  const connection = await dialNats(
    options,
    ({ message }) => assert.fail(message),
    new AbortController().signal,
  );
  assert.ok(connection);
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    return (await manager.streams.info(stream)).state;
  } finally {
    await connection.close();
  }
}
/** How many messages the DESIRED stream has ever taken. */
const published = async (rig: Rig) => (await streamState(rig, STREAMS.desired)).last_seq;
/** How many statuses are stored. */
const stored = async (rig: Rig) => (await streamState(rig, STREAMS.status)).messages;

test('a commit travels to a signed document, a report to the state of its target, and a removal to its end', async () => {
  await using rig = await startRig('hub-line');
  await using agent = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  await using running = rig.startHub();
  const { view } = running;
  await until('the index', () => view.index);
  await until('the bus', () => (view.bus?.ok ? true : undefined));
  assert.equal(await published(rig), 0, 'nothing is published before a hello');

  west.hello(0);
  await until('the document of the other cluster', () => west.document);
  west.report('shop');
  agent.hello(0);
  const first = await until('the first document', () => agent.document);
  const head = await rig.clone.head();
  assert.equal(first.head, head);
  assert.deepEqual(
    first.assignments.map(({ placement: name, revision, entryRevision }) => [name, revision, entryRevision]),
    [['shop', head, head]],
  );
  agent.report('shop');
  await until('the target to be Current', () =>
    view.state.fleet.lines.shop?.targets.east?.state === 'Current' ? true : undefined,
  );

  await rig.clone.write('docs/readme.md', 'nothing that renders');
  const unrelated = await rig.clone.commit('Unrelated');
  await until('the unrelated commit to be indexed', () =>
    view.index?.head.oid === unrelated ? true : undefined,
  );
  await rig.clone.write('apps/shop/kustomization.yaml', overlay('b'));
  const changed = await rig.clone.commit('Change');
  const second = await until('the change', () =>
    agent.document?.assignments[0]?.revision === changed ? agent.document : undefined,
  );
  assert.equal(agent.documents.length, 2, 'the unrelated commit published nothing');
  assert.ok(second.epoch > first.epoch);
  assert.ok(second.assignments[0]!.attempt > first.assignments[0]!.attempt);
  assert.equal(second.head, first.head, 'nothing that is read at once has changed');
  agent.report('shop');
  await until('the change on the other cluster', () =>
    west.document?.assignments[0]?.revision === changed ? true : undefined,
  );
  west.report('shop');

  await rig.clone.write('placements/other.yaml', placement('other', '{ matchLabels: { env: none } }'));
  await rig.clone.remove('placements/shop.yaml');
  const removal = removalSetHash('shop', ['east', 'west']);
  const approvals = `approvals: [{ placement: shop, removal: ${removal} }]`;
  await rig.clone.write('flotilla.yaml', FLEET.replace('branch: main', `branch: main, ${approvals}`));
  const gone = await rig.clone.commit('Remove');
  const third = await until('the removal', () =>
    agent.document?.removed.length ? agent.document : undefined,
  );
  const order = {
    placement: 'shop',
    revision: gone,
    entryRevision: head,
    attempt: third.removed[0]?.attempt,
  };
  assert.deepEqual([third.assignments, third.removed], [[], [order]]);
  agent.report('shop', { removed: true });
  await until('the end of the removal', () => (agent.document?.removed.length === 0 ? true : undefined));
});

test('a hub that starts again publishes nothing that is published already, and answers a hello with it', async () => {
  await using rig = await startRig('hub-restart');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  {
    await using first = rig.startHub();
    await until('the index', () => first.view.index);
    await until('the bus', () => (first.view.bus?.ok ? true : undefined));
    east.hello(0);
    west.hello(0);
    await until('both documents', () => (east.document && west.document ? true : undefined));
    east.report('shop');
    west.report('shop');
    await until('the target to be Current', () =>
      first.view.state.fleet.lines.shop?.targets.east?.state === 'Current' ? true : undefined,
    );
  }
  const before = await published(rig);
  // With Git away the hub still has what it decided.
  await rig.git.stop();
  await using second = rig.startHub();
  await until('the bus', () => (second.view.bus?.ok ? true : undefined));
  await until('the stored status', () => second.view.statuses.at(0));
  east.hello();
  await until('an answer', () => east.documents[1]);
  assert.deepEqual(east.documents[1], east.documents[0]);
  assert.equal(second.view.state.fleet.lines.shop?.targets.east?.state, 'Current');
  await rig.git.start();
  await until('the index', () => second.view.index);
  assert.equal(await published(rig), before);

  await rig.clone.write('apps/shop/kustomization.yaml', overlay('b'));
  const oid = await rig.clone.commit('Change');
  await until('the change', () => (west.document?.assignments[0]?.revision === oid ? true : undefined));
});

test('a hub that lost its state waits for a hello and is obeyed: its epoch is later than the agent’s', async () => {
  await using rig = await startRig('hub-epoch');
  await using agent = await rig.startAgent('east');
  await using running = rig.startHub();
  await until('the bus', () => (running.view.bus?.ok ? true : undefined));
  const far = Date.now() + 1_000_000_000;
  agent.hello(far);
  assert.equal((await until('a document', () => agent.document)).epoch, far + 1);
  agent.hello(far + 10);
  await until('a later one', () => ((agent.document?.epoch ?? 0) === far + 11 ? true : undefined));
});

test('a heartbeat is as good as a hello for a hub that knows nothing of the agent', async () => {
  await using rig = await startRig('hub-heartbeat');
  await using agent = await rig.startAgent('east');
  await using running = rig.startHub();
  await until('the bus', () => (running.view.bus?.ok ? true : undefined));
  agent.heartbeat();
  await until('a document', () => agent.document);
});

test('two hubs at once agree on one document for every cluster, with epochs that only grow', async () => {
  await using rig = await startRig('hub-two');
  await using east = await rig.startAgent('east');
  await using west = await rig.startAgent('west');
  await using one = rig.startHub({ index: 'index-1' });
  await using two = rig.startHub({ index: 'index-2' });
  for (const { view } of [one, two]) {
    await until('the index', () => view.index);
    await until('the bus', () => (view.bus?.ok ? true : undefined));
  }
  for (const agent of [east, west]) agent.hello(0);
  await until('both documents', () => (east.document && west.document ? true : undefined));
  for (let i = 0; i < 8; i++) {
    await rig.clone.write('apps/shop/kustomization.yaml', overlay(`v${i}`));
    await rig.clone.write(`docs/${i}.md`, `${i}`);
    const oid = await rig.clone.commit(`Change ${i}`);
    await until(`change ${i} on both`, () =>
      [east, west].every((agent) => agent.document?.assignments[0]?.revision === oid) ? true : undefined,
    );
  }
  // As it is stored: nobody promises the order of keys, or tells apart what is absent from what is undefined.
  const clusters = () => [one, two].map(({ view }) => JSON.parse(JSON.stringify(view.state.clusters)));
  await until(
    'the same state on both',
    () => {
      const [first, second] = clusters();
      return isDeepStrictEqual(first, second) || undefined;
    },
    () => JSON.stringify(clusters()),
  );
  for (const agent of [east, west]) {
    await until('what state says', () =>
      agent.document?.epoch === one.view.state.clusters[agent.cluster]!.epoch ? true : undefined,
    );
    const attempts = agent.documents.map(({ assignments }) => assignments[0]!.attempt);
    // A hello may be answered by both; what is published afterwards never goes back.
    assert.deepEqual(
      agent.documents.map((document) => document.epoch),
      agent.documents.map(({ epoch: e }) => e).toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      attempts,
      attempts.toSorted((a, b) => a - b),
    );
  }
});

test('what an agent says wrongly is counted and said once; the rest goes on', async () => {
  await using rig = await startRig('hub-refusals');
  await using agent = await rig.startAgent('east');
  await using running = rig.startHub();
  const { view, log } = running;
  await until('the bus', () => (view.bus?.ok ? true : undefined));
  await until('the index', () => view.index);
  agent.hello(0);
  await until('a document', () => agent.document);
  const good = agent.report('shop');
  await until('a status', () => view.statuses.at(0));
  for (let i = 0; i < 3; i++) {
    agent.send(up.status('east', 'shop'), 'not json');
    agent.send(up.status('east', 'shop'), { ...good, v: 2 });
    agent.send(up.status('east', 'shop'), { ...good, cluster: 'west', seq: 50 });
    agent.send(up.status('east', 'shop'), { ...good, placement: 'other', seq: 50 });
    agent.send('up.east.nonsense', {});
    agent.send(up.hello('east'), { v: 1 });
  }
  agent.report('shop');
  await until('a later status', () => view.statuses.at(1));
  const words = ['malformed', 'version-unknown', 'wrong-cluster', 'wrong-placement', 'unknown-subject'];
  for (const word of words) {
    assert.equal(log.filter((line) => line.includes(`(${word})`)).length, 1, `${word} in the log`);
  }
  assert.deepEqual(
    view.statuses.map(({ cluster }) => cluster),
    ['east', 'east'],
  );
});

test('statuses of placements beyond what a cluster may have are refused, and do not stay in the stream', async () => {
  await using rig = await startRig('hub-surplus');
  await using agent = await rig.startAgent('east');
  await using running = rig.startHub();
  const { view, log } = running;
  await until('the bus', () => (view.bus?.ok ? true : undefined));
  await until('the index', () => view.index);
  for (let i = 0; i < 505; i++) agent.report(`p${i}`);
  await until('all that there is room for', () => (view.statuses.length === 500 ? true : undefined));
  await until('the refusal', () => log.find((line) => line.includes('(too-many)')));
  await eventually(
    'the stream tidied',
    async () => ((await stored(rig)) === 500 ? true : undefined),
    PATIENCE_MS,
    new AbortController().signal,
  );
});

test('a heartbeat that names statuses which the hub does not have makes it ask for them', async () => {
  await using rig = await startRig('hub-ask');
  await using agent = await rig.startAgent('east');
  await using running = rig.startHub();
  await until('the bus', () => (running.view.bus?.ok ? true : undefined));
  await until('the index', () => running.view.index);
  agent.heartbeat();
  await until('the heartbeat', () => running.view.heard.find((one) => one === 'heartbeat east'));
  assert.deepEqual(agent.asked, []);
  agent.heartbeat('0'.repeat(64));
  await until('the question', () => agent.asked.at(0));
  assert.deepEqual(agent.asked, ['down.east.rpc.status']);
});

test('the broker may die: the hub says so, comes back by itself and goes on where it was', async () => {
  await using rig = await startRig('hub-broker');
  await using running = rig.startHub();
  const { view } = running;
  {
    await using agent = await rig.startAgent('east');
    await until('the bus', () => (view.bus?.ok ? true : undefined));
    await until('the index', () => view.index);
    agent.hello(0);
    await until('a document', () => agent.document);
  }
  const { epoch } = view.state.clusters.east!;
  await rig.nats.kill9();
  const lost = await until('the loss', () => (view.bus?.ok === false ? view.bus : undefined));
  assert.equal(lost.code, 'nats-unreachable');
  await rig.clone.write('apps/shop/kustomization.yaml', overlay('b'));
  const oid = await rig.clone.commit('While the broker is away');
  await until('the commit', () => (view.index?.head.oid === oid ? true : undefined));
  await rig.nats.start();
  await until('the bus again', () => (view.bus?.ok ? true : undefined));
  await until('a later document', () => ((view.state.clusters.east?.epoch ?? 0) > epoch ? true : undefined));
  await using again = await rig.startAgent('east');
  again.hello(epoch);
  await until('the change', () => (again.document?.assignments[0]?.revision === oid ? true : undefined));
  assert.ok(digestOf(again));
});

test('only a committed key is given a token, and a deleted entry takes it away', async () => {
  await using rig = await startRig('hub-bootstrap');
  await using running = rig.startHub();
  const { hub, view } = running;
  const key = rig.keys.east.publicKey;
  assert.equal(hub.bootstrap(key), undefined);
  await until('the index', () => view.index);
  const given = hub.bootstrap(key);
  assert.deepEqual(
    { ...given, jwt: given?.jwt.split('.').length },
    { v: 1, cluster: 'east', jwt: 3, natsUrls: ['nats://public:4222'], hubKeys: [rig.trust.hub.publicKey] },
  );
  await rig.clone.remove('clusters/east.yaml');
  await rig.clone.commit('Revoke');
  await until('the key to be unknown', () => (hub.bootstrap(key) === undefined ? true : undefined));
});
