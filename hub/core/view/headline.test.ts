import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIFT_STATES, HEALTH_STATES, SYNC_STATES } from '#proto/messages.ts';
import fc from '#test/laws.ts';
import { type Axes, CONNECTIVITY_STATES } from './axes.ts';
import { foldHeadlines, type Headline, headlineOf } from './headline.ts';

const axes = (
  connectivity: Axes['connectivity']['state'],
  sync: Axes['sync']['state'],
  drift: Axes['drift']['state'],
  health: Axes['health']['state'],
): Axes => ({
  connectivity: { state: connectivity, since: 1, reason: 'silent' },
  sync: { state: sync, since: 2, reason: 'sync' },
  drift: { state: drift, since: 3, reason: 'drift' },
  health: { state: health, since: 4, reason: 'health' },
});

const CASES: readonly [Parameters<typeof axes>, Headline, string | undefined][] = [
  [['CONNECTED', 'SYNCED', 'NONE', 'CURRENT'], 'OK', undefined],
  [['CONNECTED', 'SYNCED', 'DRIFTED', 'CURRENT'], 'DRIFTED', 'drift'],
  [['CONNECTED', 'SYNCED', 'NONE', 'IN_PROGRESS'], 'APPLYING', 'health'],
  [['CONNECTED', 'SYNCED', 'NONE', 'FAILED'], 'FAILED', 'health'],
  [['CONNECTED', 'FAILED', 'DRIFTED', 'CURRENT'], 'FAILED', 'sync'],
  [['CONNECTED', 'SYNCED', 'ERROR', 'CURRENT'], 'UNKNOWN', 'drift'],
  [['CONNECTED', 'PENDING', 'UNKNOWN', 'UNKNOWN'], 'PENDING', 'sync'],
  [['CONNECTED', 'SYNCED', 'UNKNOWN', 'UNKNOWN'], 'UNKNOWN', 'drift'],
  [['CONNECTED', 'SUSPENDED', 'NONE', 'CURRENT'], 'SUSPENDED', 'sync'],
  [['CONNECTED', 'AWAITING_APPROVAL', 'NONE', 'CURRENT'], 'PENDING', 'sync'],
  [['STALE', 'SYNCED', 'NONE', 'CURRENT'], 'UNKNOWN', 'silent'],
  [['STALE', 'FAILED', 'NONE', 'CURRENT'], 'FAILED', 'sync'],
  [['OFFLINE', 'FAILED', 'DRIFTED', 'FAILED'], 'OFFLINE', 'silent'],
  [['NEVER_CONNECTED', 'PENDING', 'UNKNOWN', 'UNKNOWN'], 'UNKNOWN', 'silent'],
];
for (const [told, headline, reason] of CASES) {
  test(`${told.join(', ')} is ${headline}`, () => {
    const found = headlineOf(axes(...told));
    assert.deepEqual([found.state, found.reason], [headline, reason]);
  });
}

test('a cluster that is not connected is never green, whatever else is known of it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CONNECTIVITY_STATES.filter((state) => state !== 'CONNECTED')),
      fc.constantFrom(...SYNC_STATES),
      fc.constantFrom(...DRIFT_STATES),
      fc.constantFrom(...HEALTH_STATES),
      (connectivity, sync, drift, health) => {
        const all = axes(connectivity, sync, drift, health);
        assert.notEqual(headlineOf(all).state, 'OK');
        assert.notEqual(foldHeadlines(all, [['shop', headlineOf(all)]]).state, 'OK');
        assert.notEqual(foldHeadlines(all, []).state, 'OK');
      },
    ),
  );
});

test('a cluster is as its worst assignment, since that one is', () => {
  const fine = axes('CONNECTED', 'SYNCED', 'NONE', 'CURRENT');
  const folded = foldHeadlines(fine, [
    ['platform', { state: 'OK', since: 100 }],
    ['shop', { state: 'DRIFTED', since: 50, reason: '2 fields' }],
  ]);
  assert.deepEqual(folded, { state: 'DRIFTED', since: 50, reason: 'shop: 2 fields' });
});
