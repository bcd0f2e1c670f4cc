import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';
import { Laws } from './testing/laws.ts';

/** Histories that broke earlier wordings of the rules of design/30, by name. */
const RINGS = { canary: ['c1', 'c2', 'c3'], early: ['e1', 'e2'], broad: ['p1', 'p2', 'p3', 'p4'] };
const STAGES = [ring('canary'), ring('early'), ring('broad', { maxConcurrent: 1 })];
const PAUSE = { stages: STAGES };
const ROLLBACK = { stages: STAGES, failure: { action: 'rollback' as const } };
const ALL = Object.values(RINGS).flat();
const all = (digest: string, but: Record<string, string> = {}) => ({
  ...Object.fromEntries(ALL.map((name) => [name, digest])),
  ...but,
});
const runs = (lab: Lab, version: string) =>
  Object.entries(lab.states).every(([, state]) => state === `${version} Current`);

test('a revert while a later stage is mid-way goes through, and nobody stays on the reverted version', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(50_000);
  assert.equal(lab.target('p1')?.state, 'Applying');
  lab.commit('v3', all('a'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
  assert.ok(runs(lab, 'v3'), JSON.stringify(lab.states));
  assert.ok(!lab.started('v2').includes('p4'));
});

test('canaries that are held mid-flight are no evidence and pass nothing; released, they start anew', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  for (const cluster of RINGS.canary) lab.fleet({ kind: 'hold', cluster, by: 'bob', reason: 'incident' });
  lab.pass(3 * HOUR);
  assert.deepEqual(lab.started('v2'), RINGS.canary);
  assert.equal(lab.target('c1')?.state, 'Blocked');
  assert.match(lab.waiting('canary'), /no evidence.*held by bob: incident/);
  for (const cluster of RINGS.canary) lab.fleet({ kind: 'release', cluster, by: 'bob' });
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
});

test('canaries that are deleted mid-flight pass nothing', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  for (const cluster of RINGS.canary) lab.leave(cluster);
  lab.pass(3 * HOUR);
  assert.equal(lab.passed('canary'), 'v1');
  assert.match(lab.waiting('canary'), /no evidence/);
  lab.order({ kind: 'expedite', stages: ['canary'], skips: ['evidence'] });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a fix that fails on the same clusters pauses again', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.fails('b', 'c2');
  lab.fails('c', 'c2');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.commit('v3', all('c'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Paused');
  assert.equal(lab.passed('canary'), 'v1');
  assert.ok(!lab.started('v3').includes('e1'));
});

test('a failed canary that is reverted to the old content is restored, and the line is free', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.fails('b', 'c1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.commit('v3', all('a'));
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v3'), JSON.stringify(lab.states));
  assert.equal(lab.phase('v3'), 'Succeeded');
});

test('resume with failures above the budget accepts them, and goes on', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.fails('b', 'c1', 'c2');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.order({ kind: 'resume' }), undefined);
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.equal(lab.states.c1, 'v2 Failed');
});

test('a rollback on clusters that fail on the old version too ends, and lists them', () => {
  const lab = new Lab(RINGS, ROLLBACK, all('a'));
  lab.fails('b', 'c1', 'c2');
  lab.fails('a', 'c1', 'c2');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  assert.equal(lab.states.c1, 'v1 Failed');
  assert.equal(lab.states.c3, 'v1 Current');
  assert.deepEqual(lab.line().pauses, []);
});

test('three of three canaries failing with a budget of three is no success', () => {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { maxFailed: 3 } }, all('a'));
  lab.fails('b', ...RINGS.canary);
  lab.commit('v2', all('b'));
  lab.pass(3 * HOUR);
  assert.equal(lab.phase('v2'), 'Paused');
  assert.deepEqual(lab.started('v2'), RINGS.canary);
});

test('a dependency that has moved past the revision is good enough', () => {
  const lab = new Lab(RINGS, { stages: [{ name: 'all', selector: {} }] }, all('a'));
  lab.placement('platform', [], { stages: [{ name: 'all', selector: {} }] });
  lab.commit('p1', all('x'), [], 'platform');
  lab.dependsOn('app', ['platform']);
  lab.pass(MINUTE);
  lab.order({ kind: 'pause' });
  lab.commit('v2', all('b'));
  lab.commit('p2', all('y'), [], 'platform');
  lab.pass(MINUTE);
  lab.order({ kind: 'resume' });
  lab.pass(MINUTE);
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
});

