import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ConfigMapInventoryStore } from '#agent/engine/inventory-store.ts';
import { KubeClient } from '#agent/kube/client.ts';
import { connect } from '#agent/kube/connection.ts';
import type { InventoryEntry } from '#proto/inventory.ts';
import { type Sim, startSim } from '#sim/server.ts';

const NEVER = new AbortController().signal;
const SYSTEM = 'flotilla-system';

const entry = (name: string): InventoryEntry => ({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  namespace: 'n',
  name,
  state: 'applied',
  uid: randomUUID(),
  fieldsHash: randomUUID().slice(0, 16),
});

const clientOf = (sim: Sim) => new KubeClient(connect({ text: sim.kubeconfig('one') }));

async function names(client: KubeClient): Promise<string[]> {
  const resource = await client.discovery.resource('v1', 'ConfigMap', NEVER);
  const maps = await client.list(
    resource,
    { namespace: SYSTEM, labelSelector: 'flotilla.dev/inventory' },
    NEVER,
  );
  return maps.map(({ metadata }) => metadata.name).toSorted();
}

test('an inventory of any size is read as it was written, and nothing of an older one is left', async () => {
  await using sim = await startSim({ clusters: ['one'] });
  const client = clientOf(sim);
  const store = new ConfigMapInventoryStore(client, SYSTEM);
  const large = Array.from({ length: 25_000 }, (_, index) => entry(`object-${index}`));
  const small = [entry('a'), entry('b')];
  await store.save('shop', small, NEVER);
  assert.deepEqual(await names(client), ['flotilla-inventory-shop']);
  for (const entries of [large, large.slice(1)]) {
    await store.save('shop', entries, NEVER);
    const [read] = await new ConfigMapInventoryStore(client, SYSTEM).loadAll(NEVER);
    assert.equal(read!.entries.length, entries.length);
    assert.equal((await names(client)).length, 2);
  }
  await store.save('shop', small, NEVER);
  assert.deepEqual(await names(client), ['flotilla-inventory-shop']);
  await store.remove('shop', NEVER);
  assert.deepEqual(await names(client), []);
  await client.close();
});

test('a write of somebody else in between is never overwritten', async () => {
  await using sim = await startSim({ clusters: ['one'] });
  const client = clientOf(sim);
  const [mine, theirs] = [1, 2].map(() => new ConfigMapInventoryStore(client, SYSTEM)) as [
    ConfigMapInventoryStore,
    ConfigMapInventoryStore,
  ];
  await mine.save('shop', [entry('a')], NEVER);
  await theirs.loadAll(NEVER);
  await theirs.save('shop', [entry('b')], NEVER);
  await assert.rejects(mine.save('shop', [entry('c')], NEVER), { status: 409 });
  await mine.loadAll(NEVER);
  await mine.save('shop', [entry('c')], NEVER);
  await client.close();
});

test('a part that is missing makes an inventory unreadable, so that nothing is pruned', async () => {
  await using sim = await startSim({ clusters: ['one'] });
  const client = clientOf(sim);
  const store = new ConfigMapInventoryStore(client, SYSTEM);
  await store.save(
    'shop',
    Array.from({ length: 25_000 }, (_, index) => entry(`object-${index}`)),
    NEVER,
  );
  const resource = await client.discovery.resource('v1', 'ConfigMap', NEVER);
  const name = (await names(client)).find((each) => each.includes('.'))!;
  const target = { resource, namespace: SYSTEM, name };
  const uid = (await client.get(target, NEVER))!.metadata.uid!;
  await client.remove(target, { uid }, NEVER);
  await assert.rejects(store.loadAll(NEVER), { code: 'inventory-unreadable' });
  await client.close();
});
