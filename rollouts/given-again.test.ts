import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

/** What the branch gives again: a removal that it has taken back is carried out by no stage that is still behind. */
const STAGES = { stages: [ring('canary'), ring('prod')] };
const RINGS = { canary: ['c1'], prod: ['p1', 'p2'] };
const V1 = { c1: 'd1', p1: 'd1', p2: 'd1' };

const removals = (lab: Lab) => Object.values(lab.line().targets).filter(({ run }) => run?.digest === null);

test('what was held is not taken away by the older version once the head gives it again', () => {
  const lab = new Lab(RINGS, STAGES, V1);
  lab.plays.set('p2@d2', [{ afterMs: 3 * MINUTE, phase: 'current' }]);
  lab.plays.set('c1@d3', [{ afterMs: 8 * MINUTE, phase: 'current' }]);
  lab.block('p1', 'held until its removal is approved');
  lab.commit('v2', { c1: 'd2', p2: 'd2' });
  lab.pass(MINUTE);
  assert.equal(lab.line().stages[1]?.work?.version, 'v2');
  lab.commit('v3', { c1: 'd3', p1: 'd1', p2: 'd3' });
  lab.block('p1', undefined);
  for (let i = 0; i < 30; i++) {
    assert.deepEqual(removals(lab), []);
    lab.pass(MINUTE);
  }
  assert.deepEqual([lab.passed('canary'), lab.passed('prod')], ['v3', 'v3']);
  assert.deepEqual(lab.states, { c1: 'v3 Current', p1: 'v3 Current', p2: 'v3 Current' });
});

test('a stage that comes to an older version takes nothing away that the head gives again', () => {
  const lab = new Lab(RINGS, STAGES, V1);
  lab.plays.set('c1@d3', [{ afterMs: 8 * MINUTE, phase: 'current' }]);
  lab.commit('v2', { c1: 'd2', p2: 'd2' });
  lab.pass(1_000);
  lab.commit('v3', { c1: 'd3', p1: 'd3', p2: 'd3' });
  for (let i = 0; i < 20; i++) {
    assert.deepEqual(removals(lab), []);
    lab.pass(MINUTE);
    if (i === 5) assert.equal(lab.passed('prod'), 'v2');
    if (i === 5) assert.deepEqual(lab.states, { c1: 'v3 Applying', p1: 'v1 Current', p2: 'v2 Current' });
  }
  assert.deepEqual(lab.states, { c1: 'v3 Current', p1: 'v3 Current', p2: 'v3 Current' });
});

test('a removal under way that the head takes back is waited for by nobody, and followed by what is given', () => {
  const lab = new Lab(RINGS, STAGES, V1);
  lab.plays.set('p1', 'silent');
  lab.commit('v2', { c1: 'd2', p2: 'd2' });
  lab.pass(50_000);
  assert.equal(lab.states.p1, 'v2 Applying');
  assert.equal(lab.line().stages[1]?.work?.version, 'v2');
  lab.plays.clear();
  lab.commit('v3', { c1: 'd3', p1: 'd1', p2: 'd3' });
  assert.equal(lab.passed('prod'), 'v2');
  lab.pass(2 * MINUTE);
  assert.deepEqual(lab.states, { c1: 'v3 Current', p1: 'v3 Current', p2: 'v3 Current' });
});

test('who has something newer does not go back while its stage is at a version that says nothing of it', () => {
  const lab = new Lab(RINGS, STAGES, V1);
  lab.fails('d2', 'p2');
  lab.commit('v2', { c1: 'd2', p1: 'd2', p2: 'd2' });
  lab.pass(5 * MINUTE);
  assert.deepEqual([lab.phase('v2'), lab.states.p1], ['Paused', 'v2 Current']);
  lab.plays.set('c1@d4', [{ afterMs: 8 * MINUTE, phase: 'current' }]);
  lab.commit('v3', { c1: 'd3', p2: 'd3' });
  lab.pass(5_000);
  lab.commit('v4', { c1: 'd4', p1: 'd4', p2: 'd4' });
  lab.pass(3 * MINUTE);
  assert.equal(lab.passed('prod'), 'v3');
  assert.equal(lab.target('p1')?.run?.digest, 'd2');
  lab.pass(20 * MINUTE);
  assert.deepEqual(lab.states, { c1: 'v4 Current', p1: 'v4 Current', p2: 'v4 Current' });
  assert.ok(
    !lab.happened('published').some(({ cluster, revision }) => cluster === 'p1' && revision === 'v1'),
  );
});

test('content that its stage had passed comes back by a commit after an abort of what brought it, also to who was away', () => {
  const gate = { before: [{ approval: { groups: ['ops'] } }] };
  const lab = new Lab(
    { canary: ['c1'], broad: ['p1', 'p2', 'p3'] },
    { stages: [ring('canary'), ring('broad', gate)] },
    { c1: 'a', p1: 'a', p2: 'a', p3: 'a' },
  );
  lab.commit('v2', lab.all('b'));
  lab.pass(MINUTE);
  lab.order({ kind: 'approve', stage: 'broad', groups: ['ops'] });
  lab.pass(MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
  lab.commit('v3', { ...lab.all('a'), p2: 'd' });
  lab.pass(MINUTE);
  lab.order({ kind: 'deny', stage: 'broad', groups: ['ops'] });
  assert.deepEqual(lab.line().rejected.p1, ['a']);
  lab.offline('p3');
  lab.pass(HOUR);
  lab.commit('v4', lab.all('a'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v4'), 'Succeeded');
  lab.online('p3');
  lab.pass(HOUR);
  assert.deepEqual(lab.states, {
    c1: 'v4 Current',
    p1: 'v4 Current',
    p2: 'v4 Current',
    p3: 'v4 Current',
  });
});
