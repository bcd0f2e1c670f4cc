import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusPool } from './status-pool.ts';
import { deployment, status } from './view/testing/fleet.ts';

const report = (cluster: string, more: Parameters<typeof status>[2] = {}) =>
  structuredClone(status(cluster, 'shop', { objects: [deployment(), deployment({ id: 'x' })], ...more }));

test('what comes out equals what went in, and equal parts of two statuses are one', () => {
  const pool = new StatusPool();
  const [one, two] = [report('east'), report('west')];
  const [first, second] = [pool.compact(one), pool.compact(two)];
  assert.deepEqual([first, second], [one, two]);
  for (const part of ['objects', 'counts', 'truncated', 'faults', 'applied', 'attempted'] as const)
    assert.equal(first[part], second[part], part);
  const other = pool.compact(report('north', { objects: [deployment({ health: 'FAILED' })] }));
  assert.notEqual(other.objects, first.objects);
  assert.equal(other.counts, first.counts);
});

test('the pool is bounded, and what it has forgotten is right all the same', () => {
  const pool = new StatusPool(100);
  for (let i = 0; i < 50; i++) {
    const given = report(`c${i}`, { objects: [deployment({ id: `o${i}` })] });
    assert.deepEqual(pool.compact(given), given);
  }
});
