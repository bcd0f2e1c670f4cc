import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Json, readYaml } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { applyJsonPatch, parseJsonPatch } from './json-patch.ts';

const one = (text: string) => readYaml(text, { blanks: true })[0]!.value;
// Patches stand here as flow lists for short; as text they are block lists or JSON.
const apply = (target: string, patch: string): Json =>
  applyJsonPatch(one(target), parseJsonPatch(patch.startsWith('[') ? ` ${patch}` : patch));

// Each row was read off kustomize 5.5.0.
const ROWS: readonly [name: string, target: string, patch: string, expected: Json | RegExp][] = [
  ['add sets a member', '{a: {}}', '[{op: add, path: /a/b, value: {z: null}}]', { a: { b: { z: null } } }],
  ['add without a value sets null', '{a: 1}', '[{op: add, path: /b}]', { a: 1, b: null }],
  ['- is behind the end', '{l: [1]}', '[{op: add, path: /l/-, value: 2}]', { l: [1, 2] }],
  [
    'an index is where the new element stands',
    '{l: [1, 2]}',
    '[{op: add, path: /l/0, value: 0}]',
    { l: [0, 1, 2] },
  ],
  ['the length is an index for add', '{l: [1]}', '[{op: add, path: /l/1, value: 2}]', { l: [1, 2] }],
  [
    'a negative index counts from behind the end',
    '{l: [1, 2]}',
    '[{op: add, path: /l/-1, value: 3}]',
    { l: [1, 2, 3] },
  ],
  [
    'an index beyond the length is refused',
    '{l: [1]}',
    '[{op: add, path: /l/2, value: 2}]',
    /invalid index: 2/,
  ],
  [
    'an index that is no number is refused',
    '{l: [1]}',
    '[{op: add, path: /l/x, value: 2}]',
    /invalid index: x/,
  ],
  [
    'add makes no parents',
    '{a: {}}',
    '[{op: add, path: /a/b/c, value: 1}]',
    /doc is missing path: \/a\/b\/c/,
  ],
  ['a scalar has no members', '{a: 1}', '[{op: add, path: /a/b, value: 1}]', /doc is missing path/],
  [
    '~1 is / and ~0 is ~',
    '{"x/y": 1, "m~n": 2}',
    '[{op: remove, path: /x~1y}, {op: remove, path: /m~0n}]',
    {},
  ],
  ['remove needs the member', '{a: 1}', '[{op: remove, path: /b}]', /nonexistent key: b/],
  [
    'remove takes elements out',
    '{l: [1, 2, 3]}',
    '[{op: remove, path: /l/1}, {op: remove, path: /l/-1}]',
    { l: [1] },
  ],
  ['replace needs no member', '{a: {}}', '[{op: replace, path: /a/b, value: 1}]', { a: { b: 1 } }],
  ['replace needs the element', '{l: [1]}', '[{op: replace, path: /l/1, value: 1}]', /invalid index/],
  ['replace of the root takes maps', '{a: 1}', '[{op: replace, path: "", value: {b: 2}}]', { b: 2 }],
  ['a root does not become a number', '{a: 1}', '[{op: replace, path: "", value: 3}]', { a: 1 }],
  ['move takes a value elsewhere', '{a: {b: 1}}', '[{op: move, from: /a/b, path: /c}]', { a: {}, c: 1 }],
  ['move needs the value', '{a: {}}', '[{op: move, from: /a/b, path: /c}]', /nonexistent key: b/],
  [
    'copy copies, and null where nothing is',
    '{a: 1}',
    '[{op: copy, from: /a, path: /b}, {op: copy, from: /x, path: /c}]',
    { a: 1, b: 1, c: null },
  ],
  [
    'test compares whatever the order of members',
    '{a: {x: 1, z: [2]}}',
    '[{op: test, path: /a, value: {z: [2], x: 1}}]',
    { a: { x: 1, z: [2] } },
  ],
  ['test refuses what differs', '{a: 1}', '[{op: test, path: /a, value: 2}]', /testing value \/a failed/],
  ['null and nothing are the same to test', '{a: 1}', '[{op: test, path: /b, value: null}]', { a: 1 }],
  ['a test without a value is refused', '{a: 1}', '[{op: test, path: /b}]', /no value/],
  ['other operations are refused', '{a: 1}', '[{op: merge, path: /a}]', /Unexpected kind: merge/],
  ['an operation without a path is refused', '{a: 1}', '[{op: add, value: 1}]', /missing path field/],
  ['a patch may be YAML', '{a: 1}', '- op: add\n  path: /b\n  value: 017\n', { a: 1, b: 15 }],
  ['blanks become null', 'a:\nb: 1\n', '[{op: add, path: /c, value: 1}]', { a: null, b: 1, c: 1 }],
  [
    'whole numbers pass through float64',
    '{a: 9007199254740993, b: 18446744073709551615}',
    '[{op: add, path: /c, value: 1}]',
    { a: 9007199254740992n, b: 2 ** 64, c: 1 },
  ],
  ['a patch is a list', '{a: 1}', 'a: 1', /list of operations/],
  ['an operation is a map', '{a: 1}', '[1]', /operation of a JSON patch is a map/],
];

for (const [name, target, patch, expected] of ROWS) {
  test(`JSON patch: ${name}`, () => {
    if (expected instanceof RegExp)
      assert.throws(
        () => apply(target, patch),
        (fault) => fault instanceof EngineFault && expected.test(fault.message),
      );
    else assert.deepEqual(apply(target, patch), expected);
  });
}

test('the operation that fails is named by its index', () => {
  assert.throws(
    () => apply('{a: 1}', '[{op: remove, path: /a}, {op: remove, path: /a}]'),
    (fault) => fault instanceof EngineFault && fault.path?.[0] === 1,
  );
});

test('a target is left as it is', () => {
  const target = one('{a: {b: [1]}}');
  applyJsonPatch(target, parseJsonPatch(' [{op: add, path: /a/b/-, value: 2}, {op: remove, path: /a}]'));
  assert.deepEqual(target, { a: { b: [1] } });
});

test('a text that starts like a list in JSON has to be JSON', () => {
  assert.throws(() => parseJsonPatch('[{op: remove, path: /a}]'), EngineFault);
  assert.deepEqual(parseJsonPatch('[{"op": "remove", "path": "/a"}]'), [{ op: 'remove', path: '/a' }]);
});