test('all canaries offline at the start never let a change leave canary; back later, they start', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.offline(...RINGS.canary);
  lab.pass(20 * MINUTE);
  lab.order({ kind: 'resume' });
  lab.commit('v2', all('b'));
  lab.pass(24 * HOUR);
  assert.deepEqual(lab.started('v2'), []);
  assert.match(lab.waiting('canary'), /no evidence.*c1, c2, c3 unreachable/);
  lab.online(...RINGS.canary);
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
});

test('one canary of three offline takes no slot and blocks nothing; back, it is brought to what passed', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.offline('c2');
  lab.pass(HOUR);
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.equal(lab.states.c2, 'v1 Offline'.replace('Offline', lab.target('c2')!.state));
  lab.online('c2');
  lab.pass(MINUTE);
  assert.equal(lab.states.c2, 'v2 Current');
});

test('NATS away longer than every deadline fails nobody and passes nothing', () => {
  const lab = new Lab(
    RINGS,
    { stages: [ring('canary', { after: [{ soak: '30m' }] }), ring('early'), ring('broad')] },
    all('a'),
  );
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  lab.world.counting = false;
  lab.offline(...ALL);
  lab.pass(24 * HOUR);
  assert.deepEqual(lab.happened('failed'), []);
  lab.world.counting = true;
  lab.online(...ALL);
  lab.pass(29 * MINUTE);
  assert.equal(lab.passed('canary'), 'v1');
  lab.pass(2 * MINUTE);
  assert.equal(lab.passed('canary'), 'v2');
});

test('abort, then silence: nothing starts, nothing is counted, nothing goes back', () => {
  const lab = new Lab(RINGS, ROLLBACK, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  assert.equal(lab.order({ kind: 'abort' }), undefined);
  lab.offline('c1');
  lab.pass(HOUR);
  lab.online('c1');
  lab.pass(3 * HOUR);
  assert.equal(lab.phase('v2'), 'Aborted');
  assert.deepEqual(lab.started('v2'), RINGS.canary);
  assert.deepEqual(lab.happened('rollbackStarted'), []);
  assert.match(lab.states.c2!, /^v2/);
  lab.commit('v3', all('c'));
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v3'), JSON.stringify(lab.states));
});

test('a canary relabelled to broad keeps what it runs until broad has passed that', () => {
  const lab = new Lab(
    RINGS,
    { stages: [ring('canary', { after: [{ soak: '1h' }] }), ring('early'), ring('broad')] },
    all('a'),
  );
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  lab.relabel('c1', 'broad');
  lab.pass(30 * MINUTE);
  assert.equal(lab.states.c1, 'v2 Current');
  lab.pass(2 * HOUR);
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
});

test('canary and early swapped mid-way: nothing goes backwards, and the line ends', () => {
  const lab = new Lab(
    RINGS,
    { stages: [ring('canary', { after: [{ soak: '1h' }] }), ring('early'), ring('broad')] },
    all('a'),
  );
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  lab.strategy({ stages: [ring('early'), ring('canary', { after: [{ soak: '1h' }] }), ring('broad')] });
  lab.pass(3 * HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
  assert.ok(!lab.world.events.some(({ what }) => what === 'recalled' || what === 'rolledBack'));
});

test('a version that only deselects travels the stages, and the removed are its evidence', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  const { c1: _c1, p1: _p1, ...rest } = all('a');
  lab.commit('v2', rest);
  assert.equal(lab.target('c1')?.run?.digest, null);
  assert.equal(lab.target('p1')?.run?.digest, 'a');
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.equal(lab.target('c1'), undefined);
  assert.equal(lab.target('p1'), undefined);
});

test('a broad cluster held and released mid-flight gets a new attempt, and the stage goes on meanwhile', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(45_000);
  lab.fleet({ kind: 'hold', cluster: 'p1', by: 'bob', until: lab.world.now + 2 * HOUR });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  assert.notEqual(lab.states.p1, 'v2 Current');
  lab.pass(2 * HOUR);
  assert.equal(lab.states.p1, 'v2 Current');
});

