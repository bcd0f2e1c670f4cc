import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { KubeObject } from '#agent/core/object.ts';
import { KubeClient } from '#agent/kube/client.ts';
import { connect } from '#agent/kube/connection.ts';
import { OwnObjects } from '#agent/state/api.ts';
import { ConfigMapInventoryStore, INVENTORY_LABEL } from '#agent/state/inventories.ts';
import { decodeInventory, encodeInventory, type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { betweenWrites } from './client-between.ts';

const NEVER = new AbortController().signal;
const SYSTEM = 'flotilla-system';
const SHARED = 'flotilla-inventory-0.shared';

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
const many = (count: number): InventoryEntry[] =>
  Array.from({ length: count }, (_, index) => entry(`object-${index}`)).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
/** More than one ConfigMap holds. */
const bulky = (): InventoryEntry[] =>
  ['p', 'q'].map((name) => ({ ...entry(name), uid: randomBytes(500_000).toString('base64') }));

/** A cluster of its own, and the requests that were made there to write. */
class Cluster implements AsyncDisposable {
  readonly writes: string[] = [];
  readonly client: KubeClient;
  readonly own: OwnObjects;
  readonly #sim: Sim;

  static async open(): Promise<Cluster> {
    const cluster = new Cluster(await startSim({ clusters: ['one'] }));
    const namespaces = await cluster.client.discovery.resource('v1', 'Namespace', NEVER);
    await cluster.client.create(
      namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SYSTEM } },
      NEVER,
    );
    return cluster;
  }

  private constructor(sim: Sim) {
    this.#sim = sim;
    this.client = new KubeClient(connect({ text: sim.kubeconfig('one') }));
    this.own = this.#through(async (go) => go());
  }

  #through(between: (go: () => Promise<unknown>) => Promise<unknown>): OwnObjects {
    const client = betweenWrites(this.client, (_, args, go) => {
      this.writes.push((args[0] as { subject: string }).subject.replace(`/${SYSTEM}`, ''));
      return between(go);
    });
    return new OwnObjects(client, SYSTEM);
  }

  open(): ConfigMapInventoryStore {
    return new ConfigMapInventoryStore(this.own);
  }

  /** A store whose process is dead after so many writes. */
  dying(after: number): ConfigMapInventoryStore {
    let left = after;
    const own = this.#through(async (go) => {
      if (left-- > 0) return go();
      throw new Error('dead');
    });
    return new ConfigMapInventoryStore(own);
  }

  /** What another process reads. */
  async read(): Promise<Record<string, readonly InventoryEntry[]>> {
    const inventories = await this.open().loadAll(NEVER);
    return Object.fromEntries(inventories.map(({ placement, entries }) => [placement, entries]));
  }

  async maps(): Promise<KubeObject[]> {
    return Array.fromAsync(this.own.labelled('ConfigMap', INVENTORY_LABEL, NEVER));
  }

  async names(): Promise<string[]> {
    return (await this.maps()).map(({ metadata }) => metadata.name).toSorted();
  }

  /** As agents up to layout 1 wrote it: the first chunk under the name of the placement, with the numbers of the others. */
  async writeLayout1(placement: string, entries: readonly InventoryEntry[]): Promise<void> {
    const [first, ...rest] = encodeInventory({ placement, entries });
    const resource = await this.client.discovery.resource('v1', 'ConfigMap', NEVER);
    const put = async (name: string, bytes: Uint8Array, annotations: Record<string, string> = {}) => {
      const metadata = { name, namespace: SYSTEM, labels: { [INVENTORY_LABEL]: placement }, annotations };
      const binaryData = { inventory: Buffer.from(bytes).toString('base64') };
      await this.client.create(
        resource,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata, binaryData },
        NEVER,
      );
    };
    for (const [index, bytes] of rest.entries())
      await put(`flotilla-inventory-${placement}.${index + 3}`, bytes);
    const chunks = { 'flotilla.dev/chunks': rest.map((_, index) => index + 3).join(',') };
    await put(`flotilla-inventory-${placement}`, first!, rest.length > 0 ? chunks : {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#sim.close();
  }
}

