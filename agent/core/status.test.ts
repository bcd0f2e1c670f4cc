import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ObjectStatus, type Status, status } from '#proto/messages.ts';
import fc from '#test/laws.ts';
import { fitStatus } from './status.ts';

const axis = <S>(state: S) => ({ state, since: '2026-11-22T10:00:00.000Z' });
const zero = { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };
const object = (index: number): ObjectStatus => ({
  id: `/ConfigMap/shop/settings-${index}`,
  apiVersion: 'v1',
  health: 'CURRENT',
  assessed: true,
  drift: 'NONE',
});
const whole = (objects: number): Status => ({
  v: 1,
  cluster: 'one',
  placement: 'web',
  seq: 1,
  at: '2026-11-22T10:00:00.000Z',
  epoch: 1,
  attempt: 1,
  sync: axis('SYNCED' as const),
  drift: axis('NONE' as const),
  health: axis('CURRENT' as const),
  counts: zero,
  objects: Array.from({ length: objects }, (_, index) => object(index)),
  drifts: [],
  truncated: { objects: 0, drifts: 0 },
  faults: [],
});

test('a status of any size fits, is valid, and says truly how much was left out', () => {
  fc.assert(
    fc.property(fc.nat(3_000), fc.integer({ min: 2_000, max: 900_000 }), (count, most) => {
      const text = fitStatus(whole(count), most);
      const read = status.parse(JSON.parse(text));
      assert.ok(Buffer.byteLength(text) < most);
      assert.equal(read.objects.length + read.truncated.objects, count);
    }),
    { numRuns: 30 },
  );
});

test('a small status is not touched', () => {
  assert.deepEqual(JSON.parse(fitStatus(whole(3))), whole(3));
});
