import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InventoryEntry } from '#proto/inventory.ts';
import fc from '#test/laws.ts';
import { baseline, contentChanged } from './baseline.ts';
import { formatFields, hashFields, parseFields } from './fieldset.ts';
import { FIELD_MANAGER } from './managed-fields.ts';
import type { KubeObject } from './object.ts';

const ours = parseFields({ 'f:data': { 'f:a': {}, 'f:b': {} } });
const entry = { group: '', version: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'c' };
const appliedEntry: InventoryEntry = { ...entry, state: 'applied', uid: 'u', fieldsHash: hashFields(ours) };
const entryOfOurs = (fields = ours) => ({
  manager: FIELD_MANAGER,
  operation: 'Apply',
  fieldsV1: formatFields(fields),
});
const live = { uid: 'u', managedFields: [entryOfOurs()] };
const configMap = (data: Record<string, string>, fields = ours): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', managedFields: [entryOfOurs(fields)] },
  data,
});

test('what was applied before and is untouched needs nothing; what may be new is written; the rest is looked at', () => {
  const decide = (over: Partial<Parameters<typeof baseline>[0]>) =>
    baseline({ entry: appliedEntry, live, settled: true, overwrites: true, ...over });
  assert.equal(decide({}), 'adopt');
  assert.equal(decide({ settled: false }), 'write');
  assert.equal(decide({ settled: false, overwrites: false }), 'judge');
  assert.equal(decide({ entry: undefined }), 'write');
  assert.equal(decide({ entry: { ...entry, state: 'intended' } }), 'write');
  assert.equal(decide({ live: undefined }), 'missing');
  assert.equal(decide({ live: { ...live, uid: 'another' } }), 'judge');
  assert.equal(decide({ live: { ...live, managedFields: [] } }), 'judge');
});

test('in report mode nothing that was applied before is written blindly', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (settled, exists, touched) => {
      const state = exists ? { ...live, ...(touched && { uid: 'x' }) } : undefined;
      assert.notEqual(baseline({ entry: appliedEntry, live: state, settled, overwrites: false }), 'write');
    }),
  );
});

test('content is new when our set of fields or a value that is still ours would change', () => {
  const changed = (would: KubeObject, now: KubeObject, fields = ours) =>
    contentChanged({ fieldsHash: hashFields(ours), ours: fields, group: '', would, live: now });
  const same = configMap({ a: '1', b: '1' });
  assert.equal(changed(same, same), false);
  assert.equal(changed(configMap({ a: '2', b: '1' }), same), true);
  const more = parseFields({ 'f:data': { 'f:a': {}, 'f:b': {}, 'f:c': {} } });
  assert.equal(changed(configMap({ a: '1', b: '1', c: '1' }), same, more), true);
  const theirs = configMap({ a: '9', b: '1' }, parseFields({ 'f:data': { 'f:b': {} } }));
  assert.equal(changed(same, theirs), false);
});
