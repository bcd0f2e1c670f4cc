import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIFT_STATES, HEALTH_STATES, SYNC_STATES } from '#proto/messages.ts';
import { DRIFT_WORST_FIRST, HEALTH_WORST_FIRST, SYNC_WORST_FIRST, worstOf } from './axes.ts';

for (const [axis, ranked, states] of [
  ['sync', SYNC_WORST_FIRST, SYNC_STATES],
  ['drift', DRIFT_WORST_FIRST, DRIFT_STATES],
  ['health', HEALTH_WORST_FIRST, HEALTH_STATES],
] as const) {
  test(`every state of ${axis} has its rank`, () => {
    assert.deepEqual([...ranked].sort(), [...states].sort());
  });
}

test('the worst part decides, named with its reason and how many share it', () => {
  const folded = worstOf(SYNC_WORST_FIRST, [
    ['platform', { state: 'SYNCED', since: 1 }],
    ['shop', { state: 'FAILED', reason: 'quota', since: 30 }],
    ['ledger', { state: 'FAILED', since: 20 }],
    ['edge', { state: 'APPLYING', since: 10 }],
  ]);
  assert.deepEqual(folded, { state: 'FAILED', since: 20, reason: 'shop: quota (and 1 more)' });
});

test('the best state began when the last part reached it, and needs no reason', () => {
  const folded = worstOf(HEALTH_WORST_FIRST, [
    ['platform', { state: 'CURRENT', reason: 'fine', since: 5 }],
    ['shop', { state: 'CURRENT', since: 9 }],
  ]);
  assert.deepEqual(folded, { state: 'CURRENT', since: 9 });
});