test('unpin while a new version works makes the cluster a target of that', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.order({ kind: 'pin', whom: { cluster: 'p1' }, revision: 'v1', reason: 'customer demo' });
  lab.commit('v2', all('b'));
  lab.pass(65_000);
  assert.equal(lab.target('p1')?.state, 'Blocked');
  lab.order({ kind: 'unpin', whom: { cluster: 'p1' } });
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
});

test('after a pause a commit to something else starts nothing; the fix starts canary', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.fails('b', 'c1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.commit('v3', all('b', { p1: 'other' }));
  lab.pass(HOUR);
  assert.deepEqual(lab.started('v3'), []);
  assert.equal(lab.phase('v2'), 'Paused');
  lab.commit('v4', all('c'));
  assert.deepEqual(lab.started('v4'), RINGS.canary);
});

test('after a rollback a commit to something else starts nothing; the fix starts canary', () => {
  const lab = new Lab(RINGS, ROLLBACK, all('a'));
  lab.fails('b', 'p1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  assert.ok(runs(lab, 'v1'), JSON.stringify(lab.states));
  const back = lab.happened('rolledBack').map(({ cluster }) => cluster);
  assert.equal(back[0], 'p1', 'the last stage goes first');
  assert.deepEqual(back.slice(-3), RINGS.canary);
  lab.commit('v3', all('b', { p2: 'other' }));
  lab.pass(HOUR);
  assert.deepEqual(lab.started('v3'), []);
  lab.commit('v4', all('c'));
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v4'), JSON.stringify(lab.states));
});

test('canaries that all go silent after a change never let it leave canary', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  for (const cluster of RINGS.canary) lab.plays.set(`${cluster}@b`, 'silent');
  lab.commit('v2', all('b'));
  lab.pass(1_000);
  lab.offline('c1', 'c2');
  lab.pass(24 * HOUR);
  assert.deepEqual(lab.started('v2'), RINGS.canary);
  assert.equal(lab.phase('v2'), 'Paused');
});

test('a cluster that comes back after a rollback is brought back as well', () => {
  const lab = new Lab(RINGS, ROLLBACK, all('a'));
  lab.fails('b', 'p1');
  lab.commit('v2', all('b'));
  lab.pass(45_000);
  lab.offline('c1');
  lab.pass(2 * HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  lab.online('c1');
  lab.pass(MINUTE);
  assert.equal(lab.states.c1, 'v1 Current');
});

test('too many lost at once is the bus: nobody is judged, nothing passes, and it goes on when they return', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(5_000);
  lab.offline('c1', 'c2', 'p1', 'p2');
  assert.equal(lab.happened('busHeld').length, 1);
  lab.pass(5 * HOUR);
  assert.deepEqual(lab.happened('failed'), []);
  assert.equal(lab.passed('canary'), 'v1');
  lab.online('c1', 'c2', 'p1', 'p2');
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v2'), JSON.stringify(lab.states));
});

