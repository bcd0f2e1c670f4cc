import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectStatus } from '#proto/messages.ts';
import { driftAxis, healthAxis, type SyncFacts, sinceOf, syncAxis } from './axes.ts';

const object = (
  health: ObjectStatus['health'],
  name = 'web',
  more: Partial<ObjectStatus> = {},
): ObjectStatus => ({
  id: `apps/Deployment/shop/${name}`,
  apiVersion: 'apps/v1',
  health,
  assessed: true,
  drift: 'NONE',
  ...more,
});
const facts = (change: Partial<SyncFacts>): SyncFacts => ({
  stopped: undefined,
  removing: false,
  obstacle: undefined,
  waiting: undefined,
  applying: false,
  failed: undefined,
  held: undefined,
  handing: undefined,
  current: true,
  observed: undefined,
  ...change,
});

test('the worst object speaks for the placement, with its name and how many are like it', () => {
  const objects = [
    object('CURRENT'),
    object('FAILED', 'api', { healthReason: 'image cannot be pulled' }),
    object('FAILED', 'db'),
    object('IN_PROGRESS'),
  ];
  assert.deepEqual(healthAxis(objects, 0, 1000), {
    state: 'FAILED',
    reason: 'Deployment/shop/api: image cannot be pulled (and 1 more)',
  });
  assert.deepEqual(healthAxis([object('CURRENT')], 0, 1000), { state: 'CURRENT' });
  assert.deepEqual(healthAxis([], 0, 1000), { state: 'CURRENT' });
});

test('what is in progress for longer than health.timeout has failed', () => {
  const objects = [object('IN_PROGRESS', 'web', { healthReason: '1 of 2 replicas' })];
  assert.equal(healthAxis(objects, 999, 1000).state, 'IN_PROGRESS');
  const late = healthAxis(objects, 1000, 1000);
  assert.equal(late.state, 'FAILED');
  assert.match(late.reason!, /not Current after 1 s: Deployment\/shop\/web: 1 of 2 replicas/);
});

test('drift is unknown before the first comparison, and an object that cannot be compared is an error, not drift', () => {
  assert.equal(driftAxis([], 0, false).state, 'UNKNOWN');
  assert.equal(driftAxis([object('CURRENT')], 0, true).state, 'NONE');
  assert.equal(driftAxis([object('CURRENT', 'web', { drift: 'ERROR' })], 0, true).state, 'ERROR');
  assert.deepEqual(driftAxis([], 2, true), { state: 'DRIFTED', reason: '2 fields differ' });
});

test('since is kept while the state stays and only the reason changes', () => {
  const first = sinceOf(undefined, { state: 'PENDING', reason: 'a' }, 't1');
  const second = sinceOf(first, { state: 'PENDING', reason: 'b' }, 't2');
  assert.deepEqual(second, { state: 'PENDING', reason: 'b', since: 't1' });
  assert.equal(sinceOf(second, { state: 'SYNCED' }, 't3').since, 't3');
});

const table: [sentence: string, change: Partial<SyncFacts>, state: string][] = [
  ['what runs as wanted is synced', {}, 'SYNCED'],
  ['what was never started is pending', { current: false }, 'PENDING'],
  [
    'a stop speaks before everything else',
    { stopped: { state: 'HELD', reason: 'h' }, applying: true },
    'HELD',
  ],
  ['a lasting obstacle is a failure', { obstacle: { message: 'm', transient: false } }, 'FAILED'],
  ['a passing obstacle is only waited for', { obstacle: { message: 'm', transient: true } }, 'PENDING'],
  ['a removal in progress applies', { removing: true, applying: true }, 'APPLYING'],
  ['an object that cannot be applied is a failure', { failed: 'f' }, 'FAILED'],
  ['deletions held back await approval', { held: 'h' }, 'AWAITING_APPROVAL'],
  ['observing what would change is pending', { observed: 'would create 1' }, 'PENDING'],
  ['observing no difference is synced', { observed: '', current: false }, 'SYNCED'],
];
for (const [sentence, change, state] of table) {
  test(`sync: ${sentence}`, () => {
    assert.equal(syncAxis(facts(change)).state, state);
  });
}
