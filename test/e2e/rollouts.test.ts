import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, pause } from '../bed/eventually.ts';
import { untilCurrent } from '../bed/fleet-state.ts';
import { clustersIn, RINGS, RolloutFleet } from './rollout-fleet.ts';

/** A change on its way through sixty clusters: what people see through GraphQL, judged by what went over the bus. */
const START_MS = 480_000;
const PATIENCE_MS = 300_000;
const signal = new AbortController().signal;
/** Of what is bad: a good change on a busy machine would end by it as well. */
const DEADLINE = '20s';
/** Longer than a cluster may be silent before it is given up. */
const LONGER_MS = 6_000;

let fleet: RolloutFleet;

before(
  async () => {
    fleet = await RolloutFleet.start(signal);
    for (const placement of ['shop', 'desk', 'notes'])
      await untilCurrent(
        placement,
        fleet.line.graphql,
        { placements: [placement], count: 60 },
        START_MS,
        signal,
      );
  },
  { timeout: START_MS },
);
after(() => fleet?.[Symbol.asyncDispose]());

const sorted = (names: readonly string[]) => [...names].sort();

/** Everybody was told exactly once, a ring only after the one before. */
function travelled(placement: 'shop' | 'desk', since: number): void {
  const digest = fleet.digest(placement, since)!;
  assert.deepEqual(fleet.outOfOrder(placement, digest, since), []);
  assert.deepEqual(sorted(fleet.told(placement, since, digest)), sorted(clustersIn(...RINGS)));
}

test('a good change goes through three stages, each after the one before', async () => {
  const { mark } = fleet;
  const revision = await fleet.ship('shop', 'shop:2');
  await fleet.until('shop', revision, 'SUCCEEDED', PATIENCE_MS);
  travelled('shop', mark);
});

test('a bad image pauses at the canaries; what is unrelated starts nothing of it; the fix goes on', async () => {
  const { mark } = fleet;
  const bad = await fleet.ship('shop', 'shop-broken:3', DEADLINE);
  const paused = await fleet.until('shop', bad, 'PAUSED', PATIENCE_MS);
  assert.match(paused.reason ?? '', /failed in canary/);
  assert.deepEqual(sorted(fleet.told('shop', mark)), sorted(clustersIn('canary')));

  const unrelated = fleet.mark;
  await fleet.until('notes', await fleet.writeNote('while shop is paused'), 'SUCCEEDED', PATIENCE_MS);
  assert.deepEqual(fleet.told('shop', unrelated), []);
  await fleet.until('shop', bad, 'PAUSED', PATIENCE_MS);

  const mended = fleet.mark;
  const fix = await fleet.ship('shop', 'shop:4');
  await fleet.until('shop', fix, 'SUCCEEDED', PATIENCE_MS);
  travelled('shop', mended);
  assert.equal((await fleet.rollout('shop', bad, signal))?.phase, 'SUPERSEDED');
});

test('a change that fails in the last stage is taken back in reverse order; then the fix starts with the canaries', async () => {
  const good = fleet.mark;
  await fleet.until('desk', await fleet.ship('desk', 'desk:2'), 'SUCCEEDED', PATIENCE_MS);
  const before = fleet.digest('desk', good)!;

  const { mark } = fleet;
  const allow = fleet.refuseImage('broad-07', 'desk:3');
  const bad = await fleet.ship('desk', 'desk:3', DEADLINE);
  await fleet.until('desk', bad, 'ROLLED_BACK', PATIENCE_MS);
  allow();
  const digest = fleet.digest('desk', mark)!;
  assert.deepEqual(fleet.outOfOrder('desk', digest, mark), []);
  assert.deepEqual(sorted(fleet.told('desk', mark, before)), sorted(fleet.told('desk', mark, digest)));
  assert.deepEqual(fleet.ringsTold('desk', mark, before), ['broad', 'early', 'canary']);

  const unrelated = fleet.mark;
  await fleet.until('notes', await fleet.writeNote('after the rollback'), 'SUCCEEDED', PATIENCE_MS);
  assert.deepEqual(fleet.told('desk', unrelated), []);

  const mended = fleet.mark;
  await fleet.until('desk', await fleet.ship('desk', 'desk:4'), 'SUCCEEDED', PATIENCE_MS);
  travelled('desk', mended);
});

test('canaries that fall silent after a change never let it leave canary', async () => {
  const { mark } = fleet;
  const canaries = fleet.line.agents.get('canaries')!;
  const revision = await fleet.ship('shop', 'shop-broken:5', DEADLINE);
  await eventually(
    'the canaries to be told',
    async () => (fleet.told('shop', mark).length === clustersIn('canary').length ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await canaries.kill9();
  await eventually(
    'the hub to say that they are away',
    async (limit) => {
      const { phase, waitingFor = [] } = (await fleet.rollout('shop', revision, limit)) ?? {};
      const isStopped = phase === 'PAUSED' || waitingFor.some((words) => words.includes('no evidence'));
      return isStopped ? true : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  await pause(LONGER_MS, signal);
  assert.deepEqual(fleet.told('shop', mark, fleet.digest('shop', mark)).filter(isNoCanary), []);
  await canaries.start();
  const mended = fleet.mark;
  await fleet.until('shop', await fleet.ship('shop', 'shop:6'), 'SUCCEEDED', PATIENCE_MS);
  assert.deepEqual(fleet.outOfOrder('shop', fleet.shipped('shop', mended)!, mended), []);
});

test('a change whose canaries were all offline from the start never leaves canary; when they are back it goes on', async () => {
  const canaries = fleet.line.agents.get('canaries')!;
  await canaries.kill9();
  await fleet.untilAway(clustersIn('canary'), PATIENCE_MS);
  const { mark } = fleet;
  const revision = await fleet.ship('shop', 'shop:7');
  await eventually(
    'the hub to say that nobody can show that it works',
    async (limit) => {
      const { waitingFor = [] } = (await fleet.rollout('shop', revision, limit)) ?? {};
      return waitingFor.some((words) => words.includes('no evidence in canary')) ? true : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  await pause(LONGER_MS, signal);
  assert.deepEqual(fleet.told('shop', mark).filter(isNoCanary), []);
  await canaries.start();
  await fleet.until('shop', revision, 'SUCCEEDED', PATIENCE_MS);
  assert.deepEqual(fleet.outOfOrder('shop', fleet.shipped('shop', mark)!, mark), []);
});

const isNoCanary = (cluster: string) => !clustersIn('canary').includes(cluster);
