import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_STATE } from './types.ts';
import type { Change } from './view/changes.ts';
import {
  decided,
  digestOf,
  drifted,
  event,
  heartbeat,
  hello,
  iso,
  leaving,
  oid,
  START,
  snapshot,
  status,
  viewOf,
  withLines,
} from './view/testing/fleet.ts';
import { ReadModel } from './view.ts';

const TWO = { clusters: { a: {}, b: {} }, placements: { platform: {}, shop: { on: ['a'] } } };
const PATIENCE = { heartbeatMs: 10_000, offlineAfterMs: 60_000 };
const stateOf = (view: ReadModel, name: string) => view.cluster(name)!.status;

test('a cluster that has never spoken is NEVER_CONNECTED since its entry was committed', () => {
  const { connectivity, headline, sync } = stateOf(viewOf(TWO), 'a');
  assert.equal(connectivity.state, 'NEVER_CONNECTED');
  assert.equal(connectivity.since, START - 120_000);
  assert.equal(headline.state, 'UNKNOWN');
  assert.equal(sync.reason, 'platform: the agent to connect for the first time (and 1 more)');
});

test('three missed heartbeats at their longest make STALE, the limit makes OFFLINE, a word makes CONNECTED', () => {
  const view = viewOf(TWO, { patience: PATIENCE });
  for (const placement of ['platform', 'shop']) view.onStatus(status('a', placement), START);
  assert.equal(stateOf(view, 'a').headline.state, 'OK');
  view.tick(START + 35_999);
  assert.equal(stateOf(view, 'a').connectivity.state, 'CONNECTED');
  view.tick(START + 36_000);
  assert.deepEqual(stateOf(view, 'a').connectivity, {
    state: 'STALE',
    reason: 'missed 3 heartbeats',
    since: START,
  });
  assert.equal(stateOf(view, 'a').headline.state, 'UNKNOWN');
  view.tick(START + 60_000);
  assert.equal(stateOf(view, 'a').headline.state, 'OFFLINE');
  assert.equal(stateOf(view, 'a').health.state, 'CURRENT', 'what was known last is kept beside it');
  view.onHeartbeat(heartbeat('a'), START + 61_000);
  assert.deepEqual(stateOf(view, 'a').connectivity, { state: 'CONNECTED', since: START + 61_000 });
  assert.equal(view.observedAt('a'), START + 61_000);
});

test('while the hub itself is cut off nobody is judged, and afterwards everybody has full patience anew', () => {
  const view = viewOf(TWO, { patience: PATIENCE });
  view.onHello(hello('a'), START);
  view.tick(START + 35_000);
  view.setBus({ ok: false, message: 'NATS is away' });
  view.tick(START + 3_600_000);
  assert.equal(stateOf(view, 'a').connectivity.state, 'CONNECTED');
  view.setBus({ ok: true });
  view.tick(START + 3_635_000);
  assert.equal(stateOf(view, 'a').connectivity.state, 'CONNECTED');
  view.tick(START + 3_636_000);
  assert.equal(stateOf(view, 'a').connectivity.state, 'STALE');
});

test('what was stored before the hub started is shown, but is no sign of life', () => {
  const view = viewOf(TWO, { patience: PATIENCE });
  view.onStatus(status('a', 'platform'), START - 5_000);
  view.onStatus(status('a', 'shop'), START - 4_000);
  const { connectivity, health } = stateOf(view, 'a');
  assert.deepEqual(connectivity, {
    state: 'STALE',
    reason: 'not heard of since the hub started',
    since: START - 4_000,
  });
  assert.equal(health.state, 'CURRENT');
  view.tick(START + 60_000);
  assert.equal(stateOf(view, 'a').connectivity.state, 'OFFLINE');
  view.onHeartbeat(heartbeat('a'), START + 60_500);
  assert.equal(stateOf(view, 'a').headline.state, 'OK');
});

test('what was stored while the hub was cut off is no sign of life either', () => {
  const view = viewOf(TWO, { patience: PATIENCE });
  view.onHello(hello('a'), START);
  view.tick(START + 60_000);
  view.setBus({ ok: false, message: 'NATS is away' });
  view.tick(START + 600_000);
  view.onStatus(status('a', 'shop', { health: ['FAILED', 'x'] }), START + 100_000);
  view.setBus({ ok: true });
  assert.equal(stateOf(view, 'a').connectivity.state, 'OFFLINE');
  assert.equal(stateOf(view, 'a').health.state, 'FAILED');
  assert.equal(view.observedAt('a'), START + 100_000);
});

