import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lab, MINUTE } from './testing/lab.ts';

/** Rule 3 of design/30: what a placement depends on is Current on a cluster before it starts there. */
const RINGS = { prod: ['p1', 'p2', 'p3'] };
const ONE = { stages: [{ name: 'all', selector: {} }] };

/** `app` upon `base`, both on all clusters. */
function two(): Lab {
  const lab = new Lab(RINGS, ONE);
  lab.placement('base', [], ONE);
  lab.dependsOn('app', ['base']);
  lab.commitTo('v1', { base: lab.all('x'), app: lab.all('a') });
  lab.pass(MINUTE);
  assert.deepEqual(new Set(Object.values(lab.states)), new Set(['v1 Current']));
  return lab;
}

test('one commit that changes both reaches a cluster in the order of dependence', () => {
  const lab = two();
  lab.plays.set('p2@y', [{ afterMs: 5 * MINUTE, phase: 'current' }]);
  lab.commitTo('v2', { base: lab.all('y'), app: lab.all('b') });
  assert.deepEqual(lab.started('v2'), ['p1', 'p2', 'p3'], 'only base has started');
  lab.pass(MINUTE);
  assert.deepEqual(lab.states, { p1: 'v2 Current', p2: 'v1 Waiting', p3: 'v2 Current' });
  assert.deepEqual(lab.words(), ['all: p2 waits for base to be Current']);
  lab.pass(5 * MINUTE);
  assert.deepEqual(lab.states.p2, 'v2 Current');
});

test('where a dependency has failed the target is Blocked: the stage passes without it, and it follows later', () => {
  const lab = two();
  lab.fails('y', 'p2');
  lab.commitTo('v2', { base: lab.all('y'), app: lab.all('b') });
  lab.pass(2 * MINUTE);
  assert.equal(lab.target('p2', 'base')?.state, 'Failed');
  assert.deepEqual(lab.states, { p1: 'v2 Current', p2: 'v1 Blocked', p3: 'v2 Current' });
  assert.match(lab.target('p2')?.reason ?? '', /depends on base, which is Failed there/);
  assert.equal(lab.phase('v2'), 'Succeeded');
  lab.plays.delete('p2@y');
  lab.order({ kind: 'retry' }, 'alice', 'base');
  lab.pass(2 * MINUTE);
  assert.deepEqual(lab.states.p2, 'v2 Current');
});

test('a cluster that joins gets what others stand upon first', () => {
  const lab = two();
  lab.join('p4', 'prod', 'p1');
  assert.equal(lab.target('p4', 'base')?.run?.phase, 'started');
  assert.equal(lab.target('p4')?.run, undefined);
  lab.pass(MINUTE);
  assert.equal(lab.states.p4, 'v1 Current');
});
