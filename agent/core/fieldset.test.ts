import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import {
  difference,
  type FieldSet,
  formatFields,
  hashFields,
  hasMemberBelow,
  indexedPointer,
  isAbove,
  lookup,
  parseFields,
  pathKey,
  pathOf,
  pointerOf,
  resolve,
  union,
  without,
} from './fieldset.ts';

const element = fc.oneof(
  fc.constantFrom('a', 'b', 'a.b/c', '.', 'labels').map((name) => `f:${name}`),
  fc.constantFrom('web', 'side').map((name) => `k:{"name":"${name}"}`),
  fc.constantFrom('x', 'y').map((value) => `v:"${value}"`),
);
const fields: fc.Arbitrary<FieldSet> = fc
  .array(fc.array(element, { minLength: 1, maxLength: 4 }).map(pathKey), { maxLength: 12 })
  .map((keys) => new Set(keys));

test('a set survives being written as fieldsV1 and read again', () => {
  fc.assert(
    fc.property(fields, (set) => {
      const through = JSON.parse(JSON.stringify(formatFields(set)));
      assert.deepEqual(parseFields(through), set);
    }),
  );
});

test('union and difference are those of sets', () => {
  fc.assert(
    fc.property(fields, fields, (a, b) => {
      assert.deepEqual(union(a, b), union(b, a));
      assert.deepEqual(difference(union(a, b), b), difference(a, b));
      assert.deepEqual(union(difference(a, b), difference(a, difference(a, b))), a);
      assert.equal(difference(a, a).size, 0);
    }),
  );
});

test('the hash of a set depends on its members, not on their order', () => {
  fc.assert(
    fc.property(fields, fields, (a, b) => {
      assert.equal(hashFields(a), hashFields(new Set([...a].reverse())));
      assert.equal(hashFields(a) === hashFields(b), difference(a, b).size + difference(b, a).size === 0);
    }),
  );
});

test('what the API server writes is read as it means', () => {
  const set = parseFields({
    'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} }, 'f:finalizers': { 'v:"x/y"': {} } },
    'f:spec': { 'f:containers': { 'k:{"name":"web"}': { '.': {}, 'f:image': {} } }, 'f:args': {} },
  });
  assert.deepEqual([...set].map((key) => pointerOf(pathOf(key))).toSorted(), [
    '/metadata/finalizers[=x/y]',
    '/metadata/labels',
    '/metadata/labels/app',
    '/spec/args',
    '/spec/containers[name=web]',
    '/spec/containers[name=web]/image',
  ]);
  assert.deepEqual(parseFields('nonsense'), new Set());
});

test('pointers escape names and spell out merge keys', () => {
  const path = ['f:metadata', 'f:annotations', 'f:a.b/c~d'];
  assert.equal(pointerOf(path), '/metadata/annotations/a.b~1c~0d');
  assert.equal(
    pointerOf(['f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name']),
    '/ports[containerPort=80,protocol=TCP]/name',
  );
  assert.equal(pointerOf(['f:list', 'i:2']), '/list[2]');
  assert.equal(pointerOf([]), '');
});

const pod = {
  spec: {
    containers: [
      { name: 'side', ports: [{ containerPort: 1 }] },
      { name: 'web', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] },
    ],
  },
  metadata: { finalizers: ['a', 'b'] },
};

test('a path finds its value by merge key, also where the key is left to its default', () => {
  const web = ['f:spec', 'f:containers', 'k:{"name":"web"}'];
  assert.equal(lookup([...web, 'f:image'], pod), 'x');
  const port = 'k:{"containerPort":80,"protocol":"TCP"}';
  assert.deepEqual(lookup([...web, 'f:ports', port], pod), { containerPort: 80 });
  assert.equal(lookup(['f:metadata', 'f:finalizers', 'v:"b"'], pod), 'b');
  assert.equal(lookup([...web, 'f:absent'], pod), undefined);
  assert.equal(lookup(['f:spec', 'f:containers', 'k:{"name":"none"}'], pod), undefined);
  assert.equal(indexedPointer(resolve([...web, 'f:image'], pod)!.steps), '/spec/containers/1/image');
});

test('taking values out leaves the rest and the original as they are', () => {
  const before = structuredClone(pod);
  const out = without(pod, [
    ['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'],
    ['f:metadata', 'f:finalizers', 'v:"a"'],
    ['f:nowhere'],
  ]);
  assert.deepEqual(pod, before);
  assert.equal(lookup(['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:image'], out), undefined);
  assert.deepEqual(out.metadata.finalizers, ['b']);
});

test('ancestors are told by whole elements', () => {
  const [a, ab, axb] = [['f:a'], ['f:a', 'f:b'], ['f:ax', 'f:b']].map(pathKey) as [string, string, string];
  assert.ok(isAbove(a, ab));
  assert.ok(!isAbove(a, axb) && !isAbove(a, a) && !isAbove(ab, a));
  assert.ok(hasMemberBelow(new Set([ab]), a) && !hasMemberBelow(new Set([axb]), a));
});
