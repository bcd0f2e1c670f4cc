import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DenialLimit } from './denial-limit.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

test('of a flood twenty are kept, then one an hour, which says how many were left out', () => {
  const limit = new DenialLimit();
  const taken = Array.from({ length: 1_000 }, () => limit.take('eve', NOW));
  assert.equal(taken.filter(({ store }) => store).length, 20);
  assert.deepEqual(taken.slice(20, 22), [
    { store: false, isFirst: true },
    { store: false, isFirst: false },
  ]);
  assert.deepEqual(limit.take('eve', NOW + HOUR), { store: true, omitted: 980 });
  assert.deepEqual(limit.take('eve', NOW + HOUR), { store: false, isFirst: true });
});

test('one person cannot hide what another is refused', () => {
  const limit = new DenialLimit();
  for (let at = 0; at < 1_000; at++) limit.take('eve', NOW);
  assert.deepEqual(limit.take('ann', NOW), { store: true, omitted: 0 });
});

test('all people together fill no more than a small part of what the stream keeps', () => {
  const limit = new DenialLimit();
  let kept = 0;
  for (let day = 0; day < 400; day++)
    for (let at = 0; at < 5_000; at++) if (limit.take(`p${at}`, NOW + day * DAY).store) kept += 1;
  assert.ok(kept > 400 && kept <= 100 + 400 * 96, `${kept} kept`);
});
