import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness } from './liveness.ts';

const OPTIONS = { patienceMs: 1_000, settleMs: 300 };
const CLUSTERS = ['east', 'west'];

/** Lets time pass in steps of 100 ms. */
function pass(liveness: Liveness, from: number, to: number, connected = true): void {
  for (let now = from; now <= to; now += 100) liveness.tick(now, connected, CLUSTERS);
}

test('a cluster that is silent for long enough is unreachable until it is heard', () => {
  const liveness = new Liveness(OPTIONS);
  pass(liveness, 0, 1_000);
  liveness.heard('west');
  pass(liveness, 1_100, 1_600);
  assert.deepEqual([...liveness.unreachable], ['east']);
  assert.equal(liveness.heard('east'), true);
  assert.equal(liveness.heard('east'), false);
  assert.equal(liveness.unreachable.size, 0);
});

test('while the hub is cut off nobody is judged, nor right after', () => {
  const liveness = new Liveness(OPTIONS);
  pass(liveness, 0, 1_200);
  pass(liveness, 1_300, 100_000, false);
  pass(liveness, 100_100, 100_400);
  assert.equal(liveness.unreachable.size, 0);
  pass(liveness, 100_500, 101_000);
  assert.equal(liveness.unreachable.size, 2);
});

test('a clock that jumps back takes nothing away', () => {
  const liveness = new Liveness(OPTIONS);
  pass(liveness, 50_000, 51_000);
  liveness.tick(0, true, CLUSTERS);
  pass(liveness, 100, 200);
  assert.equal(liveness.unreachable.size, 0);
});

test('a cluster without an entry is let go of', () => {
  const liveness = new Liveness(OPTIONS);
  pass(liveness, 0, 2_000);
  liveness.forget('east');
  assert.deepEqual([...liveness.unreachable], ['west']);
});

test('who an earlier hub found unreachable is so at once, also where that is read late, until it is heard', () => {
  const liveness = new Liveness(OPTIONS);
  pass(liveness, 0, 400);
  liveness.heard('west');
  liveness.remember(CLUSTERS);
  assert.deepEqual([...liveness.unreachable], ['east']);
  liveness.heard('east');
  liveness.remember(CLUSTERS);
  assert.deepEqual([...liveness.unreachable], []);
});