test('a status that is not newer is dropped, and repeating one changes nothing', () => {
  const view = viewOf(TWO);
  const older = status('a', 'shop', { health: ['FAILED'] });
  const newer = status('a', 'shop');
  view.onStatus(newer, START);
  const { version } = view.changes;
  view.onStatus(older, START + 1);
  view.onStatus(newer, START + 2);
  assert.equal(view.assignment('a', 'shop')!.status.health.state, 'CURRENT');
  assert.equal(view.changes.version, version);
});

test('statuses of clusters without an entry are kept aside, not shown, bounded, and used once the entry arrives', () => {
  const view = viewOf({ clusters: { a: {} }, placements: { platform: {} } }, { mostStrangers: 2 });
  for (const name of ['x', 'y', 'b'])
    view.onStatus(status(name, 'platform', { health: ['FAILED', name] }), START);
  assert.equal(view.strangers, 2);
  assert.deepEqual(
    view.clusters().map(({ name }) => name),
    ['a'],
  );
  view.setIndex(snapshot({ clusters: { a: {}, b: {}, x: {} }, placements: { platform: {} } }));
  assert.equal(stateOf(view, 'b').health.state, 'FAILED');
  assert.equal(stateOf(view, 'x').connectivity.state, 'NEVER_CONNECTED', 'the oldest was let go');
  assert.equal(view.strangers, 1);
});

test('who is connected and was given nothing yet waits for the rollout', () => {
  const view = viewOf(TWO);
  view.setState(EMPTY_STATE, undefined);
  view.onHello(hello('b'), START);
  assert.equal(view.assignment('b', 'platform')!.waitingFor, 'the rollout to reach its stage');
});

test('until the agent echoes the attempt, what it says is about the one before', () => {
  const view = viewOf(TWO);
  view.onStatus(status('b', 'platform'), START);
  assert.equal(stateOf(view, 'b').headline.state, 'OK');
  const index = snapshot({ ...TWO, history: ['second', 'head', 'first'] });
  view.setIndex(index);
  view.setState(decided(index, 2), undefined);
  const row = view.assignment('b', 'platform')!;
  assert.equal(row.status.sync.state, 'PENDING');
  assert.equal(row.waitingFor, `the agent to take up ${oid('second').slice(0, 7)}`);
  assert.equal(row.desired!.revision, oid('second'));
  assert.equal(row.applied!.revision, oid('head'));
  assert.deepEqual(view.lag(row), { commits: 1, seconds: 60 });
  const taken = { revision: oid('second'), digest: digestOf('platform', { oid: oid('second') }) };
  view.onStatus(status('b', 'platform', { attempt: 2, applied: taken }), START);
  assert.equal(stateOf(view, 'b').headline.state, 'OK');
  assert.deepEqual(view.lag(view.assignment('b', 'platform')!), { commits: 0, seconds: 0 });
});

test('equal digests never lag, whatever the revision', () => {
  const view = viewOf(TWO);
  const applied = { revision: oid('first'), digest: digestOf('platform', { oid: oid('head') }) };
  view.onStatus(status('b', 'platform', { applied }), START);
  assert.deepEqual(view.lag(view.assignment('b', 'platform')!), { commits: 0, seconds: 0 });
});

test('an assignment that cannot be resolved says why, and keeps what runs', () => {
  const problem = {
    code: 'overlay-missing' as const,
    severity: 'error' as const,
    message: 'apps/shop does not exist',
    source: { file: 'placements/shop.yaml', line: 7 },
    cluster: 'a',
    placement: 'shop',
    since: START,
  };
  const broken = { ...TWO, broken: { 'a/shop': problem } };
  const fresh = viewOf(broken);
  assert.deepEqual(fresh.assignment('a', 'shop')!.status.sync, {
    state: 'FAILED',
    reason: 'apps/shop does not exist',
    since: START,
  });
  const view = viewOf(TWO);
  view.onStatus(status('a', 'shop'), START);
  view.setIndex(snapshot(broken));
  const row = view.assignment('a', 'shop')!;
  assert.equal(row.status.sync.state, 'SYNCED');
  assert.match(row.waitingFor!, /^stays at [0-9a-f]{7} until this is mended: apps\/shop does not exist$/);
});

