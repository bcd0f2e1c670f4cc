import assert from 'node:assert/strict';
import { MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law } from '../case.ts';
import { configMap, deployment } from '../objects.ts';
import { owners } from '../ownership.ts';

/** Create, read, replace and delete, and the errors of each. */
export const OBJECTS: readonly Case[] = [
  law(
    'a created object has uid, resourceVersion, creationTimestamp, and generation where specs count',
    async ({ api, path, namespace }) => {
      const { code, body } = await api.post(
        `${path('apps/v1', 'deployments')}?fieldManager=me`,
        deployment('web'),
      );
      assert.equal(code, 201);
      const { metadata } = body;
      assert.match(metadata.uid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.match(metadata.resourceVersion, /^[1-9]\d*$/);
      assert.match(metadata.creationTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      assert.equal(metadata.generation, 1);
      assert.equal(metadata.namespace, namespace);
      const { body: cm } = await api.post(path('v1', 'configmaps'), configMap('cm', {}));
      assert.equal(cm.metadata.generation, undefined);
    },
  ),
  law('a create owns by update everything it sets, defaults included', async ({ api, path }) => {
    const { body } = await api.post(`${path('apps/v1', 'deployments')}?fieldManager=me`, deployment('web'));
    const container = 'spec.template.spec.containers[name="web"]';
    const fields = [
      'spec.progressDeadlineSeconds',
      'spec.replicas',
      'spec.revisionHistoryLimit',
      'spec.selector',
      'spec.strategy.rollingUpdate',
      'spec.strategy.rollingUpdate.maxSurge',
      'spec.strategy.rollingUpdate.maxUnavailable',
      'spec.strategy.type',
      'spec.template.metadata.labels',
      'spec.template.metadata.labels.app',
      container,
      ...[
        'image',
        'imagePullPolicy',
        'name',
        'resources',
        'terminationMessagePath',
        'terminationMessagePolicy',
      ].map((name) => `${container}.${name}`),
      ...[
        'dnsPolicy',
        'restartPolicy',
        'schedulerName',
        'securityContext',
        'terminationGracePeriodSeconds',
      ].map((name) => `spec.template.spec.${name}`),
    ].sort();
    assert.deepEqual(owners(body), [`me Update apps/v1: ${fields.join(' ')}`]);
  }),
  law('a write without a field manager goes by the name of the program', async ({ api, path }) => {
    const { body } = await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
    assert.deepEqual(owners(body), ['contract Update v1: data data.a']);
  }),
  law('an object that exists cannot be created again', async ({ api, path }) => {
    const all = path('apps/v1', 'deployments');
    await api.post(all, deployment('web'));
    const { code, body } = await api.post(all, deployment('web'));
    assert.equal(code, 409);
    assert.deepEqual(body, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'deployments.apps "web" already exists',
      reason: 'AlreadyExists',
      details: { name: 'web', group: 'apps', kind: 'deployments' },
      code: 409,
    });
  }),
  law('generateName makes a name', async ({ api, path }) => {
    const { code, body } = await api.post(path('v1', 'configmaps'), { metadata: { generateName: 'cm-' } });
    assert.equal(code, 201);
    assert.match(body.metadata.name, /^cm-[a-z0-9]{5}$/);
    assert.equal(body.metadata.generateName, 'cm-');
  }),
  law('a missing object is a 404 that names it', async ({ api, path }) => {
    const { code, body } = await api.get(path('apps/v1', 'deployments', 'none'));
    assert.equal(code, 404);
    assert.deepEqual(body, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'deployments.apps "none" not found',
      reason: 'NotFound',
      details: { name: 'none', group: 'apps', kind: 'deployments' },
      code: 404,
    });
    const patched = await api.patch(path('apps/v1', 'deployments', 'none'), MERGE_PATCH, {});
    assert.deepEqual([patched.code, patched.body.message], [404, 'deployments.apps "none" not found']);
    const put = await api.put(path('apps/v1', 'deployments', 'none'), deployment('none'));
    assert.deepEqual([put.code, put.body.message], [404, 'deployments.apps "none" not found']);
  }),
  law(
    'an unknown resource of a served group is a Status, an unknown group is plain text',
    async ({ api }) => {
      const { code, body } = await api.get('/apis/apps/v1/namespaces/default/deploymentz');
      assert.equal(code, 404);
      assert.equal(body.message, 'the server could not find the requested resource');
      assert.deepEqual(body.details, {});
      const other = await api.get('/apis/no.such.group/v1/things');
      assert.deepEqual([other.code, other.body], [404, '404 page not found\n']);
    },
  ),
  law('a request without a valid token is a 401', async ({ api }) => {
    const { code, body } = await api.get('/api/v1/namespaces', { authorization: 'Bearer wrong' });
    assert.equal(code, 401);
    assert.deepEqual([body.reason, body.message], ['Unauthorized', 'Unauthorized']);
  }),
  law(
    'a replace with the current resourceVersion succeeds, with an old one conflicts',
    async ({ api, path }) => {
      const at = path('v1', 'configmaps', 'cm');
      const { body: first } = await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
      const { code, body: second } = await api.put(`${at}?fieldManager=me`, { ...first, data: { a: '2' } });
      assert.equal(code, 200);
      assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const { code: stale, body } = await api.put(at, { ...first, data: { a: '3' } });
      assert.equal(stale, 409);
      assert.equal(body.reason, 'Conflict');
      assert.equal(
        body.message,
        'Operation cannot be fulfilled on configmaps "cm": the object has been modified; please apply your changes to the latest version and try again',
      );
      assert.deepEqual(body.details, { name: 'cm', kind: 'configmaps' });
    },
  ),
  law('a replace that changes nothing keeps the resourceVersion', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    const { body: first } = await api.post(path('v1', 'configmaps'), configMap('cm', { a: '1' }));
    const { body: second } = await api.put(`${at}?fieldManager=other`, first);
    assert.deepEqual(second, first);
  }),
  law('a replace that names another uid is refused', async ({ api, path }) => {
    const at = path('v1', 'configmaps', 'cm');
    await api.post(path('v1', 'configmaps'), configMap('cm', {}));
    const { code, body } = await api.put(at, configMap('cm', {}, { uid: 'other' }));
    assert.equal(code, 409);
    assert.match(body.message, /Precondition failed: UID in precondition: other, UID in object meta: /);
  }),
  law('required fields are named together', async ({ api, path }) => {
    const { code, body } = await api.post(path('apps/v1', 'deployments'), {
      metadata: { name: 'web' },
      spec: {},
    });
    assert.equal(code, 422);
    assert.equal(
      body.message,
      'Deployment.apps "web" is invalid: [spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]',
    );
    assert.equal(body.details.causes[0].reason, 'FieldValueRequired');
  }),
  law('names follow RFC 1123', async ({ api, path }) => {
    const { code, body } = await api.post(path('v1', 'configmaps'), configMap('Not_A_Name', {}));
    assert.equal(code, 422);
    assert.match(
      body.message,
      /^ConfigMap "Not_A_Name" is invalid: metadata.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 subdomain must/,
    );
  }),
  law('an immutable ConfigMap or Secret refuses new data without showing any', async ({ api, path }) => {
    const secret = { metadata: { name: 's' }, stringData: { k: 'planted' }, immutable: true };
    await api.post(path('v1', 'secrets'), secret);
    const { code, body } = await api.patch(path('v1', 'secrets', 's'), MERGE_PATCH, {
      stringData: { k: 'other' },
    });
    assert.equal(code, 422);
    assert.equal(
      body.message,
      'Secret "s" is invalid: data: Forbidden: field is immutable when `immutable` is set',
    );
  }),
  law('stringData ends up in data', async ({ api, path }) => {
    const at = path('v1', 'secrets', 's');
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { k: 'v' } };
    const { body } = await api.apply(at, 'ours', secret);
    assert.deepEqual([body.data, body.stringData, body.type], [{ k: 'dg==' }, undefined, 'Opaque']);
    assert.deepEqual(owners(body), ['ours Apply v1: stringData.k']);
  }),
  law('a Service keeps its address, and asks in vain for another', async ({ api, path }) => {
    const ports = [{ port: 80 }];
    const { body } = await api.post(path('v1', 'services'), { metadata: { name: 's' }, spec: { ports } });
    const at = path('v1', 'services', 's');
    const { body: same } = await api.put(at, {
      metadata: { name: 's' },
      spec: { ports, selector: { a: 'b' } },
    });
    assert.equal(same.spec.clusterIP, body.spec.clusterIP);
    const { code, body: refused } = await api.patch(at, MERGE_PATCH, {
      spec: { clusterIP: '10.255.1.2', clusterIPs: ['10.255.1.2'] },
    });
    assert.equal(code, 422);
    assert.match(
      refused.message,
      /spec.clusterIPs\[0\]: Invalid value: \["10.255.1.2"\]: may not change once set/,
    );
  }),
  law('roleRef cannot change', async ({ api, path }) => {
    const all = path('rbac.authorization.k8s.io/v1', 'rolebindings');
    const binding = (name: string) => ({
      metadata: { name: 'rb' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    });
    await api.post(all, binding('view'));
    const { code, body } = await api.put(`${all}/rb`, binding('edit'));
    assert.equal(code, 422);
    assert.equal(
      body.message,
      'RoleBinding.rbac.authorization.k8s.io "rb" is invalid: roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"edit"}: cannot change roleRef',
    );
  }),
  law('a dry run answers as the write would and stores nothing', async ({ api, path }) => {
    const all = path('v1', 'configmaps');
    const created = await api.post(`${all}?dryRun=All`, configMap('cm', { a: '1' }));
    assert.equal(created.code, 201);
    assert.equal(created.body.metadata.resourceVersion, undefined);
    assert.ok(created.body.metadata.uid);
    assert.equal((await api.get(`${all}/cm`)).code, 404);
    const applied = await api.apply(`${all}/cm`, 'ours', configMap('cm', { a: '1' }), 'dryRun=All');
    assert.equal(applied.code, 201);
    assert.equal((await api.get(`${all}/cm`)).code, 404);

    const { body: stored } = await api.post(all, configMap('cm', { a: '1' }));
    const changed = await api.apply(
      `${all}/cm`,
      'ours',
      configMap('cm', { a: '2' }),
      'dryRun=All&force=true',
    );
    assert.deepEqual([changed.code, changed.body.data], [200, { a: '2' }]);
    assert.equal(changed.body.metadata.resourceVersion, stored.metadata.resourceVersion);
    const patched = await api.patch(`${all}/cm?dryRun=All`, MERGE_PATCH, { data: { b: '1' } });
    assert.deepEqual(patched.body.data, { a: '1', b: '1' });
    assert.equal((await api.delete(`${all}/cm?dryRun=All`)).code, 200);
    assert.deepEqual((await api.get(`${all}/cm`)).body, stored);
  }),
];