test('an inventory of any size is read as it was written, and nothing of an older one is left', async () => {
  await using cluster = await Cluster.open();
  const store = cluster.open();
  const small = [entry('a'), entry('b')];
  const large = bulky();
  await store.save('shop', small, NEVER);
  assert.deepEqual(await cluster.names(), [SHARED]);
  for (const entries of [large, large.slice(1), many(500)]) {
    await store.save('shop', entries, NEVER);
    assert.deepEqual(await cluster.read(), { shop: entries });
    assert.equal((await cluster.names()).length, entries === large ? 3 : 2);
  }
  await store.save('shop', small, NEVER);
  assert.deepEqual(await cluster.names(), [SHARED]);
  assert.deepEqual(await cluster.read(), { shop: small });
  await store.remove('shop', NEVER);
  assert.deepEqual(await cluster.names(), []);
});

test('placements that are saved together share writes, each comes back, and the last one takes the ConfigMap along', async () => {
  await using cluster = await Cluster.open();
  const store = cluster.open();
  const expected = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`unit-${index}`, [entry(`a-${index}`), entry(`b-${index}`)]]),
  );
  const all = Object.entries(expected);
  await store.save('unit-0', [entry('first')], NEVER);
  cluster.writes.length = 0;
  await Promise.all(all.map(([placement, entries]) => store.save(placement, entries, NEVER)));
  assert.deepEqual(cluster.writes.toSorted(), [
    'create ConfigMap/flotilla-inventory-1.shared',
    'create ConfigMap/flotilla-inventory-2.shared',
    'patch ConfigMap/flotilla-inventory-0.shared',
  ]);
  assert.deepEqual(await cluster.read(), expected);
  const next = cluster.open();
  await next.loadAll(NEVER);
  await next.remove('unit-7', NEVER);
  const { 'unit-7': _, ...others } = expected;
  assert.deepEqual(await cluster.read(), others);
  await Promise.all(Object.keys(others).map((placement) => next.remove(placement, NEVER)));
  assert.deepEqual(await cluster.names(), []);
});

test('a write of somebody else in between is never overwritten, and nothing is written until it has been read', async () => {
  await using cluster = await Cluster.open();
  const [mine, theirs] = [cluster.open(), cluster.open()];
  await mine.save('shop', [entry('a')], NEVER);
  await mine.save('other', [entry('a')], NEVER);
  await theirs.loadAll(NEVER);
  const written = [entry('b')];
  await theirs.save('shop', written, NEVER);
  await assert.rejects(mine.save('other', [entry('c')], NEVER), { status: 409 });
  for (const placement of ['shop', 'other', 'new'])
    await assert.rejects(mine.save(placement, [entry('c')], NEVER), { status: 409 });
  await assert.rejects(mine.remove('shop', NEVER), { status: 409 });
  assert.deepEqual((await cluster.read()).shop, written);
  await mine.loadAll(NEVER);
  await mine.save('other', [entry('c')], NEVER);
  assert.deepEqual((await cluster.read()).shop, written);
});

test('the last placement that leaves does not take along what somebody else has put there', async () => {
  await using cluster = await Cluster.open();
  const [mine, theirs] = [cluster.open(), cluster.open()];
  await mine.save('shop', [entry('a')], NEVER);
  await theirs.loadAll(NEVER);
  const written = [entry('b')];
  await theirs.save('new', written, NEVER);
  await assert.rejects(mine.remove('shop', NEVER), { status: 409 });
  assert.deepEqual((await cluster.read()).new, written);
});

test('a ConfigMap that somebody deletes is made again with the next write, with everything that it held', async () => {
  await using cluster = await Cluster.open();
  const store = cluster.open();
  const expected: Record<string, InventoryEntry[]> = {
    shop: [entry('a')],
    web: [entry('b')],
    large: many(500),
  };
  for (const [placement, entries] of Object.entries(expected)) await store.save(placement, entries, NEVER);
  await cluster.own.delete('ConfigMap', SHARED, NEVER);
  expected.web = [entry('c')];
  await store.save('web', expected.web, NEVER);
  assert.deepEqual(await cluster.read(), expected);
});