test('problems come from the repository, agents and the hub, once each, and keep when they were first seen', () => {
  const view = viewOf(TWO);
  const fault = { code: 'kube-forbidden' as const, message: 'cannot list secrets' };
  view.tick(START + 1_000);
  view.onHeartbeat(heartbeat('a', [fault]), START + 1_000);
  view.onStatus(status('a', 'shop', { faults: [fault] }), START + 2_000);
  view.tick(START + 5_000);
  view.onHeartbeat(heartbeat('a', [fault]), START + 5_000);
  view.onStatus(status('a', 'shop', { faults: [fault] }), START + 5_000);
  view.setGit({ ok: false, code: 'git-credentials-refused', message: 'git.acme.example: 401' });
  view.onHeartbeat(heartbeat('nobody', [fault]), START);
  const told = view
    .problems()
    .map(({ code, cluster, placement, since }) => [code, cluster, placement, since]);
  assert.deepEqual(told, [
    ['git-credentials-refused', undefined, undefined, START + 5_000],
    ['kube-forbidden', 'a', undefined, START + 1_000],
    ['kube-forbidden', 'a', 'shop', START + 2_000],
  ]);
  view.setGit({ ok: true });
  view.onHeartbeat(heartbeat('a'), START + 6_000);
  view.onStatus(status('a', 'shop'), START + 6_000);
  assert.deepEqual(view.problems(), []);
});

test('events are kept once each, and only so many', () => {
  const view = viewOf(TWO, { mostEvents: 3 });
  for (let index = 0; index < 5; index++) {
    const one = event('a', { at: iso(START + index), message: `event ${index}` });
    view.onEvent(one, START);
    view.onEvent(structuredClone(one), START);
  }
  const told = view
    .events()
    .rows()
    .map(({ event }) => event.message);
  assert.deepEqual(told, ['event 2', 'event 3', 'event 4']);
});

test('a placement that Git no longer gives shows as being removed until it is gone', () => {
  const view = viewOf(TWO);
  view.onStatus(status('a', 'platform'), START);
  view.onStatus(status('a', 'shop'), START);
  const index = snapshot({ clusters: TWO.clusters, placements: { platform: {} } });
  view.setIndex(index);
  const state = decided(index, 1);
  const shop = leaving(state.fleet.lines.platform!, 'a', { since: START + 1 });
  view.setState(withLines(state, { shop }), undefined);
  assert.deepEqual(view.cluster('a')!.removals, [
    { placement: 'shop', revision: oid('head'), since: START + 1 },
  ]);
  assert.equal(stateOf(view, 'a').sync.reason, 'shop: is being removed');
  assert.equal(stateOf(view, 'a').headline.state, 'APPLYING');
  const { run } = shop.targets.a!;
  const gone = {
    ...shop,
    targets: { a: { ...shop.targets.a!, run: { ...run!, phase: 'removed' as const } } },
  };
  view.setState(withLines(state, { shop: gone }), undefined);
  assert.equal(stateOf(view, 'a').headline.state, 'OK');
});

test('listeners hear of each cluster that changed, with the headline before, and of nothing else', () => {
  const view = viewOf(TWO);
  const heard: Change[] = [];
  const stop = view.onChange((change) => heard.push(change));
  view.onStatus(status('b', 'platform'), START);
  view.onHeartbeat(heartbeat('b'), START + 1);
  view.setIndex(snapshot(TWO));
  view.tick(START + 1_000);
  view.onStatus(status('b', 'platform', { drift: ['DRIFTED', '1 field'], drifts: [drifted()] }), START);
  view.setIndex(snapshot({ ...TWO, clusters: { a: {} } }));
  stop();
  view.onHello(hello('a'), START);
  assert.deepEqual(heard, [
    { name: 'b', gone: false, previousHeadline: 'UNKNOWN' },
    { name: 'b', gone: false, previousHeadline: 'OK' },
    { name: 'b', gone: true, previousHeadline: 'DRIFTED' },
  ]);
});

test('a hub that has no index or no bus says so, in words', () => {
  const view = new ReadModel({ startedAt: START });
  assert.deepEqual(view.unready(), [
    'no index yet: the repository has not been read yet',
    'bus: not connected yet',
  ]);
  view.setGit({ ok: false, message: 'git.acme.example refuses the credentials' });
  assert.equal(view.unready()[0], 'no index yet: git.acme.example refuses the credentials');
  const ready = viewOf(TWO);
  assert.deepEqual(ready.unready(), []);
  ready.setGit({ ok: false, code: 'git-unreachable', message: 'it does not answer' });
  assert.deepEqual(ready.unready(), [], 'what is indexed is enough to go on with');
  ready.setGit({ ok: false, code: 'history-rewritten', message: 'branch main was rewritten' });
  assert.deepEqual(ready.unready(), ['branch main was rewritten']);
});

test('a commit is found by its id, a unique beginning, HEAD and the branch', () => {
  const view = viewOf(TWO);
  const head = oid('head');
  for (const rev of [head, head.slice(0, 7), 'HEAD', 'main']) assert.equal(view.commit(rev)!.oid, head);
  for (const rev of ['abcd', 'HEAD~1', '', 'zz']) assert.equal(view.commit(rev), undefined);
});
