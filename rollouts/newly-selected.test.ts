import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';
import { Laws } from './testing/laws.ts';

/** A version that selects clusters which had nothing before goes wrong: nothing that an agent would refuse is published (ADR 25). */
const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2'], broad: ['p1', 'p2'] };
const ROLLBACK = {
  stages: [ring('canary'), ring('early'), ring('broad')],
  failure: { action: 'rollback' as const },
};
const FIRST = { c1: 'a', e1: 'a', p1: 'a' };
const WORDS = 'nothing to go back to; what it has stays until a commit takes it away';

function start(): Lab {
  const lab = new Lab(RINGS, ROLLBACK, FIRST);
  const laws = new Laws();
  lab.world.watch = (step) => laws.check(step);
  return lab;
}
const removals = (lab: Lab) => lab.happened('removed').map(({ cluster }) => cluster);

test('a rollback leaves newly selected clusters what they have, says so, and fails nobody for it', () => {
  const lab = start();
  lab.fails('b', 'e1');
  lab.commit('v2', { c1: 'b', c2: 'b', e1: 'b', e2: 'b', p1: 'b', p2: 'b' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  assert.deepEqual(lab.states, {
    c1: 'v1 Current',
    c2: 'v2 Current',
    e1: 'v1 Current',
    e2: 'v2 Current',
    p1: 'v1 Current',
    p2: '- Waiting',
  });
  for (const name of ['c2', 'e2']) assert.equal(lab.target(name)?.reason, WORDS);
  assert.deepEqual(lab.line().pauses, []);
  assert.deepEqual(
    lab.happened('failed').map(({ cluster }) => cluster),
    ['e1'],
  );
});

test('the fix reaches who kept what was taken back, and a commit that takes it away removes it', () => {
  const lab = start();
  lab.fails('b', 'e2');
  lab.commit('v2', { ...FIRST, c2: 'b', e1: 'b', e2: 'b' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  assert.equal(lab.states.e2, 'v2 Failed');
  assert.equal(lab.target('e2')?.reason, `ImagePullBackOff; ${WORDS}`);
  lab.commit('v3', { ...FIRST, c1: 'c', c2: 'c', e1: 'c' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
  assert.deepEqual(removals(lab), ['e2']);
  assert.deepEqual(lab.states, { c1: 'v3 Current', c2: 'v3 Current', e1: 'v3 Current', p1: 'v3 Current' });
});

test('what a commit takes away while the older version is gone back to is removed by that commit, stage by stage', () => {
  const lab = start();
  lab.plays.set('c1@c', [{ afterMs: 8 * MINUTE, phase: 'current' }]);
  lab.fails('b', 'e1');
  lab.commit('v2', { ...FIRST, e1: 'b', e2: 'b', p2: 'b' });
  lab.pass(5 * MINUTE);
  assert.equal(lab.phase('v2'), 'RolledBack');
  lab.commit('v3', { ...FIRST, c1: 'c' });
  lab.pass(5 * MINUTE);
  // Early has not come to it, and an order at what early has passed would be refused by the agent.
  assert.equal(lab.target('e2')?.run?.digest, 'b');
  assert.equal(lab.target('e2')?.reason, WORDS);
  lab.pass(HOUR);
  assert.deepEqual(removals(lab), ['e2']);
  assert.equal(lab.phase('v3'), 'Succeeded');
});

test('a stage in which nobody has anything to go back to keeps what it has, and the line pauses', () => {
  const lab = start();
  lab.fails('b', 'e2');
  lab.commit('v2', { ...FIRST, e2: 'b' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Failed');
  assert.equal(lab.target('e2')?.run?.digest, 'b');
  assert.match(lab.words().join(), /paused by rollback: early had nothing to go back to .*resume goes on/);
  lab.commit('v3', FIRST);
  lab.order({ kind: 'resume' });
  lab.pass(HOUR);
  assert.deepEqual(removals(lab), ['e2']);
});

test('who was held while it began, and has nothing to go back to, is told nothing and is not called Current', () => {
  const lab = start();
  lab.fails('b', 'e1');
  lab.commit('v2', { ...FIRST, e1: 'b', e2: 'b' });
  lab.pass(5_000);
  lab.fleet({ kind: 'hold', cluster: 'e2', by: 'bob' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  lab.fleet({ kind: 'release', cluster: 'e2', by: 'bob' });
  lab.pass(HOUR);
  assert.deepEqual([lab.target('e2')?.run?.digest, lab.states.e2], ['b', 'v2 Waiting']);
  assert.equal(lab.target('e2')?.reason, WORDS);
});

test('a held cluster that is released while its line is paused is not called Current before it is', () => {
  const lab = new Lab(RINGS, ROLLBACK, FIRST);
  lab.commit('v2', { ...FIRST, p1: 'b' });
  lab.fleet({ kind: 'hold', cluster: 'p1', by: 'bob' });
  lab.pass(HOUR);
  lab.order({ kind: 'expedite', stages: ['broad'], skips: ['evidence'] });
  lab.order({ kind: 'pause' });
  lab.fleet({ kind: 'release', cluster: 'p1', by: 'bob' });
  lab.pass(HOUR);
  assert.equal(lab.passed('broad'), 'v2');
  assert.notEqual(lab.target('p1')?.state, 'Current');
});

test('a fix that changes one of two newly selected canaries has the other one try again, and pauses when it fails again', () => {
  const lab = new Lab(RINGS, { stages: [ring('canary'), ring('early')] }, { e1: 'a' });
  lab.fails('b', 'c1', 'c2');
  lab.commit('v2', { c1: 'b', c2: 'b', e1: 'b' });
  lab.pass(5 * MINUTE);
  assert.equal(lab.phase('v2'), 'Paused');
  lab.commit('v3', { c1: 'c', c2: 'b', e1: 'b' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Paused');
  assert.deepEqual(lab.states, { c1: 'v3 Current', c2: 'v3 Failed', e1: 'v1 Current' });
});

test('retry has newly selected canaries try again that failed: what fails there again goes no further', () => {
  const lab = new Lab(RINGS, { ...ROLLBACK, stages: ROLLBACK.stages.slice(0, 2) }, { c1: 'a', e1: 'a' });
  lab.fails('b', 'c2');
  lab.commit('v2', { c1: 'a', c2: 'b', e1: 'b' });
  lab.pass(5 * MINUTE);
  assert.equal(lab.phase('v2'), 'Failed');
  lab.order({ kind: 'resume' });
  lab.order({ kind: 'retry', version: 'v2' });
  lab.pass(HOUR);
  assert.deepEqual(lab.states, { c1: 'v1 Current', c2: 'v2 Failed', e1: 'v1 Current' });
  assert.equal(lab.happened('failed').length, 2);
  lab.plays.clear();
  lab.order({ kind: 'resume' });
  lab.order({ kind: 'retry', version: 'v2' });
  lab.pass(HOUR);
  assert.deepEqual(lab.states, { c1: 'v2 Current', c2: 'v2 Current', e1: 'v2 Current' });
});
