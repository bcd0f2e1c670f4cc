/** Laws of what is foretold and not done, stated against whatever API server they are given. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWNER_LABEL } from '#agent/core/managed-fields.ts';
import { configMap, Lab, namespace, type Server } from './engine-lab.ts';

const cm = (ns: string, name: string) => `/api/v1/namespaces/${ns}/configmaps/${name}`;

export function foretoldLaws(server: () => Server): void {
  test('hold and observe write nothing; observe says what would be done', async () => {
    await using lab = new Lab(server());
    const ns = 'law-observe';
    const observed = await lab.actions(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })], {
      observe: true,
    });
    assert.deepEqual(Object.values(observed), ['created', 'created']);
    assert.equal(await lab.get(`/api/v1/namespaces/${ns}`), undefined);
    const { objects } = await lab.until('what would be created is looked at', ns, (snapshot) =>
      snapshot.objects.every(({ healthReason }) => healthReason !== undefined),
    );
    for (const { health, healthReason } of objects)
      assert.deepEqual(
        [health, healthReason],
        ['UNKNOWN', 'it does not exist yet, and nothing is written here'],
      );
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' }), configMap(ns, 'b', {})]);
    const held = await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })], { hold: true });
    assert.equal(held.ok, false);
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '1' });
    const would = await lab.actions(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })], { observe: true });
    assert.deepEqual(would, {
      [`/Namespace//${ns}`]: 'unchanged',
      [`/ConfigMap/${ns}/a`]: 'configured',
      [`/ConfigMap/${ns}/b`]: 'pruned',
    });
    assert.ok(await lab.get(cm(ns, 'b')));
  });

  test('a dry run foretells what adds nothing but our ownership', async () => {
    await using lab = new Lab(server());
    const ns = 'law-owned';
    const labels = { [OWNER_LABEL]: ns };
    await lab.post('/api/v1/namespaces', { metadata: { name: ns, labels } }, 'k9s');
    await lab.post(cm(ns, '').slice(0, -1), { metadata: { name: 'a', labels }, data: { v: '1' } }, 'k9s');
    const set = [namespace(ns), configMap(ns, 'a', { v: '1' })];
    const would = await lab.actions(ns, set, { observe: true });
    assert.deepEqual(Object.values(would), ['configured', 'configured']);
    assert.deepEqual(await lab.actions(ns, set), would);
  });

  test('a dry run foretells what is owned again though its value is as wanted', async () => {
    const ns = 'law-regained';
    const set = [namespace(ns), configMap(ns, 'a', { v: '1' })];
    {
      await using before = new Lab(server());
      await before.apply(ns, set);
    }
    await using lab = new Lab(server());
    for (const v of ['2', '1']) await lab.edit(cm(ns, 'a'), { data: { v } });
    const would = await lab.actions(ns, set, { observe: true });
    assert.deepEqual(would, { [`/Namespace//${ns}`]: 'unchanged', [`/ConfigMap/${ns}/a`]: 'configured' });
    await using other = new Lab(server());
    assert.deepEqual(await other.actions(ns, set), would);
  });

  test('new content that a process meets when it may not write is foretold, and written as soon as it may', async () => {
    const ns = 'law-met';
    const set = (v: string) => [namespace(ns), configMap(ns, 'a', { v })];
    {
      await using before = new Lab(server());
      await before.apply(ns, set('0'));
    }
    let v = 0;
    for (const stopped of [{ observe: true }, { hold: true }])
      for (const mode of ['correct', 'report'] as const) {
        await using lab = new Lab(server());
        const wanted = set(`${++v}`);
        const would = await lab.actions(ns, wanted, { ...stopped, mode });
        const done = await lab.actions(ns, wanted, { mode });
        assert.deepEqual(done, { [`/Namespace//${ns}`]: 'unchanged', [`/ConfigMap/${ns}/a`]: 'configured' });
        if (stopped.observe) assert.deepEqual(would, done);
        assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: `${v}` });
      }
  });
}
