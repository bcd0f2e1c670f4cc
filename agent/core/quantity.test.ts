import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { parseQuantity, sameMeaning } from './quantity.ts';

const REQUESTS = ['f:spec', 'f:containers', 'k:{"name":"web"}', 'f:resources', 'f:requests'];
const cpu = [...REQUESTS, 'f:cpu'];

test('quantities are read as Kubernetes reads them', () => {
  const table: [string | number, bigint | undefined][] = [
    ['1', 10n ** 9n],
    [1, 10n ** 9n],
    ['1000m', 10n ** 9n],
    ['0.1', 10n ** 8n],
    ['.5', 5n * 10n ** 8n],
    ['1Ki', 1024n * 10n ** 9n],
    ['1k', 1000n * 10n ** 9n],
    ['1e3', 1000n * 10n ** 9n],
    ['2E', 2n * 10n ** 27n],
    ['-1', -(10n ** 9n)],
    ['100n', 100n],
    ['', undefined],
    ['1 Gi', undefined],
    ['1GB', undefined],
    ['abc', undefined],
  ];
  for (const [text, value] of table) assert.equal(parseQuantity(text), value, String(text));
});

test('a whole number means the same in every spelling', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (n) => {
      assert.equal(parseQuantity(`${n}`), parseQuantity(`${n}000m`));
      assert.equal(parseQuantity(`${n}`), parseQuantity(`${n}.0`));
      assert.equal(parseQuantity(`${n}Mi`), parseQuantity(`${n * 1024}Ki`));
    }),
  );
});

test('spelling does not matter where the API types a quantity, and matters everywhere else', () => {
  assert.ok(sameMeaning('apps', cpu, '1', '1000m'));
  assert.ok(sameMeaning('apps', cpu, 1, '1'));
  assert.ok(sameMeaning('apps', REQUESTS, { cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1024Mi' }));
  assert.ok(!sameMeaning('apps', cpu, '1Gi', '1G'));
  assert.ok(!sameMeaning('', ['f:data', 'f:requests', 'f:cpu'], '1', '1000m'));
  assert.ok(!sameMeaning('', ['f:data', 'f:cpu'], '1', '1000m'));
  assert.ok(!sameMeaning('example.com', ['f:spec', 'f:limits', 'f:cpu'], '1', '1000m'));
  assert.ok(!sameMeaning('apps', ['f:spec', 'f:replicas'], 1, 2));
  assert.ok(!sameMeaning('apps', REQUESTS, { cpu: '1' }, {}));
  assert.ok(sameMeaning('', ['f:spec', 'f:hard', 'f:pods'], '4k', 4000));
});
