/** Laws of handing objects over between placements, and of inventories that people delete. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '#agent/engine/ports.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { configMap, Lab, namespace, type Server } from '#test/integration/engine-lab.ts';

const NEVER = new AbortController().signal;
const cm = (ns: string, name: string) => `/api/v1/namespaces/${ns}/configmaps/${name}`;
const of = (placement: string, objects: Parameters<Lab['apply']>[1]) => ({
  placement,
  objects,
  policy: DEFAULT_POLICY,
});

export function handoverLaws(server: () => Server): void {
  test('an object that is handed over stays in the inventory of the giver until the taker has written it', async () => {
    await using lab = new Lab(server());
    const ns = 'hand-blocked';
    const moving = configMap(ns, 'moving', { a: '1' });
    await lab.apply('giver', [namespace(ns), configMap(ns, 'stays', {}), moving]);
    const { uid } = (await lab.get(cm(ns, 'moving')))!.metadata;
    await lab.engine.intend(of('taker', [moving]), NEVER);
    await lab.apply('giver', [namespace(ns), configMap(ns, 'stays', {})]);
    await lab.engine.flushAll(NEVER);
    assert.ok((await lab.inventory('giver')).includes('applied ConfigMap/moving'));
    assert.equal((await lab.get(cm(ns, 'moving')))?.metadata.uid, uid);

    // The taker never comes to it and in the end no longer wants it: there is no orphan.
    await lab.engine.intend(of('taker', [configMap(ns, 'else', {})]), NEVER);
    await lab.untilInventory('giver', ['applied ConfigMap/stays', `applied Namespace/${ns}`]);
    assert.equal(await lab.get(cm(ns, 'moving')), undefined);
  });

  test('a renamed placement hands everything over: nothing is deleted, and the old one is gone when the new one has it', async () => {
    await using lab = new Lab(server());
    const ns = 'hand-rename';
    const objects = [namespace(ns), configMap(ns, 'a', { v: '1' }), configMap(ns, 'b', { v: '1' })];
    await lab.apply('old-name', objects);
    const before = (await lab.get(cm(ns, 'a')))!.metadata.uid;
    await lab.engine.intend(of('new-name', objects), NEVER);
    await lab.engine.retire('old-name', objects, DEFAULT_POLICY, NEVER);
    assert.equal(lab.snapshot('old-name').removed, false);
    assert.equal((await lab.apply('new-name', objects)).ok, true);
    await lab.until('the old one is gone', 'old-name', ({ removed }) => removed);
    assert.equal((await lab.get(cm(ns, 'a')))!.metadata.uid, before);
    assert.deepEqual(await lab.inventory('old-name'), []);
    assert.equal((await lab.inventory('new-name')).length, 3);
    assert.ok(!lab.requests.some((request) => request.startsWith('delete')));
  });

  test('after a restart nothing is pruned until the neighbours are known, and what they want is theirs then', async () => {
    const ns = 'hand-restart';
    const moving = configMap(ns, 'moving', { a: '1' });
    const rest = [namespace(ns), configMap(ns, 'stays', {})];
    const taken = [configMap(ns, 'own', {}), moving];
    {
      await using lab = new Lab(server());
      await lab.apply('restart-giver', [...rest, moving]);
    }
    await using lab = new Lab(server());
    const { deferred } = await lab.apply('restart-giver', rest, {}, { keepStale: true });
    assert.equal(deferred, true);
    assert.ok(await lab.get(cm(ns, 'moving')));
    await lab.engine.intend(of('restart-taker', taken), NEVER);
    await lab.engine.prune('restart-giver', NEVER);
    await lab.apply('restart-taker', taken);
    await lab.untilInventory('restart-giver', ['applied ConfigMap/stays', `applied Namespace/${ns}`]);
    assert.ok(await lab.get(cm(ns, 'moving')));
    assert.ok(!lab.requests.some((request) => request.startsWith('delete')));
  });

  test('an inventory that somebody deleted comes back, and a removal after a restart without it leaves no orphan', async () => {
    const ns = 'hand-lost';
    const objects = [configMap(ns, 'a', {}), configMap(ns, 'b', {})];
    {
      await using lab = new Lab(server());
      await lab.apply('hand-lost-ns', [namespace(ns)]);
      await lab.apply(ns, objects);
      await lab.remove((await lab.inventoryMap(ns))!);
      await lab.apply(ns, [configMap(ns, 'b', {}), configMap(ns, 'c', {})]);
      assert.equal(await lab.get(cm(ns, 'a')), undefined);
      await lab.untilInventory(ns, ['applied ConfigMap/b', 'applied ConfigMap/c']);
      await lab.post(cm(ns, '').slice(0, -1), configMap(ns, 'a', {}));
      await lab.remove((await lab.inventoryMap(ns))!);
    }
    await using lab = new Lab(server());
    await lab.engine.retire(ns, [...objects, configMap(ns, 'c', {})], DEFAULT_POLICY, NEVER);
    await eventually('it is removed', async () => lab.snapshot(ns).removed || undefined, PATIENCE_MS, NEVER);
    for (const name of ['b', 'c']) assert.equal(await lab.get(cm(ns, name)), undefined);
    assert.ok(await lab.get(cm(ns, 'a')), 'what never carried our label is nobody’s orphan');
  });
}
