/** Cases 14–25 of the corpus of apply behaviours: who owns which field, what differs, and what is others' by design. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '#agent/core/object.ts';
import { planted } from '#test/bed/planted.ts';
import { betweenWrites } from '#test/integration/client-between.ts';
import { configMap, deployment, idOf, Lab, namespace } from '#test/integration/engine-lab.ts';
import { apps, collection, core, kubectl, managersOf, manifest, NEVER, object, secret } from './cluster.ts';
import { realServer } from './servers.ts';

const { plane, server } = realServer('part-b-ownership');
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const OURS = 'flotilla-agent';

test('B14: what kubectl apply created is ours after the first apply, with nothing left of how kubectl remembers', async (t) => {
  const ns = 'b14';
  const file = manifest(plane(), ns, namespace(ns), configMap(ns, 'c', { a: '1', theirs: '2' }));
  if ((await kubectl(plane(), t.name, 'apply', '-f', file)) === undefined) return;
  await using lab = new Lab(server());
  assert.ok((await lab.get(core(ns, 'configmaps', 'c')))!.metadata.annotations?.[LAST_APPLIED]);
  await lab.apply(ns, [namespace(ns), configMap(ns, 'c', { a: '1' })]);
  const live = (await lab.get(core(ns, 'configmaps', 'c')))!;
  assert.deepEqual(managersOf(live), [OURS]);
  assert.equal(live.metadata.annotations?.[LAST_APPLIED], undefined);
  assert.deepEqual(live.data, { a: '1' });
  const status = lab.snapshot(ns).objects.find(({ id }) => id === `/ConfigMap/${ns}/c`);
  assert.deepEqual(status?.takenFrom, ['kubectl-client-side-apply']);
});

test('B15: what kubectl applied on the server’s side with force is ours alone after the first apply', async (t) => {
  const ns = 'b15';
  await using lab = new Lab(server());
  await lab.apply('b15-ns', [namespace(ns)]);
  await lab.post(collection(core(ns, 'configmaps', 'c')), configMap(ns, 'c', { a: '0' }));
  const file = manifest(plane(), ns, configMap(ns, 'c', { a: '1', b: '2' }));
  const force = ['apply', '--server-side', '--force-conflicts', '-f', file];
  if ((await kubectl(plane(), t.name, ...force)) === undefined) return;
  await lab.apply(ns, [configMap(ns, 'c', { a: '3' })]);
  const live = (await lab.get(core(ns, 'configmaps', 'c')))!;
  assert.deepEqual(managersOf(live), [OURS]);
  assert.deepEqual(live.data, { a: '3' });
});

test('B16: a rule that kubectl adds to an Ingress goes, and tls that Git drops goes with it', async () => {
  await using lab = new Lab(server());
  const ns = 'b16';
  const rule = (host: string) => ({
    host,
    http: {
      paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
    },
  });
  const ingress = (more: object) =>
    object('networking.k8s.io/v1', 'Ingress', `${ns}/i`, {
      spec: { rules: [rule('a.example.com')], ...more },
    });
  const path = `/apis/networking.k8s.io/v1/namespaces/${ns}/ingresses/i`;
  await lab.apply(ns, [namespace(ns), ingress({ tls: [{ hosts: ['a.example.com'], secretName: 't' }] })], {
    mode: 'report',
  });
  await lab.edit(path, { spec: { rules: [rule('a.example.com'), rule('b.example.com')] } });
  await lab.apply(ns, [namespace(ns), ingress({})]);
  const { spec } = (await lab.get(path)) as KubeObject & { spec: { rules: unknown[]; tls?: unknown } };
  assert.deepEqual(spec, { rules: [rule('a.example.com')] });
});

test('B17: managers of an adopted tool are known by their whole name', async () => {
  await using lab = new Lab(server());
  const ns = 'b17';
  const path = core(ns, 'configmaps', 'c');
  await lab.post('/api/v1/namespaces', { metadata: { name: ns } });
  await lab.post(collection(path), configMap(ns, 'c', { a: '1', flux: 'x' }), 'flux');
  await lab.edit(path, { data: { other: 'y' } }, 'flux-apply-prefix');
  await lab.apply(ns, [configMap(ns, 'c', { a: '1' })], { adopt: ['flux'] });
  const live = (await lab.get(path))!;
  assert.deepEqual(live.data, { a: '1', other: 'y' });
  assert.deepEqual(managersOf(live), [OURS, 'flux-apply-prefix']);
});

test('B18: with merge nothing is taken over, and what kubectl added stays', async () => {
  await using lab = new Lab(server());
  const ns = 'b18';
  const path = core(ns, 'configmaps', 'c');
  await lab.post('/api/v1/namespaces', { metadata: { name: ns } });
  await lab.post(collection(path), configMap(ns, 'c', { a: '1', theirs: 'x' }), 'kubectl-create');
  const merged = configMap(ns, 'c', { a: '2' });
  merged.metadata.annotations = { 'kustomize.toolkit.fluxcd.io/ssa': 'Merge' };
  await lab.apply(ns, [merged]);
  const live = (await lab.get(path))!;
  assert.deepEqual(live.data, { a: '2', theirs: 'x' });
  assert.ok(managersOf(live).includes('kubectl-create'));
});

test('B19: what an adopted tool added goes, what any other added stays', async () => {
  await using lab = new Lab(server());
  const ns = 'b19';
  const path = core(ns, 'configmaps', 'c');
  await lab.post('/api/v1/namespaces', { metadata: { name: ns } });
  await lab.post(collection(path), configMap(ns, 'c', { a: '1', helm: 'x' }), 'helm');
  await lab.edit(path, { data: { k9s: 'y' } }, 'k9s');
  await lab.apply(ns, [configMap(ns, 'c', { a: '1' })], { adopt: ['helm'] });
  const live = (await lab.get(path))!;
  assert.deepEqual(live.data, { a: '1', k9s: 'y' });
  assert.deepEqual(managersOf(live), [OURS, 'k9s']);
});

test('B20: what would change is told object by object without a write, and of a Secret only that it differs', async () => {
  await using lab = new Lab(server());
  const ns = 'b20';
  const metric = (name: string) => ({
    type: 'Resource',
    resource: { name, target: { type: 'Utilization', averageUtilization: 70 } },
  });
  const hpa = (name: string, ...metrics: string[]) =>
    object('autoscaling/v2', 'HorizontalPodAutoscaler', `${ns}/${name}`, {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: metrics.map(metric),
      },
    });
  await lab.apply(ns, [
    namespace(ns),
    configMap(ns, 'less', { a: '1', b: '1' }),
    configMap(ns, 'more', { a: '1' }),
    hpa('less', 'cpu', 'memory'),
    hpa('more', 'cpu'),
    hpa('same', 'cpu'),
    secret(`${ns}/s`, { same: 'planted-b20-same', changed: 'planted-b20-before' }),
  ]);
  const would = await lab.actions(
    ns,
    [
      namespace(ns),
      configMap(ns, 'less', { a: '1' }),
      configMap(ns, 'more', { a: '1', b: '1' }),
      hpa('less', 'cpu'),
      hpa('more', 'cpu', 'memory'),
      hpa('same', 'cpu'),
      secret(`${ns}/s`, { same: 'planted-b20-same', changed: 'planted-b20-after' }),
    ],
    { observe: true },
  );
  const hpaId = (name: string) => `autoscaling/HorizontalPodAutoscaler/${ns}/${name}`;
  assert.deepEqual(would, {
    [`/Namespace//${ns}`]: 'unchanged',
    [`/ConfigMap/${ns}/less`]: 'configured',
    [`/ConfigMap/${ns}/more`]: 'configured',
    [hpaId('less')]: 'configured',
    [hpaId('more')]: 'configured',
    [hpaId('same')]: 'unchanged',
    [`/Secret/${ns}/s`]: 'configured',
  });
  assert.deepEqual((await lab.get(core(ns, 'configmaps', 'less')))!.data, { a: '1', b: '1' });
  await lab.edit(core(ns, 'secrets', 's'), {
    data: { changed: Buffer.from(planted('planted-b20-else')).toString('base64') },
  });
  const { drift } = await lab.untilEvent('DRIFT_DETECTED', '/data/changed');
  assert.equal(drift.redacted, true);
  const told = JSON.stringify([lab.events, lab.snapshot(ns)]);
  assert.doesNotMatch(told, /planted-b20|cGxhbnRlZC1iMj/);
});

/** A CRD with a conversion webhook, or with one or two versions of which the newest sets a default. */
function crd(group: string, versions: readonly string[], caBundle?: string): KubeObject {
  const service = { name: 'w', namespace: 'default' };
  const webhook = {
    strategy: 'Webhook',
    webhook: { conversionReviewVersions: ['v1'], clientConfig: { service, caBundle } },
  };
  const version = (name: string, index: number) => ({
    name,
    served: true,
    storage: index === versions.length - 1,
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: {
            type: 'object',
            properties: {
              size: { type: 'integer' },
              ...(name === 'v1' && { mode: { type: 'string', default: 'plain' } }),
            },
          },
          status: { type: 'object', properties: { seen: { type: 'string' } } },
        },
      },
    },
    subresources: { status: {} },
  });
  return object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `gadgets.${group}`, {
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
      versions: versions.map(version),
      ...(caBundle !== undefined && { conversion: webhook }),
    },
  });
}

