import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';
import { Laws } from './testing/laws.ts';

/** What Git and people may change under a line while a version is on its way (design/30, rules 11 and 12). */
const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2'], broad: ['p1', 'p2', 'p3'] };
const ALL = Object.values(RINGS).flat();
const all = (digest: string, names = ALL) => Object.fromEntries(names.map((name) => [name, digest]));
const REST = { name: 'rest', selector: {} };
const SLOWLY = { maxConcurrent: 1 };
const ASK = { approval: { groups: ['ops'] } };

function start(stages = [ring('canary'), ring('early', SLOWLY), ring('broad', SLOWLY)], more = {}): Lab {
  const lab = new Lab(RINGS, { stages, ...more }, all('a'));
  const laws = new Laws();
  lab.world.watch = (step) => laws.check(step);
  return lab;
}
const runs = (lab: Lab, version: string, names = ALL) =>
  assert.deepEqual(lab.states, Object.fromEntries(names.map((name) => [name, `${version} Current`])));
const attempts = (lab: Lab, version: string, cluster: string) =>
  lab.started(version).filter((name) => name === cluster).length;

test('a stage that is put first begins with what the next has passed, and that finishes what it works on', () => {
  const lab = start([ring('canary'), REST]);
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  lab.strategy({ stages: [ring('early'), ring('canary'), REST] });
  assert.deepEqual([lab.passed('early'), lab.line().stages[0]?.work?.version], ['v1', 'v2']);
  assert.equal(lab.line().stages[1]?.work?.version, 'v2');
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  for (const name of ALL) assert.equal(attempts(lab, 'v2', name), 1, name);
  runs(lab, 'v2');
});

test('a stage that is put between begins with what the next has passed, and nobody goes back', () => {
  const lab = start([ring('canary'), { ...REST, ...SLOWLY }]);
  lab.commit('v2', all('b'));
  lab.pass(25_000);
  assert.deepEqual(lab.started('v2'), ['c1', 'c2', 'e1']);
  lab.strategy({ stages: [ring('canary'), ring('early'), REST] });
  assert.equal(lab.passed('early'), 'v1');
  lab.pass(HOUR);
  assert.deepEqual(lab.happened('recalled'), []);
  // The new stage wants evidence of its own: the same content by another attempt.
  assert.deepEqual([attempts(lab, 'v2', 'e1'), lab.started('v1')], [2, []]);
  assert.equal(lab.phase('v2'), 'Succeeded');
  runs(lab, 'v2');
});

test('a new last stage begins with the oldest that its clusters come from', () => {
  const lab = start([ring('canary'), ring('early'), ring('broad', SLOWLY)]);
  lab.commit('v2', all('b'));
  lab.pass(45_000);
  assert.deepEqual([lab.passed('early'), lab.passed('broad')], ['v2', 'v1']);
  lab.strategy({ stages: [ring('canary'), REST] });
  assert.equal(lab.passed('rest'), 'v1');
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.deepEqual(lab.started('v1'), []);
  runs(lab, 'v2');
});

test('a stage that is taken away while it works lets its clusters go on in theirs', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  lab.pass(25_000);
  assert.equal(lab.line().stages[1]?.work?.version, 'v2');
  lab.strategy({ stages: [ring('canary'), { ...REST, name: 'broad' }] });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.deepEqual(lab.started('v1'), []);
  runs(lab, 'v2');
});

test('when the last stage is taken away, its clusters follow the one that they come to, in its slots', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  lab.pass(65_000);
  assert.equal(lab.line().stages[2]?.work?.version, 'v2');
  lab.strategy({ stages: [ring('canary'), { ...REST, name: 'early', ...SLOWLY }] });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  runs(lab, 'v2');
});

