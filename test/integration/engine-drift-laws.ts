/** Laws of drift, correction and health, stated against whatever API server they are given. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '#agent/engine/ports.ts';
import { KubeClient } from '#agent/kube/client.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { planted } from '#test/bed/planted.ts';
import { configMap, deployment, Lab, namespace, type Server } from './engine-lab.ts';

const cm = (ns: string, name: string) => `/api/v1/namespaces/${ns}/configmaps/${name}`;
const deploy = (ns: string, name: string) => `/apis/apps/v1/namespaces/${ns}/deployments/${name}`;
const SECOND = 1_000;
/** Of so many tries one has to be in time: the others may be what else the machine does. Each is on an object of its own: corrections of one field become slower. */
const TRIES = 6;

export function driftLaws(server: () => Server): void {
  test('a changed field is told with pointer, values and manager, and taken back within a second', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-correct';
    const names = Array.from({ length: TRIES }, (_, index) => `web-${index}`);
    await lab.apply(ns, [
      namespace(ns),
      ...names.map((name) => deployment(ns, name, 'example.com/web:1', 0)),
    ]);
    const path = '/spec/template/spec/containers[name=web]/image';
    const evil = async (name: string) => {
      lab.events.length = 0;
      const started = Date.now();
      await lab.edit(deploy(ns, name), {
        spec: { template: { spec: { containers: [{ name: 'web', image: 'example.com/web:evil' }] } } },
      });
      const { drift } = await lab.untilEvent('DRIFT_DETECTED', path);
      await lab.untilEvent('DRIFT_RESOLVED', path);
      return { drift, ms: Date.now() - started };
    };
    let tried = names[0]!;
    let { drift, ms } = await evil(tried);
    for (const name of names.slice(1)) {
      if (ms < SECOND) break;
      tried = name;
      ({ drift, ms } = await evil(tried));
    }
    assert.equal(drift.kind, 'CHANGED');
    assert.deepEqual([drift.desired, drift.live], ['example.com/web:1', 'example.com/web:evil']);
    assert.deepEqual([drift.manager, drift.operation], ['kubectl-edit', 'Update']);
    assert.ok(drift.changedAt);
    assert.ok(ms < SECOND, `corrected after ${ms} ms`);
    const { spec } = (await lab.get(deploy(ns, tried))) as unknown as {
      spec: { template: { spec: { containers: { image: string }[] } } };
    };
    assert.equal(spec.template.spec.containers[0]!.image, 'example.com/web:1');
    assert.deepEqual(lab.snapshot(ns).drifts, []);
    assert.ok(lab.snapshot(ns).corrected.some((each) => each.path === path));
  });

  test('an object deleted by hand comes back, and so does our label', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-deleted';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' }), configMap(ns, 'b', { v: '1' })]);
    await lab.remove(cm(ns, 'a'));
    const { drift } = await lab.untilEvent('DRIFT_RESOLVED', '');
    assert.equal(drift.kind, 'MISSING');
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '1' });
    await lab.edit(cm(ns, 'b'), { metadata: { labels: { 'flotilla.dev/placement': null } } });
    await lab.untilEvent('DRIFT_RESOLVED', '/metadata/labels/flotilla.dev~1placement');
    assert.equal((await lab.get(cm(ns, 'b')))!.metadata.labels!['flotilla.dev/placement'], ns);
  });

  test('an engine confined to namespaces watches each of them, and refuses what lies elsewhere alone', async () => {
    const [one, two, other] = ['confined-one', 'confined-two', 'confined-other'];
    await using lab = new Lab(
      server(),
      undefined,
      ({ connection }) => new KubeClient(connection, {}, [one, two]),
    );
    for (const name of [one, two, other]) await lab.post('/api/v1/namespaces', namespace(name));
    const set = [namespace('new'), ...[one, two, other].map((ns) => configMap(ns, 'a', { v: '1' }))];
    const done = await lab.actions('confined', set);
    assert.deepEqual(
      [done[`/ConfigMap/${one}/a`], done[`/ConfigMap/${two}/a`]],
      ['created', 'created'],
      JSON.stringify(done),
    );
    assert.match(done[`/ConfigMap/${other}/a`]!, /confined to confined-one, confined-two \(--namespaces\)/);
    assert.match(done['/Namespace//new']!, /cluster-scoped/);
    for (const ns of [one, two]) {
      await lab.edit(cm(ns, 'a'), { data: { v: ns } });
      await eventually(
        `the correction in ${ns}`,
        async () => ((await lab.get(cm(ns, 'a')))!.data as { v: string }).v === '1' || undefined,
        PATIENCE_MS,
        new AbortController().signal,
      );
    }
  });

  test('what an agent with fewer namespaces than before had elsewhere is left there, told, and gone once it may be', async () => {
    const [one, other] = ['narrow-one', 'narrow-other'];
    const map = (ns: string) => configMap(ns, 'a', { v: '1' });
    const outside = `/ConfigMap/${other}/a`;
    const confined = () =>
      new Lab(server(), undefined, ({ connection }) => new KubeClient(connection, {}, [one]));
    {
      await using lab = new Lab(server());
      for (const name of [one, other]) await lab.post('/api/v1/namespaces', namespace(name));
      assert.equal((await lab.apply('narrowed', [map(one), map(other)])).ok, true);
    }
    {
      await using lab = confined();
      const wanted = await lab.actions('narrowed', [map(one), map(other)]);
      assert.equal(wanted[`/ConfigMap/${one}/a`], 'unchanged');
      assert.match(wanted[outside]!, /confined to narrow-one \(--namespaces\); grant the agent a Role/);
      const dropped = await lab.actions('narrowed', [map(one)]);
      assert.match(
        dropped[outside]!,
        /ConfigMap\/narrow-other\/a is in namespace narrow-other and this agent is confined/,
      );
      assert.ok(await lab.get(cm(other, 'a')));
      await lab.untilInventory('narrowed', ['applied ConfigMap/a', 'applied ConfigMap/a']);
    }
    await using lab = new Lab(server());
    assert.equal((await lab.actions('narrowed', [map(one)]))[outside], 'pruned');
    assert.equal(await lab.get(cm(other, 'a')), undefined);
  });

  test('in report mode drift stays and is told; a new revision writes only what changed in Git', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-report';
    const policy = { mode: 'report' } as const;
    const set = [
      namespace(ns),
      configMap(ns, 'a', { v: '1', w: '1' }),
      configMap(ns, 'b', { v: '1' }),
      configMap(ns, 'gone', {}),
    ];
    await lab.apply(ns, set, policy);
    await lab.edit(cm(ns, 'a'), { data: { v: '9' } });
    await lab.edit(cm(ns, 'a'), { data: { w: null, x: 'theirs' } }, 'k9s');
    await lab.remove(cm(ns, 'gone'));
    const told = await lab.until('four drifts are told', ns, ({ drifts }) => drifts.length === 4);
    const words = told.drifts.map(({ kind, path, manager }) => `${kind} ${path} ${manager}`);
    assert.deepEqual(words.toSorted(), [
      'CHANGED /data/v kubectl-edit',
      'EXTRA /data/x k9s',
      'MISSING  null',
      'MISSING /data/w k9s',
    ]);
    const before = lab.requests.length;
    await lab.apply(ns, [...set.slice(0, 2), configMap(ns, 'b', { v: '2' }), set[3]!], policy);
    assert.deepEqual(lab.requests.slice(before), ['apply ConfigMap/b']);
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '9', x: 'theirs' });
    assert.equal(await lab.get(cm(ns, 'gone')), undefined);
    assert.equal(lab.snapshot(ns).drifts.length, 4);

    // A restart sees the same and writes nothing, whether or not it knows that everything had been applied.
    const now = [...set.slice(0, 2), configMap(ns, 'b', { v: '2' }), set[3]!];
    for (const settled of [true, false]) {
      await using again = new Lab(server());
      await again.apply(ns, now, policy, { settled });
      const seen = await again.until('the drift is found again', ns, ({ drifts }) => drifts.length === 4);
      assert.deepEqual(seen.drifts.map(({ kind, path }) => `${kind} ${path}`).toSorted(), [
        'CHANGED /data/v',
        'EXTRA /data/x',
        'MISSING ',
        'MISSING /data/w',
      ]);
      assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '9', x: 'theirs' });
      assert.equal(await lab.get(cm(ns, 'gone')), undefined);
    }

    // What was accepted but not applied before a crash is new content: it is written, and only it.
    await using crashed = new Lab(server());
    await crashed.apply(ns, [...set.slice(0, 2), configMap(ns, 'b', { v: '3' }), set[3]!], policy);
    assert.deepEqual((await lab.get(cm(ns, 'b')))!.data, { v: '3' });
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '9', x: 'theirs' });

    // Switched to correct, everything is taken back at once; extras stay.
    crashed.engine.setPolicy(ns, { ...DEFAULT_POLICY, mode: 'correct' });
    await crashed.until('only the extra is left', ns, ({ drifts }) => drifts.length === 1);
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '1', w: '1', x: 'theirs' });
    assert.ok(await lab.get(cm(ns, 'gone')));
  });

  test('what changed while no agent ran is told and corrected at the start', async () => {
    const ns = 'drift-restart';
    const set = [namespace(ns), configMap(ns, 'a', { v: '1' }), configMap(ns, 'b', { v: '1' })];
    {
      await using lab = new Lab(server());
      await lab.apply(ns, set);
    }
    for (const settled of [true, false]) {
      await using lab = new Lab(server());
      await lab.edit(cm(ns, 'a'), { data: { v: '9' } });
      await lab.remove(cm(ns, 'b'));
      await lab.apply(ns, set, {}, { settled });
      const { drift } = await lab.untilEvent('DRIFT_RESOLVED', '/data/v');
      assert.deepEqual([drift.desired, drift.live, drift.manager], ['1', '9', 'kubectl-edit']);
      await lab.untilEvent('DRIFT_RESOLVED', '');
      assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '1' });
      assert.ok(await lab.get(cm(ns, 'b')));
    }
  });

  test('wiped managedFields are judged by a dry-run', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-wiped';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })], { mode: 'report' });
    await lab.edit(cm(ns, 'a'), { metadata: { managedFields: [{}] }, data: { v: '9' } });
    const { drifts } = await lab.until('the change is told', ns, (snapshot) => snapshot.drifts.length === 1);
    assert.deepEqual([drifts[0]!.path, drifts[0]!.live], ['/data/v', '9']);
  });

  test('drift of a Secret is told without any value', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-secret';
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', namespace: ns },
      stringData: { password: planted('correct-horse') },
    };
    await lab.apply(ns, [namespace(ns), secret], { mode: 'report' });
    const path = `/api/v1/namespaces/${ns}/secrets/s`;
    await lab.edit(path, {
      data: { password: Buffer.from(planted('other-horse')).toString('base64'), more: 'aG9yc2U=' },
      metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': planted('horse') } },
    });
    const { drifts } = await lab.until('it is told', ns, (snapshot) => snapshot.drifts.length === 3);
    assert.ok(
      drifts.every(({ redacted, desired, live }) => redacted && desired === undefined && live === undefined),
    );
    const all = JSON.stringify([lab.snapshot(ns), lab.events]);
    for (const text of ['correct-horse', 'other-horse', 'horse', 'aG9yc2U=', 'Y29ycmVjdC1ob3JzZQ=='])
      assert.ok(!all.includes(text), text);
  });

  test('what others own by design, and what is ignored with a reason, is no drift', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-spared';
    await lab.apply(
      ns,
      [namespace(ns), deployment(ns, 'web', 'x/y:1', 0), configMap(ns, 'c', { v: '1', w: '1' })],
      {
        ignore: [{ kind: 'Config*', paths: ['/data/v'], reason: 'tuned by hand' }],
      },
    );
    await lab.edit(deploy(ns, 'web'), { spec: { replicas: 3 } }, 'kube-controller-manager');
    await lab.edit(
      deploy(ns, 'web'),
      { spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } } },
      'kubectl-rollout',
    );
    await lab.edit(cm(ns, 'c'), { data: { v: '9' } });
    await lab.edit(cm(ns, 'c'), { data: { w: '9' } });
    await lab.untilEvent('DRIFT_RESOLVED', '/data/w');
    assert.deepEqual((await lab.get(cm(ns, 'c')))!.data, { v: '9', w: '1' });
    const live = (await lab.get(deploy(ns, 'web'))) as unknown as { spec: { replicas: number } };
    assert.equal(live.spec.replicas, 3);
    assert.deepEqual([...new Set(lab.events.map(({ drift }) => drift.path))], ['/data/w']);
    // A new revision does not take back what it has handed over.
    await lab.apply(ns, [namespace(ns), deployment(ns, 'web', 'x/y:2', 0)]);
    const later = (await lab.get(deploy(ns, 'web'))) as unknown as { spec: { replicas: number } };
    assert.equal(later.spec.replicas, 3);
  });

  test('extras are removed where the placement asks for it', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-extras';
    await lab.apply(ns, [namespace(ns), deployment(ns, 'web', 'x/y:1', 0)], { extras: 'remove' });
    await lab.edit(deploy(ns, 'web'), {
      metadata: { labels: { extra: 'yes' } },
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'web',
                image: 'x/y:1',
                ports: [{ containerPort: 8080 }],
                resources: { requests: { cpu: '0.1' } },
                env: [
                  { name: 'FIRST', value: '1' },
                  { name: 'MODE', value: 'plain' },
                  { name: 'LAST', value: '1' },
                ],
              },
            ],
          },
        },
      },
    });
    await lab.untilEvent('DRIFT_RESOLVED', '/metadata/labels/extra');
    const live = (await lab.get(deploy(ns, 'web')))!;
    assert.equal(live.metadata.labels!.extra, undefined);
    assert.match(JSON.stringify(live.spec), /"env":\[\{"name":"MODE","value":"plain"\}\]/);
    assert.deepEqual(lab.snapshot(ns).drifts, []);
  });

  test('a field that is fought over is left alone after some rounds and told as a fight', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-fight';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })]);
    const writer = setInterval(() => {
      lab.edit(cm(ns, 'a'), { data: { v: '9' } }, 'stubborn').catch(() => undefined);
    }, 50);
    try {
      const { drift } = await lab.untilEvent('DRIFT_FIGHT', '/data/v');
      assert.equal(drift.manager, 'stubborn');
    } finally {
      clearInterval(writer);
    }
    assert.equal(lab.snapshot(ns).drifts[0]?.fight, true);
    // New content in Git ends it.
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })]);
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '2' });
  });

  test('an object that a person has paused is left alone until it is resumed', async () => {
    await using lab = new Lab(server());
    const ns = 'drift-paused';
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })]);
    await lab.edit(cm(ns, 'a'), { metadata: { annotations: { 'flotilla.dev/reconcile': 'disabled' } } });
    const skipped = async () => {
      const actions = await lab.actions(ns, [namespace(ns), configMap(ns, 'a', { v: '1' })]);
      return actions[`/ConfigMap/${ns}/a`] === 'skipped' || undefined;
    };
    await eventually('the pause is seen', skipped, PATIENCE_MS, new AbortController().signal);
    await lab.edit(cm(ns, 'a'), { data: { v: '9' } });
    await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { v: '2' })]);
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '9' });
    assert.deepEqual(lab.snapshot(ns).drifts, []);
    await lab.edit(cm(ns, 'a'), { metadata: { annotations: { 'flotilla.dev/reconcile': null } } });
    await lab.untilEvent('DRIFT_RESOLVED', '/data/v');
    assert.deepEqual((await lab.get(cm(ns, 'a')))!.data, { v: '2' });
  });

  test('health follows the object by watch', async () => {
    await using lab = new Lab(server());
    const ns = 'health-watch';
    await lab.apply(ns, [namespace(ns), deployment(ns, 'web', 'x/y:1', 1)]);
    const id = `apps/Deployment/${ns}/web`;
    const healthOf = (snapshot: ReturnType<Lab['snapshot']>) =>
      snapshot.objects.find((object) => object.id === id)?.health;
    await lab.until('it is Current', ns, (snapshot) => healthOf(snapshot) === 'CURRENT');
    // Stays so on a simulated cluster for its image, on a real one for want of a node.
    const wanting = deployment(ns, 'web', 'x/broken:2', 2);
    const { template } = wanting.spec as { template: { spec: object } };
    Object.assign(template.spec, { nodeSelector: { 'of-no-node': 'yes' } });
    await lab.apply(ns, [namespace(ns), wanting]);
    await lab.until('it is so no more', ns, (snapshot) => healthOf(snapshot) !== 'CURRENT');
    await lab.apply(ns, [namespace(ns), deployment(ns, 'web', 'x/y:2', 2)]);
    await lab.until('it is Current again', ns, (snapshot) => healthOf(snapshot) === 'CURRENT');
  });
}