test('B21: a CRD whose caBundle is a placeholder is applied without it, a certificate is kept', async () => {
  await using lab = new Lab(server());
  const valid = Buffer.from(plane().ca).toString('base64');
  const actions = await lab.actions('b21', [
    crd('broken.b21.example.com', ['v1'], Buffer.from('placeholder').toString('base64')),
    crd('valid.b21.example.com', ['v1'], valid),
  ]);
  assert.deepEqual(Object.values(actions), ['created', 'created']);
  const bundle = async (group: string) =>
    (
      (await lab.get(
        `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.${group}`,
      )) as unknown as {
        spec: { conversion: { webhook: { clientConfig: { caBundle?: string } } } };
      }
    ).spec.conversion.webhook.clientConfig.caBundle;
  assert.equal(await bundle('broken.b21.example.com'), undefined);
  assert.equal(await bundle('valid.b21.example.com'), valid);
});

test('B22: an object moves to a new version of its API, whoever else has written it in the old one', async () => {
  await using lab = new Lab(server());
  const ns = 'b22';
  const group = 'b22.example.com';
  const gadget = (version: string, size: number) =>
    object(`${group}/${version}`, 'Gadget', `${ns}/g`, { spec: { size } });
  const path = (version: string) => `/apis/${group}/${version}/namespaces/${ns}/gadgets/g`;
  await lab.apply(ns, [namespace(ns), crd(group, ['v1beta1']), gadget('v1beta1', 1)]);
  await lab.edit(`${path('v1beta1')}/status`, { status: { seen: 'yes' } }, 'gadget-controller');
  const moved = [namespace(ns), crd(group, ['v1beta1', 'v1']), gadget('v1', 2)];
  const actions = await lab.actions(ns, moved);
  assert.equal(actions[`${group}/Gadget/${ns}/g`], 'configured', JSON.stringify(actions));
  const live = (await lab.get(path('v1')))!;
  assert.deepEqual(live.spec, { size: 2, mode: 'plain' });
  assert.deepEqual(
    new Set(live.metadata.managedFields!.map(({ apiVersion }) => apiVersion)),
    new Set([`${group}/v1`]),
  );
  assert.ok(managersOf(live).includes(OURS));
  assert.deepEqual(lab.drifts(ns), []);
  assert.deepEqual((live as unknown as { status: unknown }).status, { seen: 'yes' });
});

