import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalQuantity } from './quantity.ts';

test('a quantity is written with the largest suffix that needs no fraction', () => {
  const spellings: [string, string][] = [
    ['1000m', '1'],
    ['1.5', '1500m'],
    ['0.5', '500m'],
    ['100m', '100m'],
    ['1500m', '1500m'],
    ['2000', '2k'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1Ki', '1Ki'],
    ['512', '512'],
    ['0', '0'],
    ['0.0', '0'],
    ['-1000m', '-1'],
    ['1e3', '1e3'],
    ['1000000', '1M'],
    ['0.0001', '100u'],
  ];
  for (const [given, canonical] of spellings) assert.equal(canonicalQuantity(given), canonical, given);
});

test('finer than nano is rounded up', () => {
  assert.equal(canonicalQuantity('0.0000000001'), '1n');
});

test('what is no quantity has no canonical form', () => {
  for (const text of ['', 'abc', '1X', '1.2.3', 'Mi', '1 Gi'])
    assert.equal(canonicalQuantity(text), undefined, text);
});
