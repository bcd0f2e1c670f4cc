import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, ring } from '#rollouts/testing/lab.ts';
import { bookOf } from './testing/lab-book.ts';

const RINGS = { canary: ['c1', 'c2', 'c3', 'c4'], broad: ['p1', 'p2', 'p3', 'p4'] };
const STAGES = [ring('canary', { maxConcurrent: 1 }), ring('broad', { maxConcurrent: 1 })];
const ALL = Object.fromEntries(
  Object.values(RINGS)
    .flat()
    .map((name) => [name, 'a']),
);

/** Clusters take 20 s each, one after the other: by how much the end that is foretold after `retry` is wrong, in ms. */
function toldAgain(action: 'pause' | 'rollback', fails: string): number {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { action } }, ALL);
  const shown = bookOf(lab);
  lab.fails('b', fails);
  lab.commit('v2', lab.all('b'));
  lab.pass(5 * HOUR);
  lab.plays.clear();
  assert.equal(lab.order({ kind: 'retry', version: 'v2' }), undefined);
  lab.pass(action === 'pause' ? 10_000 : 70_000);
  const eta = shown.sync().eta({ placement: 'app', version: 'v2' });
  assert.ok(eta !== undefined);
  const began = lab.world.now;
  lab.pass(HOUR);
  return Math.abs(lab.happened('succeeded').at(-1)!.at - began - (eta - began));
}

test('after a retry an end is foretold by the pace of what began anew, not by what lies between', () => {
  for (const action of ['pause', 'rollback'] as const)
    for (const name of ['c4', 'p3']) {
      const off = toldAgain(action, name);
      assert.ok(off <= 20_000, `${off} ms off after ${action} for ${name}`);
    }
});
