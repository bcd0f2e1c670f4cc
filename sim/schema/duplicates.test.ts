import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duplicateFields, fieldsOf } from './duplicates.ts';

test('a field that occurs twice in one object is named by its path, once', () => {
  assert.deepEqual(duplicateFields('{"a":1,"b":{"c":1,"c":2,"c":3},"a":[]}'), ['b.c', 'a']);
  assert.deepEqual(duplicateFields('{"list":[{"x":1},{"x":1,"y":{"z":0},"x":2}]}'), ['list[1].x']);
});

test('the same field in different objects is no duplicate', () => {
  assert.deepEqual(duplicateFields('{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}'), []);
});

test('strings with braces, commas and quotes are only strings', () => {
  assert.deepEqual(duplicateFields('{"a":"{\\"a\\":1,","b":"}]","c\\"d":[",",","]}'), []);
  assert.deepEqual(
    [...fieldsOf('{"a":{"b":"x"},"c":[1,{"d":2}]}')].map(({ path }) => path),
    ['a', 'a.b', 'c', 'c[1].d'],
  );
});