test('a regression after the stage has passed pauses; resume accepts it', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(30_000);
  lab.order({ kind: 'pause' });
  lab.world.agents.say('c1', 'app', 'failed', 'CrashLoopBackOff');
  lab.pass(15 * MINUTE);
  assert.equal(lab.happened('regressed').length, 1);
  assert.equal(lab.passed('canary'), 'v1');
  assert.equal(lab.order({ kind: 'resume' }), undefined);
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a regression in a later stage pauses that one; stages before it keep the version, and take the fix', () => {
  const lab = new Lab(RINGS, { ...PAUSE, regression: { window: '12h' } }, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(2 * HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
  lab.world.agents.say('e1', 'app', 'failed', 'CrashLoopBackOff');
  lab.pass(15 * MINUTE);
  assert.equal(lab.happened('paused').length, 1);
  assert.equal(lab.phase('v2'), 'Paused');
  lab.pass(2 * HOUR);
  for (const name of ALL) assert.ok(lab.states[name]?.startsWith('v2 '), `${name}: ${lab.states[name]}`);
  for (const name of RINGS.canary) assert.equal(lab.states[name], 'v2 Current');
  lab.plays.set('e1@c', [{ afterMs: 1_000, phase: 'current' }]);
  lab.commit('v3', all('c'));
  lab.pass(HOUR);
  assert.equal(lab.passed('canary'), 'v3');
  assert.equal(lab.states.c1, 'v3 Current');
  assert.ok(lab.states.e2?.startsWith('v2 '), lab.states.e2);
  assert.equal(lab.order({ kind: 'resume' }), undefined);
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v3'), JSON.stringify(lab.states));
});

test('a cluster that is held is no regression, however long it says so; released, it is watched again', () => {
  const lab = new Lab(RINGS, ROLLBACK, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(30_000);
  lab.order({ kind: 'pause' });
  lab.fleet({ kind: 'hold', cluster: 'c1', by: 'bob', reason: 'disk' });
  lab.world.agents.say('c1', 'app', 'verifying', 'held by the hub');
  lab.pass(HOUR);
  assert.deepEqual(lab.happened('regressed'), []);
  lab.fleet({ kind: 'release', cluster: 'c1', by: 'bob' });
  lab.world.agents.say('c1', 'app', 'failed', 'CrashLoopBackOff');
  lab.pass(15 * MINUTE);
  assert.equal(lab.happened('regressed').length, 1);
});

test('a version denied while the next one was in canary: the next one stays there, and says why', () => {
  const gate = { approval: { groups: ['ops'] } };
  const lab = new Lab(
    RINGS,
    { stages: [ring('canary'), ring('early', { before: [gate] }), ring('broad')] },
    all('a'),
  );
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  const { c1: _c1, ...without } = all('b');
  lab.commit('v3', without);
  lab.pass(5_000);
  assert.equal(lab.order({ kind: 'deny', stage: 'early', groups: ['ops'], reason: 'no' }), undefined);
  lab.pass(HOUR);
  assert.equal(lab.passed('canary'), 'v3');
  assert.equal(lab.phase('v3'), 'Running');
  assert.deepEqual(lab.words(), [
    'early: v3 brings content that was rejected; retry or a commit that changes it goes on',
  ]);
});

test('two stages that fail at the same moment are rolled back one after the other, and no step leaves work undone', () => {
  const lab = new Lab(RINGS, ROLLBACK, all('a'));
  const laws = new Laws();
  lab.world.watch = (step) => laws.check(step);
  lab.fails('b', 'c1');
  lab.fails('c', 'e2');
  lab.commit('v2', all('c'));
  lab.commit('v3', all('b'));
  lab.pass(HOUR);
  const ended = lab.happened('rollbackEnded').map(({ revision }) => revision);
  assert.deepEqual(ended, ['v3', 'v2']);
  assert.ok(runs(lab, 'v1'), JSON.stringify(lab.states));
  assert.deepEqual(lab.words(), ['v3 was rolled back; retry or a newer commit goes on']);
});

test('content that is rejected while a later stage is at work on it is not waited for: what is newer goes on', () => {
  const gated = ring('early', { before: [{ approval: { groups: ['ops'] } }] });
  const lab = new Lab(
    RINGS,
    { stages: [ring('canary'), gated, ring('broad', { maxConcurrent: 1 })] },
    all('a'),
  );
  const act = (kind: 'approve' | 'deny') => lab.order({ kind, stage: 'early', groups: ['ops'] });
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  act('approve');
  lab.plays.set('p1@b', [{ afterMs: 8 * MINUTE, phase: 'current' }]);
  lab.commit('v3', all('b', { c1: 'c', e1: 'c' }));
  lab.pass(5 * MINUTE);
  assert.equal(act('deny'), undefined);
  lab.pass(24 * HOUR);
  assert.deepEqual(
    lab.words().at(0),
    'broad: the content for p2 was rejected; retry or a commit that changes it goes on',
  );
  lab.commit('v4', all('d'));
  lab.pass(MINUTE);
  act('approve');
  lab.pass(HOUR);
  assert.ok(runs(lab, 'v4'), JSON.stringify(lab.states));
});
