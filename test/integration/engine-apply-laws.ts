/** Laws of applying and pruning, stated against whatever API server they are given. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWNER_LABEL } from '#agent/core/managed-fields.ts';
import type { KubeObject } from '#agent/core/object.ts';
import { DEFAULT_POLICY } from '#agent/engine/ports.ts';
import { planted } from '#test/bed/planted.ts';
import { configMap, deployment, idOf, Lab, namespace, type Server } from './engine-lab.ts';

const NEVER = new AbortController().signal;
const cm = (ns: string, name: string) => `/api/v1/namespaces/${ns}/configmaps/${name}`;
const deploy = (ns: string, name: string) => `/apis/apps/v1/namespaces/${ns}/deployments/${name}`;
const rejects = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

export function applyLaws(server: () => Server): void {
  test('an apply creates in phases, a second one writes nothing, a change configures exactly what changed', async () => {
    await using lab = new Lab(server());
    const ns = 'law-basic';
    const set = [
      deployment(ns, 'web', 'example.com/web:1'),
      configMap(ns, 'conf', { a: '1' }),
      configMap(ns, 'other', { b: '1' }),
      namespace(ns),
    ];
    const first = await lab.apply(ns, set);
    assert.equal(first.ok, true);
    assert.deepEqual(
      first.results.map(({ action }) => action),
      ['created', 'created', 'created', 'created'],
    );
    assert.equal(lab.requests[0], `apply Namespace/${ns}`);
    assert.equal(lab.requests.at(-1), 'apply Deployment/web');
    await lab.until('everything is Current', ns, ({ objects }) =>
      objects.every(({ health }) => health === 'CURRENT'),
    );

    const versions = await versionsOf(lab, [cm(ns, 'conf'), cm(ns, 'other'), deploy(ns, 'web')]);
    const before = lab.requests.length;
    const again = await lab.apply(ns, structuredClone(set));
    assert.ok(again.results.every(({ action }) => action === 'unchanged'));
    assert.equal(lab.requests.length, before);

    set[1] = configMap(ns, 'conf', { a: '2' });
    const third = await lab.actions(ns, set);
    assert.deepEqual(Object.values(third).toSorted(), ['configured', 'unchanged', 'unchanged', 'unchanged']);
    assert.equal(third[idOf(set[1])], 'configured');
    assert.deepEqual(
      (await versionsOf(lab, [cm(ns, 'other'), deploy(ns, 'web')])).slice(0),
      versions.slice(1),
    );

    await lab.engine.flushAll(NEVER);
    await using fresh = new Lab(server());
    const restarted = await fresh.apply(ns, set);
    assert.ok(restarted.results.every(({ action }) => action === 'unchanged'));
    assert.equal(fresh.requests.length, set.length);
    await using settled = new Lab(server());
    await settled.apply(ns, set, {}, { settled: true });
    assert.deepEqual(settled.requests, []);
    assert.deepEqual(
      (await versionsOf(lab, [cm(ns, 'other'), deploy(ns, 'web')])).slice(0),
      versions.slice(1),
    );
  });

  test('what leaves the set is pruned, exactly that, and only if it is still ours', async () => {
    await using lab = new Lab(server());
    const ns = 'law-prune';
    const report = { mode: 'report' } as const;
    const keep = [namespace(ns), configMap(ns, 'keep', {})];
    const leaving = ['a', 'taken', 'guarded', 'replaced'].map((name) => configMap(ns, name, {}));
    await lab.apply(ns, [...keep, ...leaving], report);
    const all = cm(ns, '').slice(0, -1);
    const labels = { 'flotilla.dev/placement': ns };
    await lab.post(all, { metadata: { name: 'foreign', labels } });
    await lab.edit(cm(ns, 'taken'), { metadata: { labels: { 'flotilla.dev/placement': null } } });
    await lab.edit(cm(ns, 'guarded'), { metadata: { annotations: { 'flotilla.dev/prune': 'disabled' } } });
    await lab.remove(cm(ns, 'replaced'));
    await lab.post(all, { metadata: { name: 'replaced', labels } });
    const actions = await lab.actions(ns, keep, { ...report, maxPrune: 1 });
    assert.equal(actions[idOf(leaving[0]!)], 'pruned');
    assert.deepEqual(
      Object.values(actions).filter((action) => action === 'pruned'),
      ['pruned'],
    );
    assert.equal(await lab.get(cm(ns, 'a')), undefined);
    for (const name of ['keep', 'foreign', 'taken', 'guarded', 'replaced'])
      assert.ok(await lab.get(cm(ns, name)), `${name} is still there`);
    assert.deepEqual(await lab.inventory(ns), ['applied ConfigMap/keep', `applied Namespace/${ns}`]);
  });

  test('a deletion beyond the guard is held with a hash, and goes once the hash is approved', async () => {
    await using lab = new Lab(server());
    const ns = 'law-guard';
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await lab.apply(ns, [namespace(ns), ...names.map((name) => configMap(ns, name, {}))]);
    const rest = [namespace(ns), configMap(ns, 'a', {})];
    const { ok, held } = await lab.apply(ns, rest);
    assert.equal(ok, false);
    assert.equal(held?.ids.length, 5);
    assert.ok(await lab.get(cm(ns, 'f')));
    assert.equal(lab.snapshot(ns).held?.setHash, held?.setHash);
    const approved = await lab.apply(ns, rest, { approvals: [held!.setHash] });
    assert.equal(approved.ok, true);
    assert.equal(await lab.get(cm(ns, 'f')), undefined);

    const withoutNamespace = await lab.apply(ns, [configMap(ns, 'a', {})]);
    assert.match(withoutNamespace.held!.reason, new RegExp(`Namespace/${ns}`));
  });

  test('an object that the server refuses or whose namespace is missing fails alone, and is tried again', async () => {
    await using lab = new Lab(server());
    const ns = 'law-refused';
    const late = 'law-refused-late';
    const bad: KubeObject = { ...configMap(ns, 'bad', {}), unknownField: { x: 1 } };
    const actions = await lab.actions(ns, [
      namespace(ns),
      bad,
      configMap(ns, 'good', { a: '1' }),
      configMap(late, 'waits', { a: '1' }),
      { apiVersion: 'nowhere.example.com/v1', kind: 'Nothing', metadata: { name: 'x', namespace: ns } },
    ]);
    assert.match(actions[idOf(bad)]!, /^failed: .*unknownField/);
    assert.match(
      actions[`/ConfigMap/${late}/waits`]!,
      /^failed: .*NotFound: namespaces "law-refused-late" not found/,
    );
    assert.match(actions[`nowhere.example.com/Nothing/${ns}/x`]!, /^failed: .*not known to the API server/);
    assert.equal(actions[`/ConfigMap/${ns}/good`], 'created');
    const { objects } = lab.snapshot(ns);
    assert.match(objects.find(({ id }) => id === idOf(bad))!.error!, /unknownField/);
    assert.equal(objects.length, 5);

    await lab.post('/api/v1/namespaces', { metadata: { name: late } });
    await lab.until('the late object is there', ns, (snapshot) =>
      snapshot.objects.some(({ id, action }) => id === `/ConfigMap/${late}/waits` && action !== 'failed'),
    );
    assert.ok(await lab.get(cm(late, 'waits')));
  });

  test('while anything fails nothing is pruned', async () => {
    await using lab = new Lab(server());
    const ns = 'law-fail-no-prune';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'old', {})]);
    const { results } = await lab.apply(ns, [
      namespace(ns),
      { ...configMap(ns, 'new', {}), unknownField: 1 },
    ]);
    assert.ok(results.every(({ action }) => action !== 'pruned'));
    assert.ok(await lab.get(cm(ns, 'old')));
  });

  test('a message about a Secret never holds its values', async () => {
    await using lab = new Lab(server());
    const ns = 'law-secret-error';
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: ns },
      immutable: true,
      stringData: { password: planted('correct-horse') },
    };
    await lab.apply(ns, [namespace(ns), secret]);
    const wrong = { ...secret, stringData: undefined, data: { password: planted('correct horse battery') } };
    const actions = await lab.actions(ns, [namespace(ns), wrong as unknown as KubeObject]);
    const message = actions[idOf(secret)]!;
    assert.match(message, /^failed/);
    assert.doesNotMatch(JSON.stringify([message, lab.snapshot(ns)]), /horse/);
  });

  test('a CRD and its object in one set are applied in one go', async () => {
    await using lab = new Lab(server());
    const ns = 'law-crd';
    const crd = widgetDefinition('law-crd.example.com');
    const widget = {
      apiVersion: 'law-crd.example.com/v1',
      kind: 'Widget',
      metadata: { name: 'one', namespace: ns },
      spec: { size: 3 },
    };
    const actions = await lab.actions(ns, [widget, crd, namespace(ns)]);
    assert.deepEqual([...new Set(Object.values(actions))], ['created']);
    await lab.edit('/apis/law-crd.example.com/v1/namespaces/law-crd/widgets/one', { spec: { size: 9 } });
    const { drift } = await lab.untilEvent('DRIFT_RESOLVED', '/spec/size');
    assert.deepEqual([drift.desired, drift.live], [3, 9]);
  });

  test('a claim of another placement is a conflict that names both, found before any write', async () => {
    await using lab = new Lab(server());
    const ns = 'law-claim';
    await lab.apply('claim-one', [namespace(ns), configMap(ns, 'shared', { from: 'one' })]);
    const before = lab.requests.length;
    await assert.rejects(
      lab.apply('claim-two', [configMap(ns, 'mine', {}), configMap(ns, 'shared', { from: 'two' })]),
      (error: Error) =>
        rejects('object-conflict')(error) &&
        /ConfigMap\/law-claim\/shared is claimed by placement claim-one, wanted by placement claim-two/.test(
          error.message,
        ),
    );
    assert.equal(lab.requests.length, before);
    assert.equal(await lab.get(cm(ns, 'mine')), undefined);
    assert.equal(lab.snapshot('claim-two').faults[0]?.code, 'object-conflict');
    assert.deepEqual(await lab.inventory('claim-two'), []);

    // The one that has it lets it go: the other one takes it over, the object is the same one.
    const uid = (await lab.get(cm(ns, 'shared')))!.metadata.uid;
    await lab.apply('claim-one', [namespace(ns)]);
    await lab.until('the other one has taken it over', 'claim-two', ({ objects }) =>
      objects.some(({ id, action }) => id === `/ConfigMap/${ns}/shared` && action === 'configured'),
    );
    const live = (await lab.get(cm(ns, 'shared')))!;
    assert.equal(live.metadata.uid, uid);
    assert.deepEqual(live.data, { from: 'two' });
    await lab.untilInventory('claim-one', [`applied Namespace/${ns}`]);
  });

  test('an object that moves between placements is handed over whichever is applied first', async () => {
    await using lab = new Lab(server());
    const ns = 'law-move';
    const moving = configMap(ns, 'moving', { a: '1' });
    for (const order of [
      ['move-a', 'move-b'],
      ['move-b', 'move-a'],
    ] as const) {
      const [from, to] = ['move-a', 'move-b'];
      const with_ = (placement: string, has: boolean) => ({
        placement,
        objects: [configMap(ns, `of-${placement}`, {}), ...(has ? [moving] : [])],
        policy: DEFAULT_POLICY,
      });
      await lab.apply('move-ns', [namespace(ns)]);
      await lab.engine.intend(with_(to, false), NEVER);
      await lab.engine.apply(with_(from, true), NEVER);
      await lab.engine.apply(with_(to, false), NEVER);
      const { uid } = (await lab.get(cm(ns, 'moving')))!.metadata;
      const next = [with_(from, false), with_(to, true)];
      for (const assignment of next) await lab.engine.intend(assignment, NEVER);
      for (const name of order)
        await lab.engine.apply(next.find(({ placement }) => placement === name)!, NEVER);
      assert.equal((await lab.get(cm(ns, 'moving')))?.metadata.uid, uid);
      await lab.untilInventory(from, [`applied ConfigMap/of-${from}`]);
      await lab.untilInventory(to, ['applied ConfigMap/moving', `applied ConfigMap/of-${to}`]);
      // And back, so that the next order starts where this one did.
      const back = [with_(from, true), with_(to, false)];
      for (const assignment of back) await lab.engine.intend(assignment, NEVER);
      for (const assignment of back) await lab.engine.apply(assignment, NEVER);
    }
  });

  test('a field that leaves Git disappears, also where kubectl has come to own it beside us', async () => {
    await using lab = new Lab(server());
    const ns = 'law-dropped';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'c', { stays: '1', goes: '1' })]);
    await lab.edit(cm(ns, 'c'), { data: { goes: '1', theirs: '1' } });
    await lab.apply(ns, [namespace(ns), configMap(ns, 'c', { stays: '1' })]);
    assert.deepEqual((await lab.get(cm(ns, 'c')))!.data, { stays: '1', theirs: '1' });
  });

  test('at first contact what kubectl owns is taken over, once', async () => {
    await using lab = new Lab(server());
    const ns = 'law-takeover';
    await lab.post('/api/v1/namespaces', { metadata: { name: ns } });
    await lab.post(
      cm(ns, '').slice(0, -1),
      { metadata: { name: 'c' }, data: { a: 'old', gone: 'x' } },
      'kubectl-client-side-apply',
    );
    const actions = await lab.actions(ns, [configMap(ns, 'c', { a: 'new' })]);
    assert.equal(actions[`/ConfigMap/${ns}/c`], 'configured');
    const live = (await lab.get(cm(ns, 'c')))!;
    assert.deepEqual(live.data, { a: 'new' });
    assert.deepEqual(
      live.metadata.managedFields!.map(({ manager }) => manager),
      ['flotilla-agent'],
    );
    await lab.edit(cm(ns, 'c'), { data: { later: 'y' } });
    await lab.apply(ns, [configMap(ns, 'c', { a: 'newer' })]);
    assert.deepEqual((await lab.get(cm(ns, 'c')))!.data, { a: 'newer', later: 'y' });
  });

  test('what was there before any apply is taken over with its values', async () => {
    await using lab = new Lab(server());
    const ns = 'law-before';
    await lab.post('/api/v1/namespaces', { metadata: { name: ns } });
    await lab.post(cm(ns, '').slice(0, -1), configMap(ns, 'c', { v: '1', w: '1' }), 'before-first-apply');
    await lab.apply(ns, [configMap(ns, 'c', { v: '1', w: '2' })]);
    assert.deepEqual((await lab.get(cm(ns, 'c')))!.data, { v: '1', w: '2' });
  });

  test('a process that ends between any two effects leaves no orphan and nothing half', async () => {
    const ns = 'law-crash';
    const one = [namespace(ns), configMap(ns, 'a', { v: '1' }), configMap(ns, 'b', { v: '1' })];
    const two = [namespace(ns), configMap(ns, 'a', { v: '2' }), configMap(ns, 'c', { v: '2' })];
    for (const point of ['inventory-written', 'between-writes', 'applied', 'pruned', 'inventory-finalised']) {
      for (const set of [one, two]) {
        await endsAt(server(), point, ns, set);
        await using lab = new Lab(server());
        const { ok } = await lab.apply(ns, set);
        assert.equal(ok, true);
        const names = set.slice(1).map(({ metadata }) => metadata.name);
        const { body } = await server().send('GET', cm(ns, '').slice(0, -1));
        const live = (body as { items: KubeObject[] }).items.map(({ metadata }) => metadata.name);
        assert.deepEqual(live.filter((name) => name !== 'kube-root-ca.crt').toSorted(), names, point);
        assert.equal((await lab.inventory(ns)).length, set.length);
      }
    }
  });

  test('what an inventory named that somebody deleted, and Git drops before the next process, is told and never deleted', async () => {
    const ns = 'law-orphan';
    const kept = { ...configMap(ns, 'kept', {}), metadata: { ...configMap(ns, 'kept', {}).metadata } };
    kept.metadata.annotations = { 'flotilla.dev/prune': 'disabled' };
    const others = [namespace(ns), configMap(ns, 'c', {})];
    const set = [configMap(ns, 'a', {}), configMap(ns, 'b', {}), kept];
    {
      await using before = new Lab(server());
      await before.apply('orphan-others', others);
      await before.apply(ns, set);
    }
    await using lab = new Lab(server());
    await lab.remove((await lab.inventoryMap(ns))!);
    const labels = { [OWNER_LABEL]: ns };
    await lab.post(cm(ns, '').slice(0, -1), { metadata: { name: 'copy', labels }, data: {} }, 'copier');
    await lab.apply('orphan-others', others);
    await lab.apply(ns, set.slice(0, 1));
    const told = () => ['orphan-others', ns].map((name) => lab.snapshot(name).orphans);
    assert.deepEqual(told(), [[], []]);
    lab.engine.pass();
    assert.deepEqual(told(), [[], [`/ConfigMap/${ns}/b`]]);
    assert.ok(await lab.get(cm(ns, 'b')));
    await lab.remove(cm(ns, 'b'));
    await lab.until('it is gone', ns, ({ orphans }) => orphans.length === 0);
    await lab.apply(ns, [configMap(ns, 'd', {})]);
    lab.engine.pass();
    assert.deepEqual(told(), [[], []]);
  });

  test('a removed placement takes its objects with it and then its inventory', async () => {
    await using lab = new Lab(server());
    const ns = 'law-retire';
    await lab.apply('retire-ns', [namespace(ns)]);
    await lab.apply(ns, [configMap(ns, 'a', {}), configMap(ns, 'b', {}), deployment(ns, 'web', 'x/y:1', 0)]);
    const { ok } = await lab.engine.retire(ns, [], DEFAULT_POLICY, NEVER);
    assert.equal(ok, true);
    assert.equal(lab.snapshot(ns).removed, true);
    assert.equal(await lab.get(cm(ns, 'a')), undefined);
    assert.equal(await lab.inventoryMap(ns), undefined);
    assert.ok(await lab.get(`/api/v1/namespaces/${ns}`));
  });

  test('a render of nothing keeps what is there', async () => {
    await using lab = new Lab(server());
    const ns = 'law-empty';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', {})]);
    await assert.rejects(lab.apply(ns, []), rejects('render-empty'));
    assert.equal(lab.snapshot(ns).objects.length, 2);
    assert.ok(await lab.get(cm(ns, 'a')));
  });

  test('where managedFields said nothing of an object, new content is written, and what Git drops goes', async () => {
    await using lab = new Lab(server());
    const ns = 'law-untracked';
    const set = (data: Record<string, string>) => [namespace(ns), configMap(ns, 'a', data)];
    await lab.apply(ns, set({ v: '1', w: '1' }));
    await lab.edit(cm(ns, 'a'), { metadata: { managedFields: [{}] }, data: { v: '9' } });
    await lab.untilEvent('DRIFT_RESOLVED', '/data/v');
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '1', w: '1' });
    await lab.apply(ns, set({ v: '1', w: '2' }));
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '1', w: '2' });
    await lab.engine.flushAll(NEVER);
    await using other = new Lab(server());
    assert.equal((await other.actions(ns, set({ v: '1', w: '2' })))[`/ConfigMap/${ns}/a`], 'unchanged');
    await other.apply(ns, set({ v: '3' }));
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '3' });
  });

  test('an atomic apply writes nothing when one object would be refused', async () => {
    await using lab = new Lab(server());
    const ns = 'law-atomic';
    const good = [namespace(ns), configMap(ns, 'a', {})];
    const bad = { ...configMap(ns, 'bad', {}), unknownField: 1 };
    const actions = await lab.actions(ns, [...good, bad], { atomic: true });
    assert.match(JSON.stringify(actions), /unknownField/);
    assert.equal(await lab.get(`/api/v1/namespaces/${ns}`), undefined);
    const { ok } = await lab.apply(ns, good, { atomic: true });
    assert.equal(ok, true);
    assert.ok(await lab.get(cm(ns, 'a')));
  });
}

async function versionsOf(lab: Lab, paths: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(paths.map(async (path) => (await lab.get(path))?.metadata.resourceVersion));
}

/** An engine that stands still for ever at a point, as far as the cluster can tell: killed. */
async function endsAt(server: Server, point: string, placement: string, set: KubeObject[]): Promise<void> {
  const reached = Promise.withResolvers<void>();
  await using lab = new Lab(server, async (name) => {
    if (name !== point) return;
    reached.resolve();
    await new Promise(() => undefined);
  });
  const applied = lab.apply(placement, set).then(() => lab.engine.flushAll(NEVER));
  await Promise.race([reached.promise, applied]);
  await lab.crash();
}

export function widgetDefinition(group: string): KubeObject {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
            },
          },
        },
      ],
    },
  };
}