test('B22: what kubectl made in an older version of a built-in kind is taken over in the newer one', async () => {
  await using lab = new Lab(server());
  const ns = 'b22-hpa';
  const path = `/apis/autoscaling/v1/namespaces/${ns}/horizontalpodautoscalers/h`;
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  await lab.post('/api/v1/namespaces', { metadata: { name: ns } });
  const old = object('autoscaling/v1', 'HorizontalPodAutoscaler', `${ns}/h`, {
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 9, targetCPUUtilizationPercentage: 50 },
  });
  await lab.post(collection(path), old, 'kubectl-autoscale');
  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 70 } },
  };
  const wanted = object('autoscaling/v2', 'HorizontalPodAutoscaler', `${ns}/h`, {
    spec: { scaleTargetRef, minReplicas: 2, maxReplicas: 3, metrics: [memory] },
  });
  const actions = await lab.actions(ns, [wanted]);
  assert.deepEqual(Object.values(actions), ['configured']);
  const live = (await lab.get(path.replace('/v1/', '/v2/')))!;
  assert.deepEqual(live.spec, { scaleTargetRef, minReplicas: 2, maxReplicas: 3, metrics: [memory] });
  assert.deepEqual(lab.drifts(ns), []);
  await lab.engine.flushAll(NEVER);
  await using fresh = new Lab(server());
  assert.deepEqual(Object.values(await fresh.actions(ns, [wanted])), ['unchanged']);
});

