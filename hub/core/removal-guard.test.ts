import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalSetHash } from '#proto/removals.ts';
import { type GuardPolicy, judgeRemoval, type Leaving } from './removal-guard.ts';
import type { HeldRemoval } from './types.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `c${i}`);
const leaving = (count: number, more: Partial<Leaving> = {}): Leaving => ({
  placement: 'shop',
  clusters: names(count),
  removing: [],
  staying: 100 - count,
  left: 0,
  of: 100,
  ...more,
});
const guard = (more: Partial<GuardPolicy> = {}): GuardPolicy => ({
  most: 0.1,
  emptied: false,
  approvals: [],
  ...more,
});
const NOON = Date.parse('2026-11-20T12:00:00Z');
const judge = (what: Leaving, policy = guard(), before?: HeldRemoval) =>
  judgeRemoval(what, policy, before, NOON).verdict;
const shop = removalSetHash('shop', names(11));

for (const [what, of, policy, expected] of [
  ['10 of 100', leaving(10), guard(), 'passed'],
  ['11 of 100', leaving(11), guard(), 'held'],
  ['9 of 100 after 9 that left', leaving(9, { left: 9 }), guard(), 'held'],
  ['1 of 2', leaving(1, { staying: 1, of: 2 }), guard(), 'passed'],
  ['1 of 100 after 50 that left', leaving(1, { left: 50 }), guard(), 'passed'],
  ['the last one', leaving(1, { staying: 0, of: 1 }), guard(), 'held'],
  ['the last one of many that left', leaving(1, { staying: 0, left: 99 }), guard(), 'held'],
  ['2 of 5', leaving(2, { staying: 3, of: 5 }), guard(), 'held'],
  ['29 of 100 under 29%', leaving(29), guard({ most: 0.29 }), 'passed'],
  ['1 of 100 under 0%', leaving(1), guard({ most: 0 }), 'passed'],
  ['2 of 100 under 0%', leaving(2), guard({ most: 0 }), 'held'],
  ['all of them under 100%', leaving(100), guard({ most: 1 }), 'passed'],
  [
    'all of them under 100%, with no placement listed',
    leaving(100),
    guard({ most: 1, emptied: true }),
    'held',
  ],
  ['an approved set', leaving(11), guard({ approvals: [{ removal: shop }] }), 'approved'],
  [
    'an approved set on the last day',
    leaving(11),
    guard({ approvals: [{ removal: shop, until: '2026-11-20' }] }),
    'approved',
  ],
  [
    'an approved set a day later',
    leaving(11),
    guard({ approvals: [{ removal: shop, until: '2026-11-19' }] }),
    'held',
  ],
  ['a larger set than the approved one', leaving(12), guard({ approvals: [{ removal: shop }] }), 'held'],
  [
    'the approved set of another placement',
    leaving(11, { placement: 'other' }),
    guard({ approvals: [{ removal: shop }] }),
    'held',
  ],
  ['a set approved for pruning only', leaving(11), guard({ approvals: [{ prune: shop }] }), 'held'],
  [
    'the rest of an approved set',
    leaving(8, { removing: ['c8', 'c9', 'c10'], staying: 0, of: 8 }),
    guard({ approvals: [{ removal: shop }] }),
    'approved',
  ],
] as const satisfies [string, Leaving, GuardPolicy, string][]) {
  test(`removing ${what} is ${expected}`, () => assert.equal(judge(of, policy), expected));
}

test('what is held stays measured by the set that it was first measured by, whoever joins', () => {
  const first = judgeRemoval(leaving(11), guard(), undefined, NOON);
  assert.ok(first.verdict === 'held');
  const later = judgeRemoval(leaving(11, { staying: 500, of: 511 }), guard(), first.held, NOON + 5);
  assert.deepEqual(later, first, 'nor does it begin anew');
  assert.equal(judge(leaving(10), guard(), first.held), 'passed', 'some of them came back');
  const more = judgeRemoval(leaving(12), guard(), first.held, NOON + 5);
  assert.ok(more.verdict === 'held' && more.held.since === NOON + 5 && more.held.setHash !== shop);
});
