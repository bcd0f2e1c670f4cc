import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { KubeClient } from '#agent/kube/client.ts';
import { connect } from '#agent/kube/connection.ts';
import { OwnObjects } from '#agent/state/api.ts';
import { Lease, LeaseHeld } from '#agent/state/lease.ts';
import type { PlacementRecord } from '#agent/state/records.ts';
import { StatusMap } from '#agent/state/status-map.ts';
import { StateStore } from '#agent/state/store.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';

/** What an agent keeps in its cluster, and who may write there. */
const NEVER = new AbortController().signal;
const log = pino({ level: 'silent' });
const oid = 'a'.repeat(40);
let sim: Sim;

before(async () => {
  sim = await startSim();
});
after(() => sim.close());

function own(cluster: string, namespace = 'flotilla-system'): OwnObjects {
  return new OwnObjects(
    new KubeClient(connect({ text: sim.kubeconfig(cluster) }), { attempts: 1 }),
    namespace,
  );
}
const secretNames = async (objects: OwnObjects, kinds = ['accepted', 'placement', 'objects']) => {
  const names: string[] = [];
  for await (const { metadata } of objects.labelled('Secret', `flotilla.dev/state in (${kinds})`, NEVER))
    names.push(metadata.name);
  return names.sort();
};
const renderedOf = (bytes: number) => ({
  objects: [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a' },
      data: { noise: randomBytes(bytes).toString('base64') },
    },
  ],
  renderHash: 'h',
});
const empty: PlacementRecord = { v: 1, placement: 'web', seq: 7 };
const target = (digest: string) => ({ revision: oid, digest, attempt: 1, prune: true });

test('a placement and its objects come back after a restart, whether they are small or need several Secrets', async () => {
  sim.createCluster('store');
  const store = new StateStore(own('store'), log);
  for (const [placement, bytes] of [
    ['small', 100],
    ['large', 1_500_000],
  ] as const) {
    const rendered = renderedOf(bytes);
    const saved = await store.saveTarget({ ...empty, placement }, target('d1'), rendered, NEVER);
    const loaded = (await new StateStore(own('store'), log).load(NEVER)).placements.find(
      (record) => record.placement === placement,
    );
    assert.deepEqual(loaded, saved);
    assert.deepEqual(await store.bundle(placement, saved.target!.bundle, NEVER), rendered);
  }
});

test('a version that is no longer named leaves nothing behind, and neither does a placement that is forgotten', async () => {
  sim.createCluster('drop');
  const objects = own('drop');
  const store = new StateStore(objects, log);
  const first = await store.saveTarget(empty, target('d1'), renderedOf(1_500_000), NEVER);
  const chunks = await secretNames(objects, ['objects']);
  assert.ok(chunks.length >= 2);
  const applied: PlacementRecord = { ...empty, applied: first.target! };
  await store.savePlacement(first, applied, NEVER);
  assert.deepEqual(await secretNames(objects, ['objects']), chunks);
  const second = await store.saveTarget(applied, target('d2'), renderedOf(10), NEVER);
  await store.savePlacement(second, { ...empty, applied: second.target! }, NEVER);
  assert.deepEqual(await secretNames(objects), ['flotilla-placements-0']);
  await store.forget({ ...empty, applied: second.target! }, NEVER);
  assert.deepEqual(await secretNames(objects), []);
});

test('placements that are saved together share writes, and each comes back', async () => {
  sim.createCluster('shelves');
  const objects = own('shelves');
  const store = new StateStore(objects, log);
  const names = Array.from({ length: 60 }, (_, index) => `unit-${index}`);
  const save = (digest: string) =>
    Promise.all(
      names.map((placement) =>
        store.saveTarget({ ...empty, placement }, target(digest), renderedOf(50), NEVER),
      ),
    );
  const first = await save('d1');
  assert.equal((await secretNames(objects)).length, 3);
  await save('d2');
  const loaded = await new StateStore(objects, log).load(NEVER);
  assert.deepEqual(
    loaded.placements.map(({ placement, target }) => [placement, target?.digest]).sort(),
    names.map((name) => [name, 'd2']).sort(),
  );
  await Promise.all(first.map((record) => store.forget(record, NEVER)));
  assert.deepEqual(await secretNames(objects), []);
});

test('what is saved later is in the cluster soon, with the next write or at the end', async () => {
  sim.createCluster('later');
  const objects = own('later');
  const store = new StateStore(objects, log);
  const applied = async () => (await new StateStore(objects, log).load(NEVER)).placements[0]?.applied?.digest;
  const first = await store.saveTarget(empty, target('d1'), renderedOf(10), NEVER);
  const settled: PlacementRecord = { ...empty, applied: first.target! };
  await store.savePlacement(first, settled, NEVER, { later: true });
  assert.equal(await applied(), undefined);
  await store.flush(NEVER);
  assert.equal(await applied(), 'd1');
  const second = await store.saveTarget(settled, target('d2'), renderedOf(10), NEVER);
  const again: PlacementRecord = { ...empty, applied: second.target! };
  await store.savePlacement(second, again, NEVER, { later: true });
  await store.saveTarget({ ...empty, placement: 'other' }, target('d1'), renderedOf(10), NEVER);
  assert.equal(await applied(), 'd2');
  await store.savePlacement(again, { ...again, seq: 8 }, NEVER, { later: true });
  await eventually(
    'the later one',
    async () => {
      const { placements } = await new StateStore(objects, log).load(NEVER);
      return placements[0]?.seq === 8 ? true : undefined;
    },
    PATIENCE_MS,
    NEVER,
  );
});