test('B23: a namespaced object without a namespace is refused by name, and the others are applied', async () => {
  await using lab = new Lab(server());
  const ns = 'b23';
  const nowhere = object('v1', 'ConfigMap', 'nowhere', { data: {} });
  const actions = await lab.actions(ns, [namespace(ns), nowhere]);
  assert.equal(actions['/ConfigMap//nowhere'], 'failed: ConfigMap/nowhere: namespace not specified');
  assert.equal(actions[`/Namespace//${ns}`], 'created');
});

test('B24: a Role and its RoleBinding are created in one go by somebody who is not cluster-admin', async () => {
  const ns = 'b24';
  const RBAC = 'rbac.authorization.k8s.io';
  {
    await using admin = new Lab(server());
    await admin.apply('b24-ns', [namespace(ns)]);
    await admin.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
      metadata: { name: 'b24-limited' },
      rules: [
        { apiGroups: [''], resources: ['namespaces', 'configmaps'], verbs: ['*'] },
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
        {
          apiGroups: [RBAC],
          resources: ['roles', 'rolebindings'],
          verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
        },
      ],
    });
  }
  const { kubeconfigPath } = await plane().createServiceAccount('b24', { clusterRole: 'b24-limited' });
  await using lab = new Lab({ ...server(), source: { file: kubeconfigPath } });
  const set = [
    object(`${RBAC}/v1`, 'RoleBinding', `${ns}/a-binding`, {
      roleRef: { apiGroup: RBAC, kind: 'Role', name: 'x-role' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: ns }],
    }),
    object(`${RBAC}/v1`, 'Role', `${ns}/x-role`, {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    }),
  ];
  const would = await lab.actions(ns, set, { observe: true });
  assert.deepEqual(new Set(Object.values(would)), new Set(['created']), JSON.stringify(would));
  const actions = await lab.actions(ns, set);
  assert.deepEqual(new Set(Object.values(actions)), new Set(['created']), JSON.stringify(actions));
});

test('B25: replicas that an autoscaler owns stay its own, decided on every apply, and are ours again when it lets go', async () => {
  await using lab = new Lab(server());
  const ns = 'b25';
  const path = apps(ns, 'deployments', 'web');
  const scaled = { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'web', namespace: ns } };
  const replicas = async () => ((await lab.get(path))!.spec as { replicas: number }).replicas;
  await lab.apply(ns, [namespace(ns), deployment(ns, 'web', 'example.com/web:1', 2)]);
  const { status } = await lab.server.send('PUT', `${path}/scale?fieldManager=horizontal-pod-autoscaler`, {
    ...scaled,
    spec: { replicas: 5 },
  });
  assert.equal(status, 200);
  for (const image of ['example.com/web:2', 'example.com/web:3']) {
    const actions = await lab.actions(ns, [namespace(ns), deployment(ns, 'web', image, 2)]);
    assert.equal(actions[`apps/Deployment/${ns}/web`], 'configured');
    assert.equal(await replicas(), 5);
  }
  await lab.engine.flushAll(NEVER);
  await using fresh = new Lab(server());
  await fresh.apply(ns, [namespace(ns), deployment(ns, 'web', 'example.com/web:4', 2)]);
  assert.equal(await replicas(), 5);
  assert.deepEqual(fresh.drifts(ns), []);
});

