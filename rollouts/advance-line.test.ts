import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2'], broad: ['p1', 'p2', 'p3'] };
const THREE = { stages: [ring('canary'), ring('early'), ring('broad')] };

test('a change goes from stage to stage, each once the one before has passed', () => {
  const lab = new Lab(RINGS, THREE, { ...all('a') });
  lab.commit('v2', all('b'));
  assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  lab.pass(20_000);
  assert.deepEqual(lab.started('v2'), ['c1', 'c2', 'e1', 'e2']);
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.deepEqual(new Set(Object.values(lab.states)), new Set(['v2 Current']));
});

test('a failed canary pauses the line, and a commit that changes what failed goes on', () => {
  const lab = new Lab(RINGS, THREE, all('a'));
  lab.fails('b', 'c1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Paused');
  assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  lab.commit('v3', all('c'));
  lab.pass(10 * MINUTE);
  assert.equal(lab.phase('v3'), 'Succeeded');
  assert.equal(lab.phase('v2'), 'Superseded');
});

function all(digest: string) {
  return Object.fromEntries(
    Object.values(RINGS)
      .flat()
      .map((name) => [name, digest]),
  );
}
