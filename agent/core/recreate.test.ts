import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCompleted, mayVanish } from './jobs.ts';
import type { KubeObject } from './object.ts';
import { isImmutable, recreateHint, recreateVerdict } from './recreate.ts';

const object = (kind: string, apiVersion = 'v1', annotations: Record<string, string> = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'a', annotations },
});

test('only words about immutability with 422 are immutability', () => {
  const said = [
    'Secret "n" is invalid: data: Forbidden: field is immutable when `immutable` is set',
    'spec.selector: Invalid value: {}: field is immutable',
    'roleRef: Invalid value: {}: cannot change roleRef',
    'parameters: Forbidden: updates to parameters are forbidden.',
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' are forbidden",
    'spec: Forbidden: spec is immutable after creation except resources.requests',
    'spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set',
    'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
  ];
  for (const words of said) {
    assert.ok(isImmutable(422, words), words);
    for (const status of [400, 403, 409, 500]) assert.ok(!isImmutable(status, words));
  }
  for (const words of [
    'spec.type: Unsupported value: "X"',
    'spec.replicas: Invalid value: -1',
    'is forbidden',
  ])
    assert.ok(!isImmutable(422, words), words);
});

test('an object is replaced only where Git asks for it, and what is destructive only by that word', () => {
  const enabled = { 'flotilla.dev/recreate': 'enabled' };
  const destructive = { 'flotilla.dev/recreate': 'destructive' };
  const crd = ['CustomResourceDefinition', 'apiextensions.k8s.io/v1'] as const;
  const allowed = (...of: Parameters<typeof object>) => recreateVerdict(object(...of)).allowed;
  assert.equal(allowed('Secret'), false);
  assert.equal(allowed('Secret', 'v1', enabled), true);
  assert.equal(allowed('Secret', 'v1', destructive), true);
  for (const [kind, apiVersion] of [['Namespace', 'v1'], ['PersistentVolumeClaim', 'v1'], crd] as const) {
    assert.equal(allowed(kind, apiVersion, enabled), false);
    assert.equal(allowed(kind, apiVersion, destructive), true);
  }
  assert.equal(allowed('Namespace', 'hnc.example.com/v1', enabled), true);
  assert.equal(
    recreateHint(object('Namespace'), 'destructive'),
    'Namespace/a would have to be deleted and created again, which takes the annotation flotilla.dev/recreate: destructive',
  );
});

test('only a Job that has completed has, and only one with a TTL may vanish', () => {
  const job = (status: string, spec: object = {}) => ({
    ...object('Job', 'batch/v1'),
    spec,
    status: { conditions: [{ type: 'Complete', status }] },
  });
  assert.equal(hasCompleted(job('True')), true);
  assert.equal(hasCompleted(job('False')), false);
  assert.equal(hasCompleted({ ...job('True'), kind: 'Widget' }), false);
  assert.equal(mayVanish(job('True', { ttlSecondsAfterFinished: 0 })), true);
  assert.equal(mayVanish(job('True')), false);
});