test('a writer that lost its turn overwrites nothing of the next one', async () => {
  sim.createCluster('turns');
  const objects = own('turns');
  const old = new StateStore(objects, log);
  const saved = await old.saveTarget(empty, target('d1'), renderedOf(10), NEVER);
  const next = new StateStore(objects, log);
  await next.load(NEVER);
  await next.saveTarget(saved, target('d2'), renderedOf(10), NEVER);
  await old.savePlacement(saved, { ...empty, applied: saved.target! }, NEVER, { later: true });
  await assert.rejects(old.flush(NEVER), /Conflict|conflict|modified/);
  const { placements } = await new StateStore(objects, log).load(NEVER);
  assert.equal(placements[0]?.target?.digest, 'd2');
});

test('chunks that a crash left are swept, and those that a record names stay', async () => {
  sim.createCluster('sweep');
  const objects = own('sweep');
  const store = new StateStore(objects, log);
  const saved = await store.saveTarget(empty, target('d1'), renderedOf(1_500_000), NEVER);
  const named = await secretNames(objects, ['objects']);
  await store.saveTarget({ ...empty, placement: 'crashed' }, target('d2'), renderedOf(1_500_000), NEVER);
  await store.sweep([saved], NEVER);
  assert.deepEqual(await secretNames(objects, ['objects']), named);
});

test('a record that cannot be read is left out, and the others are there', async () => {
  sim.createCluster('damage');
  const objects = own('damage');
  const store = new StateStore(objects, log);
  await store.saveTarget(empty, target('d1'), renderedOf(10), NEVER);
  await store.saveTarget({ ...empty, placement: 'other' }, target('d1'), renderedOf(10), NEVER);
  await objects.merge('Secret', 'flotilla-placements-0', { data: { 'record.other': 'bm9uc2Vuc2U=' } }, NEVER);
  await store.saveAccepted({ v: 1, tip: oid }, NEVER);
  const { accepted, placements } = await store.load(NEVER);
  assert.equal(accepted.tip, oid);
  assert.deepEqual(
    placements.map(({ placement }) => placement),
    ['web'],
  );
});

test('the status map is written when it says something new, and only then', async () => {
  sim.createCluster('status');
  const objects = own('status');
  const map = new StatusMap(objects, log);
  map.set('web', { revision: oid, sync: 'SYNCED', error: undefined, reason: 'a: b' });
  await map.write(NEVER);
  const first = await objects.get('ConfigMap', 'flotilla-status', NEVER);
  assert.deepEqual(first?.data, { web: `revision: ${oid}\nsync: SYNCED\nreason: "a: b"\n` });
  map.set('web', { revision: oid, sync: 'SYNCED', reason: 'a: b' });
  await map.write(NEVER);
  const second = await objects.get('ConfigMap', 'flotilla-status', NEVER);
  assert.equal(second?.metadata.resourceVersion, first?.metadata.resourceVersion);
  const next = new StatusMap(objects, log);
  next.remove('web');
  next.set('agent', { epoch: 1 });
  await next.write(NEVER);
  assert.deepEqual((await objects.get('ConfigMap', 'flotilla-status', NEVER))?.data, { agent: 'epoch: 1\n' });
});

/** Long beside what a busy machine makes of a renewal, which comes after a third of it. */
const leaseMs = 9_000;
const leaseOf = (objects: OwnObjects, identity: string) => new Lease(objects, { identity, leaseMs, log });

test('one holds the Lease: another waits until it is released, the same identity takes it at once', async () => {
  sim.createCluster('lease');
  const objects = own('lease');
  const [first, second] = [leaseOf(objects, 'first'), leaseOf(objects, 'second')];
  await first.acquire(NEVER);
  await assert.rejects(
    second.acquire(NEVER),
    (error) => error instanceof LeaseHeld && /first/.test(error.message),
  );
  const restarted = leaseOf(objects, 'first');
  await restarted.acquire(NEVER);
  await assert.rejects(first.keep(NEVER), /another process has started with the identity first/);
  await restarted.release(NEVER);
  await second.acquire(NEVER);
});

test('the Lease of a holder that is silent for its whole duration is taken over, that of a living one is not', async () => {
  sim.createCluster('silent');
  const objects = own('silent');
  let watch = 0;
  const first = leaseOf(objects, 'first');
  const second = new Lease(objects, {
    identity: 'second',
    leaseMs,
    log,
    now: () => ({ steady: watch, wall: 0 }),
  });
  const version = async () => (await objects.get('Lease', 'flotilla-agent', NEVER))?.metadata.resourceVersion;
  const heldAfter = async (ms: number) => {
    watch += ms;
    await assert.rejects(second.acquire(NEVER), LeaseHeld);
  };
  const end = new AbortController();
  await first.acquire(NEVER);
  const taken = await version();
  await heldAfter(0);
  const kept = first.keep(end.signal);
  await heldAfter(0.9 * leaseMs);
  const renewed = async () => ((await version()) === taken ? undefined : true);
  await eventually('a renewal', renewed, PATIENCE_MS, NEVER);
  end.abort();
  await kept;
  await heldAfter(0.9 * leaseMs);
  await heldAfter(0.9 * leaseMs);
  watch += 0.2 * leaseMs;
  await second.acquire(NEVER);
});

test('of two that take the Lease in the same moment one gets it', async () => {
  sim.createCluster('race');
  const objects = own('race');
  const old = leaseOf(objects, 'old');
  await old.acquire(NEVER);
  await old.release(NEVER);
  const taken = await Promise.allSettled(
    ['a', 'b', 'c'].map((identity) => leaseOf(objects, identity).acquire(NEVER)),
  );
  assert.equal(taken.filter(({ status }) => status === 'fulfilled').length, 1);
});
