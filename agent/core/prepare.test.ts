import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayId } from '#proto/inventory.ts';
import { imagesOf } from './images.ts';
import { copyOf, displayName, type KubeObject, objectId } from './object.ts';
import { isPaused, objectPolicy } from './object-policy.ts';
import { definedIn, prepareAll, prepareObject, scoped } from './prepare.ts';
import { scrub } from './redact.ts';

const configMap = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
const rejects = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

test('what the server writes is left out, the owner label is added, and preparing twice changes nothing', () => {
  const live: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'c',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: null,
      labels: { a: 'b', 'flotilla.dev/placement': 'other' },
      managedFields: [],
    },
    data: { k: 'v' },
    status: { x: 1 },
  };
  const prepared = prepareObject(live, 'shop');
  assert.deepEqual(prepared, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', namespace: 'n', labels: { a: 'b', 'flotilla.dev/placement': 'shop' } },
    data: { k: 'v' },
  });
  assert.deepEqual(prepareObject(prepared, 'shop'), prepared);
});

test('stringData of a Secret is folded into data and wins', () => {
  const secret = prepareObject(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: 'YQ==', b: 'Yg==' },
      stringData: { b: 'ü' },
    },
    'shop',
  );
  assert.deepEqual(secret.data, { a: 'YQ==', b: 'w7w=' });
  assert.ok(!('stringData' in secret));
});

test('nothing, a duplicate and a nameless object are refused', () => {
  assert.throws(() => prepareAll([], 'shop'), rejects('render-empty'));
  assert.throws(
    () => prepareAll([{ apiVersion: 'v1', kind: '', metadata: { name: 'x' } }], 'shop'),
    rejects('render-refused'),
  );
  assert.equal(prepareAll([configMap('a'), configMap('b')], 'shop').length, 2);
});

test('an object goes where its kind is scoped', () => {
  assert.deepEqual(scoped(configMap('a'), true), { problem: 'ConfigMap/a: namespace not specified' });
  const injected = { ...configMap('a'), metadata: { name: 'a', namespace: 'n' } };
  assert.deepEqual(scoped(injected, false), configMap('a'));
  assert.equal(scoped(injected, true), injected);
});

test('a kind that a CRD of the same set defines is known with its scope', () => {
  const crd = (scope: string): KubeObject => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'w' },
    spec: { group: 'example.com', scope, names: { kind: 'Widget' } },
  });
  assert.deepEqual(definedIn([crd('Cluster')], 'example.com', 'Widget'), { namespaced: false });
  assert.deepEqual(definedIn([configMap('a'), crd('Namespaced')], 'example.com', 'Widget'), {
    namespaced: true,
  });
  assert.equal(definedIn([crd('Cluster')], 'example.com', 'Other'), undefined);
});

test('names and ids of objects', () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
  };
  assert.equal(objectId(deployment), 'apps/Deployment/shop/web');
  assert.equal(objectId(configMap('a')), '/ConfigMap//a');
  assert.equal(displayName(deployment), 'Deployment/shop/web');
  assert.equal(displayId(objectId(deployment)), 'Deployment/shop/web');
  assert.equal(displayId('rbac.authorization.k8s.io/ClusterRole//a:b'), 'ClusterRole/a:b');
});

test('annotations of ours, of Flux and of Argo CD mean the same', () => {
  const policy = (annotations: Record<string, string>) => objectPolicy({ annotations });
  assert.deepEqual(objectPolicy(undefined), {
    apply: 'override',
    prune: true,
    reconcile: true,
    recreate: 'never',
  });
  assert.equal(policy({ 'flotilla.dev/recreate': 'Destructive' }).recreate, 'destructive');
  assert.equal(policy({ 'kustomize.toolkit.fluxcd.io/force': 'Enabled' }).recreate, 'enabled');
  assert.equal(policy({ 'kustomize.toolkit.fluxcd.io/force': 'destructive' }).recreate, 'never');
  assert.equal(policy({ 'flotilla.dev/apply': 'If-Not-Present' }).apply, 'if-not-present');
  assert.equal(policy({ 'kustomize.toolkit.fluxcd.io/ssa': 'IfNotPresent' }).apply, 'if-not-present');
  assert.equal(policy({ 'kustomize.toolkit.fluxcd.io/ssa': 'Merge' }).apply, 'merge');
  assert.equal(policy({ 'flotilla.dev/apply': 'ignore' }).apply, 'ignore');
  assert.equal(policy({ 'kustomize.toolkit.fluxcd.io/prune': 'disabled' }).prune, false);
  assert.equal(policy({ 'argocd.argoproj.io/sync-options': 'Validate=false, Prune=false' }).prune, false);
  assert.equal(
    isPaused(configMap('a'), { name: 'a', annotations: { 'flotilla.dev/reconcile': 'Disabled' } }),
    true,
  );
  assert.equal(isPaused(configMap('a'), { name: 'a' }), false);
});

test('a message about a Secret loses its values in every spelling; other kinds keep their words', () => {
  const pem = '-----BEGIN KEY-----\nAAAABBBBCCCCDDDD\n-----END KEY-----';
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { password: Buffer.from('hün ter"2').toString('base64'), key: Buffer.from(pem).toString('base64') },
  };
  const said = [
    'hün ter"2',
    JSON.stringify('hün ter"2'),
    encodeURIComponent('hün ter"2'),
    Buffer.from('hün ter"2').toString('base64'),
    'AAAABBBBCCCCDDDD',
  ].join(' | ');
  assert.doesNotMatch(scrub(said, secret), /ter|BBBB|aMO8/);
  assert.equal(scrub('hunter2', { ...secret, kind: 'ConfigMap', data: { a: 'hunter2' } }), 'hunter2');
});

test('images are those of the pod, init containers included, each once', () => {
  const containers = [{ image: 'b' }, { image: 'a' }, { name: 'none' }];
  const template = { spec: { initContainers: [{ image: 'a' }], containers } };
  assert.deepEqual(
    imagesOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { template } }),
    ['a', 'b'],
  );
  const jobTemplate = { spec: { template } };
  assert.deepEqual(
    imagesOf({ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'x' }, spec: { jobTemplate } }),
    ['a', 'b'],
  );
  assert.deepEqual(imagesOf(configMap('a')), []);
});

test('a copy shares nothing with what it was made of, and keeps what JSON cannot say', () => {
  const given = { spec: { list: [{ big: 2n ** 60n }], none: null } };
  const copy = copyOf(given);
  assert.deepEqual(copy, given);
  copy.spec.list[0]!.big = 1n;
  assert.equal(given.spec.list[0]!.big, 2n ** 60n);
  const named = copyOf(JSON.parse('{"__proto__": {"a": 1}}') as object);
  assert.deepEqual(Object.keys(named), ['__proto__']);
});
