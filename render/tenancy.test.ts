import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { checkTenancy, type Scoped } from './tenancy.ts';

const map = (namespace?: string): Scoped => ({
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...(namespace && { namespace }) } },
  namespaced: true,
});
const role: Scoped = {
  object: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'r' } },
  namespaced: false,
};
const namespace = (name: string): Scoped => ({
  object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  namespaced: false,
});
const refused = (objects: Scoped[], allow: Parameters<typeof checkTenancy>[2]) => {
  try {
    checkTenancy('web', objects, allow);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof FlotillaError && error.code === 'tenancy-refused');
    return error.message;
  }
};

test('without allow everything is permitted', () => {
  assert.equal(refused([map('any'), role], undefined), undefined);
});

test('with allow, only what is listed is permitted, and the message names the rest', () => {
  const allow = { namespaces: ['shop', 'team-*'] };
  assert.equal(refused([map('shop'), map('team-a'), namespace('team-b')], allow), undefined);
  assert.match(refused([map('shop'), map('other')], allow)!, /ConfigMap\/other\/a$/);
  assert.match(refused([map()], allow)!, /ConfigMap\/a$/);
  assert.match(refused([role], allow)!, /ClusterRole\/r$/);
  assert.match(refused([namespace('kube-system')], allow)!, /Namespace\/kube-system$/);
  assert.equal(refused([role], { clusterScoped: ['ClusterRole'] }), undefined);
  assert.equal(refused([role], { clusterScoped: ['rbac.authorization.k8s.io/ClusterRole'] }), undefined);
});

test('a dot in a name is a dot, not any letter', () => {
  assert.ok(refused([map('axb')], { namespaces: ['a.b'] }));
});
