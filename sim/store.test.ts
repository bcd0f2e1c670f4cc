import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from './json.ts';
import { builtInKind } from './kinds/kinds.ts';
import type { Change } from './store.ts';
import { render, Store, unpack } from './store.ts';

const KIND = builtInKind('v1', 'ConfigMap');

const object = (name: string, data: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, labels: { l: name } },
  data,
});

test('what is stored reads back with the revision as resourceVersion', () => {
  const store = new Store(10);
  const stored = store.put(KIND, object('a', { k: 'v' }));
  const read = unpack(stored, KIND);
  assert.deepEqual(read.data, { k: 'v' });
  assert.equal((read.metadata as JsonObject).resourceVersion, String(store.revision));
  assert.deepEqual(JSON.parse(render(stored, KIND)), read);
  assert.equal(store.get(KIND, 'ns', 'a'), stored);
});

test('an object without content of its own is still valid JSON', () => {
  const { metadata } = object('bare');
  const stored = new Store(10).put(KIND, { metadata: metadata ?? null });
  assert.deepEqual(Object.keys(unpack(stored, KIND)), ['kind', 'apiVersion', 'metadata']);
});

test('changes since a revision are those after it, as far as the history reaches', () => {
  const store = new Store(4);
  const revisions = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => store.put(KIND, object(name)).revision);
  const since = store.since(KIND, revisions[3]!);
  assert.deepEqual(
    since?.map((change) => change.object.name),
    ['e', 'f'],
  );
  assert.equal(store.since(KIND, 0), undefined);
  store.forget();
  assert.equal(store.since(KIND, revisions[4]!), undefined);
  assert.deepEqual(store.since(KIND, store.revision), []);
});

test('a history never keeps more than half again of its limit', () => {
  const store = new Store(8);
  for (let i = 0; i < 100; i++) store.put(KIND, object('a', { i: String(i) }));
  const reach = [...Array(100).keys()].filter((i) => store.since(KIND, store.revision - i));
  assert.ok(reach.length >= 8 && reach.length <= 13, String(reach.length));
});

test('listeners hear of every change of their kind until they stop', () => {
  const store = new Store(10);
  const heard: string[] = [];
  const hear = ({ type, object: stored }: Change) => heard.push(`${type} ${stored.name}`);
  const stop = store.subscribe(KIND, hear);
  store.put(KIND, object('a'));
  store.put(KIND, object('a', { k: '1' }));
  store.put(builtInKind('v1', 'Secret'), object('other'));
  store.delete(KIND, object('a'));
  stop();
  store.put(KIND, object('b'));
  assert.deepEqual(heard, ['ADDED a', 'MODIFIED a', 'DELETED a']);
});