test('B25: a scaling or an edit of an ignored field in the instant of the apply is not overwritten', async () => {
  const ns = 'b25-instant';
  const path = apps(ns, 'deployments', 'web');
  let meanwhile: (() => Promise<unknown>) | undefined;
  let applies = 0;
  await using lab = new Lab(server(), undefined, (client) =>
    betweenWrites(client, async (name, args, go) => {
      if (name === 'apply' && (args[1] as KubeObject).kind === 'Deployment') {
        applies++;
        const first = meanwhile;
        meanwhile = undefined;
        await first?.();
      }
      return go();
    }),
  );
  const ignore = [{ kind: 'Deployment', paths: ['/spec/minReadySeconds'], reason: 'set by hand' }];
  const set = (image: string) => {
    const web = deployment(ns, 'web', `example.com/${image}`, 2);
    return [namespace(ns), { ...web, spec: { ...(web.spec as object), minReadySeconds: 1 } }];
  };
  const spec = async () => (await lab.get(path))!.spec as { replicas: number; minReadySeconds: number };
  await lab.apply(ns, set('web:1'), { ignore });
  assert.equal(applies, 1);
  meanwhile = () =>
    lab.server.send('PUT', `${path}/scale?fieldManager=horizontal-pod-autoscaler`, {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'web', namespace: ns },
      spec: { replicas: 5 },
    });
  await lab.apply(ns, set('web:2'), { ignore });
  assert.deepEqual(await spec().then(({ replicas }) => replicas), 5);
  meanwhile = () => lab.edit(path, { spec: { minReadySeconds: 7 } });
  const { ok } = await lab.apply(ns, set('web:3'), { ignore });
  assert.equal(ok, true);
  assert.deepEqual(await spec().then(({ minReadySeconds }) => minReadySeconds), 7);
  meanwhile = () => lab.remove(path);
  const again = await lab.actions(ns, set('web:4'), { ignore });
  assert.equal(again[`apps/Deployment/${ns}/web`], 'created', JSON.stringify(again));
});

test('B25: an ignored field keeps its live value whoever edited it, is written at creation, and hides no other drift', async () => {
  await using lab = new Lab(server());
  const ns = 'b25-ignore';
  const path = apps(ns, 'deployments', 'web');
  const ignore = [
    { kind: 'Deployment', paths: ['/spec/replicas'], reason: 'scaled by hand' },
    { kind: 'Deployment', paths: ['/spec/no/such/path'], reason: 'matches nothing' },
    { paths: ['/spec/selector'], reason: 'immutable: it has to stay in the payload' },
    { paths: ['/spec/template/spec/containers/0/resources'], reason: 'sized by another tool' },
  ];
  await lab.apply(ns, [namespace(ns), deployment(ns, 'web', 'example.com/web:1', 2)], { ignore });
  const spec = async () =>
    (await lab.get(path))!.spec as {
      replicas: number;
      template: { spec: { containers: { image: string; resources: unknown }[] } };
    };
  assert.equal((await spec()).replicas, 2);
  await lab.edit(path, { spec: { replicas: 4 } });
  const patched = [
    { op: 'replace', path: '/spec/template/spec/containers/0/resources', value: { requests: { cpu: '2' } } },
  ];
  const { status } = await lab.server.send('PATCH', `${path}?fieldManager=sizer`, patched, {
    contentType: 'application/json-patch+json',
  });
  assert.equal(status, 200);
  await lab.edit(path, { spec: { minReadySeconds: 3 } });
  const actions = await lab.actions(ns, [namespace(ns), deployment(ns, 'web', 'example.com/web:2', 2)], {
    ignore,
  });
  assert.equal(actions[idOf(deployment(ns, 'web', '', 2))], 'configured');
  const live = await spec();
  assert.equal(live.replicas, 4);
  assert.equal(live.template.spec.containers[0]!.image, 'example.com/web:2');
  assert.deepEqual(live.template.spec.containers[0]!.resources, { requests: { cpu: '2' } });
});
