import assert from 'node:assert/strict';
import { test } from 'node:test';
import { histories, SCENARIOS, START, VICTIMS } from './histories.ts';

const MANY = 60;
const all = histories(MANY);

test('a history is decided by its seed alone, and fewer seeds are the beginning of more', () => {
  assert.deepEqual(histories(MANY), all);
  assert.deepEqual(histories(3), all.slice(0, 3 * VICTIMS.length));
});

test('each history goes on from the one before and changes something, within the prune guard', () => {
  for (const [index, { before, changed, after, reverts, change }] of all.entries()) {
    assert.equal(before, all[index - 1]?.after ?? START);
    assert.notDeepEqual(before, changed);
    assert.equal(after, reverts ? before : changed);
    assert.ok(change.removed.length <= 3 && change.removed.length < Object.keys(before.maps).length);
    assert.ok(Object.keys(after.maps).length <= 18);
  }
});

test('as many seeds as a victim has points meet every one of them', () => {
  for (const victim of VICTIMS) {
    const { length } = SCENARIOS[victim];
    const met = all.filter((history) => history.victim === victim).slice(0, length);
    const points = met.map(({ dies, halts }) => `${dies?.name} ${halts?.of} ${halts?.name}`);
    assert.equal(new Set(points).size, length);
  }
});