test('a part that is missing makes an inventory unreadable, so that nothing is pruned', async () => {
  await using cluster = await Cluster.open();
  await cluster.open().save('shop', many(500), NEVER);
  const part = (await cluster.names()).find((name) => name !== SHARED)!;
  await cluster.own.delete('ConfigMap', part, NEVER);
  await assert.rejects(cluster.open().loadAll(NEVER), { code: 'inventory-unreadable' });
});

test('an inventory that is damaged or of a newer version is called by placement and ConfigMap', async () => {
  await using cluster = await Cluster.open();
  await cluster.open().save('shop', [entry('a')], NEVER);
  const damaged = { binaryData: { shop: Buffer.from('nonsense').toString('base64') } };
  await cluster.own.merge('ConfigMap', SHARED, damaged, NEVER);
  await assert.rejects(cluster.open().loadAll(NEVER), {
    code: 'inventory-unreadable',
    message: `inventory of placement shop (ConfigMap ${SHARED}) cannot be read: incorrect header check`,
  });
});

test('an inventory of layout 1 is read, moved with the next write, and gone when the placement is', async () => {
  await using cluster = await Cluster.open();
  const expected = { shop: [entry('a'), entry('b')], large: bulky(), still: [entry('c')] };
  for (const [placement, entries] of Object.entries(expected)) await cluster.writeLayout1(placement, entries);
  assert.equal((await cluster.names()).length, 4);
  assert.deepEqual(await cluster.read(), expected);
  const store = cluster.open();
  await store.loadAll(NEVER);
  expected.shop = [entry('d')];
  await store.save('shop', expected.shop, NEVER);
  await store.save('large', expected.large, NEVER);
  assert.deepEqual(await cluster.read(), expected);
  const names = await cluster.names();
  assert.deepEqual(
    names.filter((name) => !/\.[0-9a-f]{16}$/.test(name)),
    [SHARED, 'flotilla-inventory-still'],
  );
  for (const placement of Object.keys(expected)) await store.remove(placement, NEVER);
  assert.deepEqual(await cluster.names(), []);
});

test('killed after any write of a move from layout 1, no id is lost and none comes back', async () => {
  const sizes = { small: [entry('a'), entry('b')], large: bulky() };
  for (const [size, before] of Object.entries(sizes))
    for (let writes = 0, ended = false; !ended; writes++) {
      await using cluster = await Cluster.open();
      await cluster.writeLayout1('shop', before);
      const after = [...before.slice(1), entry('z')];
      const store = cluster.dying(writes);
      await store.loadAll(NEVER);
      ended = await store.save('shop', after, NEVER).then(
        () => true,
        () => false,
      );
      const { shop } = await cluster.read();
      const isOld = shop!.length === before.length && inventoryId(shop![0]!) === inventoryId(before[0]!);
      assert.deepEqual(shop, isOld ? before : after, `${size}, killed after ${writes} writes`);
      const next = cluster.open();
      await next.loadAll(NEVER);
      await next.save('shop', after, NEVER);
      assert.deepEqual(await cluster.read(), { shop: after });
      assert.equal((await cluster.names()).length, size === 'small' ? 1 : 2);
      for (let left = 0, removed = false; !removed; left++) {
        const last = cluster.dying(left);
        await last.loadAll(NEVER);
        removed = await last.remove('shop', NEVER).then(
          () => true,
          () => false,
        );
        assert.deepEqual(Object.keys(await cluster.read()), removed ? [] : await holds(cluster));
      }
      assert.deepEqual(await cluster.names(), []);
    }
});

/** Whether the placement is still named. */
const holds = async (cluster: Cluster): Promise<string[]> =>
  (await cluster.names()).includes(SHARED) ? ['shop'] : [];

test('an agent of layout 1 finds shared ConfigMaps damaged, whatever the placements are called', async () => {
  await using cluster = await Cluster.open();
  const store = cluster.open();
  for (const placement of ['shop', 'inventory']) await store.save(placement, [entry('a')], NEVER);
  const [{ metadata, binaryData }] = (await cluster.maps()) as [KubeObject];
  const label = metadata.labels![INVENTORY_LABEL]!;
  assert.equal(metadata.name, `flotilla-inventory-${label}`);
  const { inventory } = binaryData as Record<string, string>;
  assert.notEqual(decodeInventory([Buffer.from(inventory!, 'base64')]).placement, label);
});