test('a failure stays one when its stage is taken away: the others do not follow, and the way out is a commit', () => {
  const lab = start();
  lab.fails('b', 'p1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Paused');
  lab.strategy({ stages: [ring('canary'), { ...REST, name: 'early', ...SLOWLY }] });
  lab.pass(HOUR);
  assert.deepEqual([lab.states.p1, lab.target('p2')?.run?.digest], ['v2 Failed', 'a']);
  assert.match(lab.words().join(), /paused at early by failure: 1 failed in broad, 0 allowed: p1/);
  lab.commit('v3', all('c'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
  runs(lab, 'v3');
});

test('a failure whose clusters have left with their stage holds nothing', () => {
  const lab = start();
  lab.fails('b', 'e1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.leave('e1');
  lab.strategy({ stages: [ring('canary'), { ...REST, name: 'broad' }] });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a rollback goes on through the stages that are left of it', () => {
  const lab = start([ring('canary'), ring('early'), ring('broad')], { failure: { action: 'rollback' } });
  lab.fails('b', 'p1');
  lab.plays.set('*@a', [{ afterMs: 5 * MINUTE, phase: 'current' }]);
  lab.commit('v2', all('b'));
  while (!lab.line().rollback) lab.pass(5_000);
  lab.strategy({ stages: [ring('canary'), { ...REST, name: 'broad' }], failure: { action: 'rollback' } });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  runs(lab, 'v1');
});

test('a placement that is deleted mid-way is taken away stage by stage, once that is approved', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  lab.pass(25_000);
  for (const name of ALL) lab.block(name, 'held until removal r1 is approved');
  lab.commit('v3', {});
  lab.pass(3 * HOUR);
  assert.deepEqual(lab.happened('removed'), []);
  for (const name of ALL) lab.block(name, undefined);
  lab.pass(HOUR);
  assert.deepEqual(
    lab.happened('removed').map(({ cluster }) => cluster),
    ALL,
  );
  assert.deepEqual(lab.states, {});
});

test('a cluster that is deselected while it applies is removed by the version that says so, and by no other', () => {
  const lab = start();
  lab.plays.set('e1@b', [{ afterMs: 3 * MINUTE, phase: 'current' }]);
  lab.commit('v2', all('b'));
  lab.pass(25_000);
  assert.equal(lab.target('e1')?.state, 'Applying');
  const rest = ALL.filter((name) => name !== 'e1' && name !== 'p3');
  lab.commit('v3', all('b', rest));
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
  const gone = lab.happened('removed').map(({ cluster, revision }) => `${cluster} ${revision}`);
  assert.deepEqual(gone, ['e1 v3', 'p3 v3']);
  assert.equal(attempts(lab, 'v2', 'p3') <= 1, true);
  assert.deepEqual(Object.keys(lab.states), rest);
});

test('a cluster that is only observed from now on is waited for by nobody; enforced again, it gets a new attempt', () => {
  const lab = start();
  lab.plays.set('c1@b', [{ afterMs: 5 * MINUTE, phase: 'current' }]);
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  lab.block('c1', 'only observed');
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.deepEqual([lab.target('c1')?.state, lab.target('c1')?.reason], ['Blocked', 'only observed']);
  lab.block('c1', undefined);
  lab.pass(HOUR);
  assert.equal(attempts(lab, 'v2', 'c1'), 2);
  runs(lab, 'v2');
});

test('a stage whose only target is decommissioned waits for evidence, and the next version goes on', () => {
  const lab = start();
  lab.commit('v2', { ...all('a'), c1: 'b', p1: 'b' });
  lab.pass(5_000);
  lab.leave('c1');
  lab.pass(3 * HOUR);
  assert.equal(lab.passed('canary'), 'v1');
  assert.match(lab.waiting('canary'), /no evidence/);
  lab.commit('v3', { ...all('c'), c1: 'c' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
});

test('a cluster that is relabelled while its version is taken back goes back where it comes to', () => {
  const spec = { stages: [ring('canary'), ring('early'), ring('broad')] };
  const had = { c1: 'a', c2: 'a', e1: 'a', p1: 'a' };
  const lab = new Lab({ canary: ['c1', 'c2'], early: ['e1'], broad: ['p1'] }, spec, had);
  lab.commit('v2', lab.all('b'));
  lab.pass(5_000);
  lab.offline('c1');
  lab.order({ kind: 'rollback' });
  assert.equal(lab.phase('v2'), 'RollingBack');
  lab.relabel('c1', 'broad');
  lab.online('c1');
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  assert.deepEqual(Object.values(lab.states), Array(4).fill('v1 Current'));
  const back = lab.happened('rolledBack').map(({ cluster }) => cluster);
  assert.deepEqual([...back].sort(), ['c1', 'c2']);
});

test('what a later stage works on was not overtaken, although the stage that was put before it is behind', () => {
  const [canary, early] = [ring('canary', { after: [{ approval: { groups: ['ops'] } }] }), ring('early')];
  const lab = new Lab({ canary: ['c1'], early: ['e1'] }, { stages: [early, canary] }, { c1: 'a', e1: 'a' });
  lab.plays.set('e1@c', [{ afterMs: HOUR, phase: 'current' }]);
  lab.commit('v2', lab.all('b'));
  lab.pass(2 * MINUTE);
  lab.commit('v3', lab.all('c'));
  lab.pass(5_000);
  lab.strategy({ stages: [canary, early] });
  lab.commit('v4', lab.all('d'));
  lab.pass(MINUTE);
  assert.equal(lab.line().stages[1]?.work?.version, 'v3');
  assert.equal(lab.phase('v3'), 'Running');
  assert.deepEqual(lab.happened('superseded'), []);
});

test('a rollback goes on from the last to the first, in the order that its stages have by then', () => {
  const lab = start([ring('canary'), ring('early'), ring('broad')]);
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.order({ kind: 'rollback' });
  lab.pass(5_000);
  lab.strategy({ stages: [ring('early'), ring('canary'), ring('broad')] });
  lab.pass(HOUR);
  const back = lab.happened('rolledBack').map(({ stage }) => stage);
  assert.deepEqual([...new Set(back)], ['broad', 'canary', 'early']);
  runs(lab, 'v1');
});

test('abort on the way to who had brought along something newer: it keeps that, and does not go back', () => {
  const lab = start([ring('canary'), ring('early', { before: [ASK] }), ring('broad')]);
  lab.commit('v2', all('b'));
  lab.pass(25_000);
  lab.relabel('c2', 'early');
  assert.deepEqual([lab.passed('early'), lab.target('c2')?.kept], ['v1', 'relabelled']);
  lab.commit('v3', all('c'));
  lab.pass(MINUTE);
  assert.equal(lab.line().stages[1]?.work?.version, 'v3');
  lab.order({ kind: 'abort', version: 'v3' });
  lab.pass(HOUR);
  assert.deepEqual([lab.states.c2, lab.started('v1')], ['v2 Current', []]);
  lab.commit('v4', all('d'));
  lab.strategy({ stages: [ring('canary'), ring('early'), ring('broad')] });
  lab.pass(HOUR);
  runs(lab, 'v4');
});

test('a second abort leaves what the first had left', () => {
  const lab = start([ring('canary', SLOWLY), ring('early'), ring('broad')]);
  lab.commit('v2', all('b'));
  lab.pass(25_000);
  assert.deepEqual(lab.started('v2'), ['c1', 'c2']);
  lab.order({ kind: 'abort', version: 'v2' });
  lab.fleet({ kind: 'freeze', whom: { cluster: 'c2' }, by: 'bob', reason: 'look' });
  lab.pass(MINUTE);
  assert.equal(lab.states.c2, 'v2 Current');
  lab.commit('v3', all('c'));
  lab.pass(5_000);
  assert.equal(lab.line().stages[0]?.work?.version, 'v3');
  lab.order({ kind: 'abort', version: 'v3' });
  lab.fleet({ kind: 'unfreeze', whom: { cluster: 'c2' }, by: 'bob' });
  lab.pass(HOUR);
  assert.deepEqual([lab.states.c2, lab.started('v1')], ['v2 Current', []]);
});
