import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathKey } from './fieldset.ts';
import {
  droppedFields,
  FIELD_MANAGER,
  foreignHolders,
  ourFields,
  releaseForeign,
  takeOver,
} from './managed-fields.ts';
import type { KubeObject, ManagedFieldsEntry } from './object.ts';

const data = (...keys: string[]) => ({ 'f:data': Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) });
const entry = (
  manager: string,
  operation: string,
  fieldsV1: Record<string, unknown>,
  more = {},
): ManagedFieldsEntry => ({
  manager,
  operation,
  apiVersion: 'v1',
  time: '2026-01-01T00:00:00Z',
  fieldsType: 'FieldsV1',
  fieldsV1,
  ...more,
});
const key = (name: string) => pathKey(['f:data', `f:${name}`]);

test('our set is that of our Apply entry alone', () => {
  const entries = [
    entry(FIELD_MANAGER, 'Update', data('x')),
    entry(FIELD_MANAGER, 'Apply', data('y'), { subresource: 'scale' }),
    entry(FIELD_MANAGER, 'Apply', data('a')),
  ];
  assert.deepEqual(ourFields(entries), new Set([key('a')]));
  assert.equal(ourFields(entries.slice(0, 2)), undefined);
  assert.equal(ourFields(undefined), undefined);
});

test('who writes status holds nothing that could be ours', () => {
  const entries = [
    entry('kubelet', 'Update', data('s'), { subresource: 'status' }),
    entry('kubectl', 'Update', data('r'), { subresource: 'scale' }),
    entry(FIELD_MANAGER, 'Apply', data('a')),
  ];
  assert.deepEqual(
    foreignHolders(entries).map(({ manager, subresource }) => [manager, subresource]),
    [['kubectl', 'scale']],
  );
});

test('taking over unites the sets of kubectl and of before any apply with ours, and leaves all others', () => {
  const taken = takeOver(
    [
      entry('kubectl-client-side-apply', 'Update', data('a', 'b')),
      entry('before-first-apply', 'Update', data('c')),
      entry('helm', 'Update', data('h')),
      entry('kubectl', 'Update', data('replicas'), { subresource: 'scale' }),
      entry(FIELD_MANAGER, 'Apply', data('a', 'z')),
    ],
    'v2',
  )!;
  assert.deepEqual(taken.managers, ['before-first-apply', 'kubectl-client-side-apply']);
  assert.deepEqual(ourFields(taken.managedFields), new Set(['a', 'b', 'c', 'z'].map(key)));
  assert.equal(taken.managedFields[0]!.apiVersion, 'v2');
  assert.deepEqual(
    taken.managedFields.slice(1).map(({ manager }) => manager),
    ['helm', 'kubectl'],
  );
  assert.equal(takeOver([entry('helm', 'Update', data('h'))], 'v1'), undefined);
});

test('another tool is taken over only where it may be adopted', () => {
  const entries = [entry('helm', 'Update', data('h')), entry('argocd-controller', 'Apply', data('r'))];
  assert.deepEqual(takeOver(entries, 'v1', ['helm'])!.managers, ['helm']);
  assert.deepEqual(takeOver(entries, 'v1', ['helm', 'argo'])!.managers, ['argocd-controller', 'helm']);
});

test('the mark of a restart that somebody asked for is not taken over', () => {
  const restarted = { 'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/restartedAt': {} } } };
  const taken = takeOver([entry('kubectl-rollout', 'Update', { ...restarted, ...data('b') })], 'v1')!;
  assert.deepEqual(ourFields(taken.managedFields), new Set([key('b')]));
  assert.deepEqual(taken.managedFields[1]!.fieldsV1, restarted);
});

test('what Git drops is released from foreign updates, with what lies below it; applies keep theirs', () => {
  const desired = { apiVersion: 'v1', kind: 'X', metadata: { name: 'x' }, data: { a: '1' } } as KubeObject;
  const ours = new Set([key('a'), key('b'), pathKey(['f:list', 'k:{"name":"n"}'])]);
  const dropped = droppedFields(ours, desired);
  assert.equal(dropped.size, 2);
  const entries = [
    entry('kubectl-edit', 'Update', { ...data('a', 'b'), 'f:list': { 'k:{"name":"n"}': { 'f:env': {} } } }),
    entry('only-b', 'Update', data('b')),
    entry('applier', 'Apply', data('b')),
  ];
  const released = releaseForeign(entries, dropped)!;
  assert.deepEqual(
    released.map(({ manager }) => manager),
    ['kubectl-edit', 'applier'],
  );
  assert.deepEqual(released[0]!.fieldsV1, data('a'));
  assert.deepEqual(released[1], entries[2]);
  assert.equal(releaseForeign([entry('x', 'Update', data('q'))], dropped), undefined);
  assert.equal(releaseForeign(entries, new Set()), undefined);
});
