/** Cases 1–13 of the corpus of apply behaviours: applying, and replacing what cannot be changed. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#agent/core/object.ts';
import { eventually, PATIENCE_MS } from '#test/bed/eventually.ts';
import { planted } from '#test/bed/planted.ts';
import { configMap, deployment, idOf, Lab, namespace } from '#test/integration/engine-lab.ts';
import { apps, collection, core, NEVER, object, rbac, secret } from './cluster.ts';
import { realServer } from './servers.ts';

const { plane, server } = realServer('part-b-apply');
const RBAC = 'rbac.authorization.k8s.io';
const RECREATE = { 'flotilla.dev/recreate': 'enabled' };

const clusterRole = (name: string) =>
  object(`${RBAC}/v1`, 'ClusterRole', name, {
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  });
const clusterRoleBinding = (name: string, role: string, annotations = {}) =>
  object(
    `${RBAC}/v1`,
    'ClusterRoleBinding',
    name,
    {
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
    },
    { annotations },
  );
const storageClass = (name: string, type: string, annotations = {}) =>
  object(
    'storage.k8s.io/v1',
    'StorageClass',
    name,
    { provisioner: 'example.com/disk', parameters: { type } },
    { annotations },
  );
const service = (at: string, spec: object, annotations = {}) =>
  object(
    'v1',
    'Service',
    at,
    { spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec } },
    { annotations },
  );

const versions = (lab: Lab, paths: readonly string[]) =>
  Promise.all(paths.map(async (path) => (await lab.get(path))?.metadata.resourceVersion));

test('B1: an unsorted set is created in order of its phases, the Namespace before what lies in it', async () => {
  await using lab = new Lab(server());
  const ns = 'b1';
  const set = [
    clusterRoleBinding('b1', 'b1'),
    object('v1', 'ServiceAccount', `${ns}/a`),
    secret(`${ns}/a`, { a: '1' }),
    configMap(ns, 'a', { a: '1' }),
    service(`${ns}/a`, {}),
    storageClass('b1', 'fast'),
    clusterRole('b1'),
    namespace(ns),
  ];
  const actions = await lab.actions(ns, set);
  assert.deepEqual(new Set(Object.values(actions)), new Set(['created']));
  const at = (text: string) => lab.requests.indexOf(`apply ${text}`);
  assert.deepEqual(lab.requests.slice(0, 2).toSorted(), ['apply ClusterRole/b1', 'apply Namespace/b1']);
  assert.ok(at('ClusterRoleBinding/b1') > at('Secret/a') && at('Service/a') > at('ClusterRoleBinding/b1'));
});

test('B2: applying again what is unchanged leaves every resourceVersion as it is, also by a process that knows nothing', async () => {
  const ns = 'b2';
  const set = [
    namespace(ns),
    configMap(ns, 'a', { v: '1' }),
    secret(`${ns}/s`, { p: 'x1' }),
    clusterRole(ns),
  ];
  const paths = [
    `/api/v1/namespaces/${ns}`,
    core(ns, 'configmaps', 'a'),
    core(ns, 'secrets', 's'),
    rbac('clusterroles', ns),
  ];
  await using lab = new Lab(server());
  await lab.apply(ns, set);
  await lab.engine.flushAll(NEVER);
  const before = await versions(lab, paths);
  await using fresh = new Lab(server());
  const actions = await fresh.actions(ns, structuredClone(set));
  assert.deepEqual(new Set(Object.values(actions)), new Set(['unchanged']));
  assert.deepEqual(await versions(lab, paths), before);
});

test('B3: of one changed key only its object is configured', async () => {
  await using lab = new Lab(server());
  const ns = 'b3';
  await lab.apply(ns, [namespace(ns), configMap(ns, 'a', { k: '1' }), configMap(ns, 'b', { k: '1' })]);
  const before = await versions(lab, [core(ns, 'configmaps', 'b')]);
  const actions = await lab.actions(ns, [
    namespace(ns),
    configMap(ns, 'a', { k: '2' }),
    configMap(ns, 'b', { k: '1' }),
  ]);
  assert.deepEqual(actions, {
    [`/Namespace//${ns}`]: 'unchanged',
    [`/ConfigMap/${ns}/a`]: 'configured',
    [`/ConfigMap/${ns}/b`]: 'unchanged',
  });
  assert.deepEqual(await versions(lab, [core(ns, 'configmaps', 'b')]), before);
});

test('B4: ports without protocol, stringData, a claim, a CronJob and an HPA are unchanged the second time', async () => {
  const ns = 'b4';
  const pod = { containers: [{ name: 'c', image: 'example.com/c:1', ports: [{ containerPort: 80 }] }] };
  const set = [
    namespace(ns),
    deployment(ns, 'web', 'example.com/web:1'),
    service(`${ns}/web`, {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
    }),
    secret(`${ns}/s`, { token: 'plain' }, { data: { other: 'eA==' } }),
    object('v1', 'PersistentVolumeClaim', `${ns}/d`, {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
    }),
    object('batch/v1', 'CronJob', `${ns}/c`, {
      spec: {
        schedule: '0 0 1 1 *',
        jobTemplate: { spec: { template: { spec: { ...pod, restartPolicy: 'Never' } } } },
      },
    }),
    object('autoscaling/v2', 'HorizontalPodAutoscaler', `${ns}/h`, {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
          },
          {
            type: 'Resource',
            resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 80 } },
          },
        ],
      },
    }),
    object('apps/v1', 'StatefulSet', `${ns}/st`, {
      spec: {
        replicas: 0,
        serviceName: 'st',
        selector: { matchLabels: { app: 'st' } },
        template: { metadata: { labels: { app: 'st' } }, spec: pod },
        volumeClaimTemplates: [
          {
            metadata: { name: 'd' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    }),
  ];
  {
    await using lab = new Lab(server());
    const { ok } = await lab.apply(ns, set);
    assert.equal(ok, true);
    await lab.until(
      'the Deployment has settled',
      ns,
      ({ objects }) => objects.find(({ id }) => id.includes('Deployment'))?.health === 'CURRENT',
    );
  }
  await using lab = new Lab(server());
  const again = await lab.actions(ns, set);
  assert.deepEqual(new Set(Object.values(again)), new Set(['unchanged']), JSON.stringify(again));
  assert.deepEqual(lab.drifts(ns), []);
});

test('B5: what a service account may not change fails alone and is named; the rest of the set is told as it is', async () => {
  const ns = 'b5';
  const set = (role: string) => [
    namespace(ns),
    clusterRole(ns),
    storageClass(ns, 'fast'),
    clusterRoleBinding(ns, role),
  ];
  {
    await using admin = new Lab(server());
    await admin.apply(ns, set(ns));
    await admin.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'b5-limited' },
      rules: [
        {
          apiGroups: ['', 'storage.k8s.io'],
          resources: ['namespaces', 'configmaps', 'storageclasses'],
          verbs: ['*'],
        },
        { apiGroups: [RBAC], resources: ['clusterroles'], verbs: ['*'] },
        { apiGroups: [RBAC], resources: ['clusterrolebindings'], verbs: ['get', 'list', 'watch'] },
      ],
    });
  }
  const { kubeconfigPath } = await plane().createServiceAccount('b5', { clusterRole: 'b5-limited' });
  await using lab = new Lab({ ...server(), source: { file: kubeconfigPath } });
  const actions = await lab.actions(ns, set('view'));
  const failed = actions[`${RBAC}/ClusterRoleBinding//${ns}`]!;
  assert.match(failed, /^failed: .*Forbidden.*cannot patch resource "clusterrolebindings"/);
  assert.deepEqual(
    [`/Namespace//${ns}`, `${RBAC}/ClusterRole//${ns}`, `storage.k8s.io/StorageClass//${ns}`].map(
      (id) => actions[id],
    ),
    ['unchanged', 'unchanged', 'unchanged'],
  );
});

test('B6: a change of an immutable Secret fails with the words of the server, what would help, and no value', async () => {
  await using lab = new Lab(server());
  const ns = 'b6';
  await lab.apply(ns, [namespace(ns), secret(`${ns}/n`, { p: 'planted-b6-old' }, { immutable: true })]);
  const actions = await lab.actions(ns, [
    namespace(ns),
    secret(`${ns}/n`, { p: 'planted-b6-new' }, { immutable: true }),
  ]);
  assert.equal(
    actions[`/Secret/${ns}/n`],
    `failed: apply Secret/${ns}/n: Invalid: Secret "n" is invalid: data: Forbidden: field is immutable when \`immutable\` is set; ` +
      `Secret/${ns}/n would have to be deleted and created again, which takes the annotation flotilla.dev/recreate: enabled`,
  );
  assert.doesNotMatch(JSON.stringify([actions, lab.snapshot(ns), lab.events]), /planted-b6/);
});

test('B7: where Git asks for it, the immutable Secret is replaced, and nothing else is touched', async () => {
  await using lab = new Lab(server());
  const ns = 'b7';
  const of = (value: string) => [
    namespace(ns),
    configMap(ns, 'c', {}),
    secret(`${ns}/n`, { p: value }, { immutable: true }, RECREATE),
  ];
  await lab.apply(ns, of('one'));
  const { uid } = (await lab.get(core(ns, 'secrets', 'n')))!.metadata;
  const actions = await lab.actions(ns, of('two'));
  assert.deepEqual(actions, {
    [`/Namespace//${ns}`]: 'unchanged',
    [`/ConfigMap/${ns}/c`]: 'unchanged',
    [`/Secret/${ns}/n`]: 'created',
  });
  const live = (await lab.get(core(ns, 'secrets', 'n')))!;
  assert.notEqual(live.metadata.uid, uid);
  assert.deepEqual(live.data, { p: Buffer.from(planted('two')).toString('base64') });
  await lab.untilInventory(ns, ['applied ConfigMap/c', `applied Namespace/${ns}`, 'applied Secret/n']);
});

test('B8: an object that a finalizer holds is waited for before it is created anew', async () => {
  await using lab = new Lab(server());
  const ns = 'b8';
  const of = (value: string) => [
    namespace(ns),
    secret(`${ns}/n`, { p: value }, { immutable: true }, { 'kustomize.toolkit.fluxcd.io/force': 'enabled' }),
  ];
  const path = core(ns, 'secrets', 'n');
  await lab.apply(ns, of('one'));
  await lab.edit(path, { metadata: { finalizers: ['example.com/hold'] } }, 'holder');
  const applying = lab.actions(ns, of('two'));
  await eventually(
    'it is being deleted',
    async () => (await lab.get(path))?.metadata.deletionTimestamp,
    PATIENCE_MS,
    NEVER,
  );
  await lab.edit(path, { metadata: { finalizers: null } }, 'holder');
  assert.equal((await applying)[`/Secret/${ns}/n`], 'created');
  assert.deepEqual((await lab.get(path))!.data, { p: Buffer.from(planted('two')).toString('base64') });
});

test('B9: a roleRef and the parameters of a StorageClass are replaced where asked, by our word or Flux’s, and fail without', async () => {
  await using lab = new Lab(server());
  const ns = 'b9';
  await lab.apply(ns, [clusterRole(ns), clusterRoleBinding(ns, ns), storageClass(ns, 'slow')]);
  const without = await lab.actions(ns, [
    clusterRole(ns),
    clusterRoleBinding(ns, 'view'),
    storageClass(ns, 'fast'),
  ]);
  assert.match(without[`${RBAC}/ClusterRoleBinding//${ns}`]!, /^failed: .*cannot change roleRef/);
  assert.match(without[`storage.k8s.io/StorageClass//${ns}`]!, /^failed: .*parameters: .*field is immutable/);
  const actions = await lab.actions(ns, [
    clusterRole(ns),
    clusterRoleBinding(ns, 'view', RECREATE),
    storageClass(ns, 'fast', { 'kustomize.toolkit.fluxcd.io/force': 'Enabled' }),
  ]);
  assert.deepEqual(Object.values(actions).toSorted(), ['created', 'created', 'unchanged']);
});

test('B10: a change that is wrong and not merely impossible deletes nothing, whatever was asked for', async () => {
  await using lab = new Lab(server());
  const ns = 'b10';
  const set = (spec: object) => [namespace(ns), service(`${ns}/s`, spec, RECREATE)];
  await lab.apply(ns, set({ type: 'ClusterIP' }));
  const { uid } = (await lab.get(core(ns, 'services', 's')))!.metadata;
  const actions = await lab.actions(ns, set({ type: 'ClusterIPSS' }));
  assert.match(actions[`/Service/${ns}/s`]!, /^failed: .*Unsupported value: "?ClusterIPSS/);
  assert.equal((await lab.get(core(ns, 'services', 's')))?.metadata.uid, uid);
  // Immutable and wrong at once: the dry-run of the new object says so before anything is deleted.
  const web = (change: object): KubeObject => {
    const made = deployment(ns, 'web', 'example.com/web:1', 0);
    made.metadata.annotations = RECREATE;
    return { ...made, spec: { ...(made.spec as object), ...change } };
  };
  await lab.apply(ns, [...set({}), web({})]);
  const before = (await lab.get(apps(ns, 'deployments', 'web')))!.metadata.uid;
  const wrong = await lab.actions(ns, [...set({}), web({ selector: { matchLabels: { app: 'other' } } })]);
  assert.match(wrong[idOf(web({}))]!, /^failed: dry-run of creating .*`selector` does not match template/);
  assert.equal((await lab.get(apps(ns, 'deployments', 'web')))?.metadata.uid, before);
  assert.ok(!lab.requests.some((request) => request.startsWith('delete')));
});

test('B10: a Namespace is never replaced by the ordinary word, and a destructive one is needed for it', async () => {
  await using lab = new Lab(server());
  const group = 'b10.example.com';
  const crd = (scope: string, annotations: Record<string, string>) =>
    object(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      `things.${group}`,
      {
        spec: {
          group,
          scope,
          names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
          versions: [
            { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
          ],
        },
      },
      { annotations },
    );
  await lab.apply('b10-crd', [crd('Namespaced', {})]);
  const refused = await lab.actions('b10-crd', [crd('Cluster', RECREATE)]);
  assert.match(Object.values(refused)[0]!, /takes the annotation flotilla.dev\/recreate: destructive$/);
  const replaced = await lab.actions('b10-crd', [crd('Cluster', { 'flotilla.dev/recreate': 'destructive' })]);
  assert.deepEqual(Object.values(replaced), ['created']);
});

test('B11: a live object whose reconciliation a person has disabled is left alone until it is enabled', async () => {
  await using lab = new Lab(server());
  const ns = 'b11';
  const path = core(ns, 'configmaps', 'c');
  const KEY = 'kustomize.toolkit.fluxcd.io/reconcile';
  await lab.apply(ns, [namespace(ns), configMap(ns, 'c', { v: '1' })]);
  await lab.edit(path, { metadata: { annotations: { [KEY]: 'disabled' } }, data: { v: 'edited' } });
  await lab.engine.flushAll(NEVER);
  await using other = new Lab(server());
  const actions = await other.actions(ns, [namespace(ns), configMap(ns, 'c', { v: '2' })]);
  assert.equal(actions[`/ConfigMap/${ns}/c`], 'skipped');
  assert.deepEqual((await lab.get(path))!.data, { v: 'edited' });
  await lab.edit(path, { metadata: { annotations: { [KEY]: 'enabled' } } });
  const data = async () => ((await lab.get(path))!.data as { v: string }).v === '1' || undefined;
  await eventually('it is as the first one wants it', data, PATIENCE_MS, NEVER);
});

test('B12: if-not-present creates once and then leaves alone; a cluster-scoped object loses an injected namespace', async () => {
  await using lab = new Lab(server());
  const ns = 'b12';
  const of = (v: string, mode: string) => [
    namespace(ns),
    {
      ...configMap(ns, 'c', { v }),
      metadata: { name: 'c', namespace: ns, annotations: { 'kustomize.toolkit.fluxcd.io/ssa': mode } },
    },
    { ...clusterRole(ns), metadata: { name: ns, namespace: ns } },
  ];
  const id = `/ConfigMap/${ns}/c`;
  const first = await lab.actions(ns, of('1', 'IfNotPresent'));
  assert.equal(first[id], 'created');
  assert.equal(first[`${RBAC}/ClusterRole//${ns}`], 'created');
  assert.equal((await lab.actions(ns, of('2', 'IfNotPresent')))[id], 'skipped');
  assert.deepEqual((await lab.get(core(ns, 'configmaps', 'c')))!.data, { v: '1' });
  assert.equal((await lab.actions(ns, of('2', 'Override')))[id], 'configured');
  assert.deepEqual((await lab.get(core(ns, 'configmaps', 'c')))!.data, { v: '2' });
});

test('B13: an ignored object is never created, and the apply is whole without it', async () => {
  await using lab = new Lab(server());
  const ns = 'b13';
  const ignored = deployment(ns, 'web', 'example.com/web:1');
  ignored.metadata.annotations = { 'flotilla.dev/apply': 'ignore' };
  const { ok, results } = await lab.apply(ns, [namespace(ns), ignored]);
  assert.equal(ok, true);
  assert.equal(results.find(({ id }) => id === idOf(ignored))?.action, 'skipped');
  assert.equal(await lab.get(apps(ns, 'deployments', 'web')), undefined);
  assert.ok(await lab.get(collection(apps(ns, 'deployments', 'web'))));
  await lab.until('nothing is waited for', ns, ({ objects }) =>
    objects.every(({ health }) => health === 'CURRENT'),
  );
});
