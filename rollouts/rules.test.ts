import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

/** Rules of design/30 of which no history speaks: each would go unseen if it were dropped. */
const RINGS = { canary: ['c1', 'c2', 'c3'], early: ['e1', 'e2'], broad: ['p1', 'p2'] };
const STAGES = [ring('canary'), ring('early'), ring('broad')];
const PAUSE = { stages: STAGES };
const ALL = Object.values(RINGS).flat();
const GATE = { approval: { groups: ['ops'] } };
const all = (digest: string, but: Record<string, string> = {}) => ({
  ...Object.fromEntries(ALL.map((name) => [name, digest])),
  ...but,
});

test('a deadline counts only time in which the hub was there to hear', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.plays.set('c1', [{ afterMs: 1_000, phase: 'applying' }]);
  lab.commit('v2', all('b'));
  lab.pass(5 * MINUTE);
  lab.world.counting = false;
  lab.refresh();
  lab.pass(3 * HOUR);
  lab.world.counting = true;
  lab.refresh();
  lab.pass(9 * MINUTE);
  assert.equal(lab.target('c1')?.state, 'Applying');
  lab.pass(2 * MINUTE);
  assert.equal(lab.target('c1')?.state, 'Failed');
});

test('what is frozen does not start, and holds its stage up until it may', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  const whom = { cluster: 'c1' };
  lab.fleet({ kind: 'freeze', whom, by: 'bob', reason: 'a sale' });
  lab.commit('v2', all('b'));
  lab.pass(3 * HOUR);
  assert.deepEqual(lab.started('v2'), ['c2', 'c3']);
  assert.equal(lab.passed('canary'), 'v1');
  lab.fleet({ kind: 'unfreeze', whom, by: 'bob' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a cluster that was unwell before fails without being counted', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.world.agents.say('c1', 'app', 'failed', 'disk full');
  lab.world.settle();
  lab.pass(HOUR);
  lab.fails('b', 'c1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.target('c1')?.state, 'Failed');
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a rollback goes back behind every version that gives a failed cluster what failed there', () => {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { action: 'rollback' } }, all('a'));
  const whom = { selector: { matchLabels: { ring: 'broad' } } };
  lab.fleet({ kind: 'freeze', whom, by: 'bob', reason: 'later' });
  lab.fails('b', 'p1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.passed('early'), 'v2');
  lab.commit('v3', all('b', { c1: 'c' }));
  lab.pass(HOUR);
  assert.equal(lab.passed('early'), 'v3');
  lab.fleet({ kind: 'unfreeze', whom, by: 'bob' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'RolledBack');
  for (const name of ALL) assert.equal(lab.target(name)?.run?.digest, 'a', name);
  assert.deepEqual([lab.passed('canary'), lab.passed('early')], ['v1', 'v1']);
});

test('an approval that names another version than the one that waits counts for nothing', () => {
  const gated = ring('early', { before: [{ approval: { groups: ['oncall'] } }] });
  const lab = new Lab(RINGS, { stages: [ring('canary'), gated, ring('broad')] }, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  const approve = { kind: 'approve', stage: 'early', groups: ['oncall'] } as const;
  assert.equal(lab.order({ ...approve, version: 'v1' })?.code, 'nothing-waits');
  lab.pass(HOUR);
  assert.equal(lab.passed('early'), 'v1');
  assert.equal(lab.order({ ...approve, version: 'v2' }), undefined);
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a removal is soaked as every other change is', () => {
  const stages = [ring('canary', { after: [{ soak: '30m' }] }), ring('early'), ring('broad')];
  const lab = new Lab(RINGS, { stages }, all('a'));
  lab.pass(HOUR);
  lab.commit('v2', { p1: 'a' });
  lab.pass(20 * MINUTE);
  for (const name of RINGS.canary) assert.equal(lab.target(name)?.state, 'Removed', name);
  assert.equal(lab.passed('canary'), 'v1');
  lab.pass(15 * MINUTE);
  assert.equal(lab.passed('canary'), 'v2');
});

test('a soak is not cut short when those leave who have become Current', () => {
  const stages = [ring('canary', { after: [{ soak: '30m' }] }), ring('early'), ring('broad')];
  const lab = new Lab({ ...RINGS, canary: ['c1'] }, { stages }, all('a'));
  lab.pass(HOUR);
  lab.commit('v2', all('b'));
  lab.pass(10 * MINUTE);
  lab.relabel('c1', 'broad');
  lab.pass(15 * MINUTE);
  assert.equal(lab.passed('canary'), 'v1');
  lab.pass(10 * MINUTE);
  assert.equal(lab.passed('canary'), 'v2');
});

test('a cluster is not pinned to what was rejected there, until somebody retries it', () => {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { action: 'rollback' } }, all('a'));
  lab.fails('b', 'c1', 'c2', 'c3');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  const refused = lab.order({ kind: 'pin', whom: { cluster: 'c1' }, revision: 'v2' });
  assert.equal(refused?.code, 'rejected');
  assert.match(
    refused.message,
    /^what v2 gives c1 was rejected: `flotilla rollout retry app@v2` lifts that$/,
  );
  assert.deepEqual(lab.line().pins, []);
  lab.plays.clear();
  assert.equal(lab.order({ kind: 'retry', version: 'v2' }), undefined);
  assert.equal(lab.order({ kind: 'pin', whom: { cluster: 'c1' }, revision: 'v2' }), undefined);
  lab.pass(MINUTE);
  assert.equal(lab.target('c1')?.run?.digest, 'b');
});

test('what was turned down is pinned nowhere that it had not come to, and stays where it had', () => {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { action: 'rollback' } }, all('a'));
  const pin = (name: string, revision: string) =>
    lab.order({ kind: 'pin', whom: { cluster: name }, revision });
  lab.fails('b1', 'c1');
  lab.commit('v2', all('b', { c1: 'b1' }));
  assert.equal(pin('c2', 'v2'), undefined, 'it works on it');
  assert.equal(pin('p1', 'v2'), undefined, 'nothing speaks against it yet');
  lab.offline('p2');
  assert.equal(pin('p2', 'v2'), undefined);
  lab.pass(HOUR);
  assert.equal(lab.phase('v2'), 'RolledBack');
  assert.deepEqual([lab.target('c2')?.run?.digest, lab.target('p1')?.run?.digest], ['b', 'b']);
  assert.equal(lab.order({ kind: 'unpin', whom: { cluster: 'c2' } }), undefined);
  assert.equal(pin('p1', 'v2'), undefined, 'it has it: nothing starts');

  // Content that failed nowhere, of a version that was rolled back before it came there.
  lab.online('p2');
  lab.pass(HOUR);
  assert.equal(lab.target('p2')?.run?.digest, 'a');
  for (const name of ['c1', 'c2', 'c3', 'e1']) assert.equal(pin(name, 'v2')?.code, 'rejected', name);
  const many = lab.order({ kind: 'pin', whom: { selector: {} }, revision: 'v2' });
  assert.match(
    many?.message ?? '',
    /^what v2 gives c1, c2, c3 and 3 more was rejected: .*; or pin the others/,
  );
  assert.equal(pin('e1', 'v1'), undefined);
});

test('a hold stops a pin under way, which starts anew when it is released', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.plays.set('p1@a', 'silent');
  assert.equal(lab.order({ kind: 'pin', whom: { cluster: 'p1' }, revision: 'v1' }), undefined);
  const { attempt } = lab.target('p1')!.run!;
  lab.fleet({ kind: 'hold', cluster: 'p1', by: 'bob', reason: 'a look' });
  lab.pass(HOUR);
  assert.equal(lab.target('p1')?.run?.phase, 'stopped', 'neither failed nor in a slot');
  lab.plays.clear();
  lab.fleet({ kind: 'release', cluster: 'p1', by: 'bob' });
  lab.pass(MINUTE);
  const { run } = lab.target('p1')!;
  assert.deepEqual([run?.digest, run?.phase], ['a', 'current']);
  assert.ok(run!.attempt > attempt);
});

test('what was aborted or has regressed is pinned to nobody else, and told how it would be', () => {
  const lab = new Lab(RINGS, { stages: STAGES.with(1, ring('early', { before: [GATE] })) }, all('a'));
  const pin = (name: string, revision: string) =>
    lab.order({ kind: 'pin', whom: { cluster: name }, revision })?.message ?? 'done';
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  assert.equal(lab.order({ kind: 'abort' }), undefined);
  assert.match(pin('p1', 'v2'), /what v2 gives p1 was aborted: `flotilla rollout retry app@v2` lifts that/);
  assert.equal(pin('c1', 'v2'), 'done', 'it kept it');
  assert.equal(lab.order({ kind: 'unpin', whom: { cluster: 'c1' } }), undefined);

  lab.commit('v3', all('c'));
  lab.pass(MINUTE);
  for (const name of RINGS.canary) lab.world.agents.say(name, 'app', 'failed', 'CrashLoopBackOff');
  lab.pass(HOUR);
  assert.match(lab.words().join(), /regression/);
  assert.match(
    pin('p1', 'v3'),
    /what v3 gives p1 has regressed: `flotilla rollout resume app@v3` accepts that/,
  );
  assert.equal(lab.order({ kind: 'resume', version: 'v3' }), undefined);
  assert.equal(pin('p1', 'v3'), 'done');
});

test('a stage that is frozen and lacks approvals says both, until they are given', () => {
  const gate = { before: [{ approval: { groups: ['ops'], count: 2 } }] };
  const lab = new Lab({ canary: ['c1'] }, { stages: [ring('canary', gate)] }, { c1: 'a' });
  lab.fleet({ kind: 'freeze', whom: { selector: {} }, by: 'bob', reason: 'a sale' });
  lab.commit('v2', lab.all('b'));
  lab.pass(MINUTE);
  const frozen = 'waiting for 1 of 1 clusters in canary: c1 Waiting 60s (frozen by bob: a sale)';
  assert.deepEqual(lab.words(), [`${frozen}; and for 2 approvals by ops`]);
  lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] }, 'ann');
  assert.deepEqual(lab.words(), [`${frozen}; and for 2 approvals by ops (1 given)`]);
  lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] }, 'carol');
  assert.deepEqual(lab.words(), [frozen]);
});

test('what is frozen is said to be where it is waited for', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.fleet({ kind: 'freeze', whom: { cluster: 'c1' }, by: 'bob', reason: 'a sale' });
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  assert.match(lab.words().join(), /1 of 3 clusters in canary: c1 Waiting 60s \(frozen by bob: a sale\)/);
});

test('a stage in which nothing changes passes at once, without time and without evidence', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.commit('v2', all('a', { e1: 'b', e2: 'b' }));
  assert.equal(lab.passed('canary'), 'v2');
  assert.deepEqual(lab.started('v2'), ['e1', 'e2']);
});

test('a stage wants so many to have become Current as the strategy says, not only one', () => {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { minCurrent: 2 } }, all('a'));
  lab.offline('c2');
  lab.pass(20 * MINUTE);
  lab.offline('c3');
  lab.pass(20 * MINUTE);
  lab.commit('v2', all('b'));
  lab.pass(3 * HOUR);
  assert.equal(lab.passed('canary'), 'v1');
  assert.match(lab.waiting('canary'), /no evidence in canary: 1 of 2 became Current/);
  lab.online('c2');
  lab.pass(HOUR);
  assert.equal(lab.passed('canary'), 'v2');
});

test('clusters that are pinned move in the slots of their stage', () => {
  const stages = [ring('canary'), ring('early'), ring('broad', { maxConcurrent: 1 })];
  const lab = new Lab(RINGS, { stages }, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  lab.world.maxInFlight.clear();
  const whom = { selector: { matchLabels: { ring: 'broad' } } };
  assert.equal(lab.order({ kind: 'pin', whom, revision: 'v1', reason: 'demo' }), undefined);
  lab.pass(HOUR);
  for (const name of RINGS.broad) assert.equal(lab.target(name)?.run?.digest, 'a', name);
  assert.equal(lab.world.maxInFlight.get('app/broad'), 1);
});

test('who says Current of other content, by the attempt that was given, has not arrived', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.plays.set('c1@b', 'silent');
  lab.commit('v2', all('b'));
  const { attempt } = lab.target('c1')!.run!;
  lab.world.agents.sayStale('c1', 'app', { attempt, phase: 'current', digest: 'a' });
  lab.pass(5 * MINUTE);
  assert.equal(lab.target('c1')?.state, 'Applying');
  assert.equal(lab.passed('canary'), 'v1');
});

test('a failure holds later stages too, in the middle of what they work on', () => {
  const stages = [ring('canary'), ring('early'), ring('broad', { maxConcurrent: 1 })];
  const lab = new Lab(RINGS, { stages }, all('a'));
  lab.fails('c', 'c1');
  lab.plays.set('p1@b', [{ afterMs: 5 * MINUTE, phase: 'current' }]);
  lab.commit('v2', all('b'));
  lab.pass(50_000);
  lab.commit('v3', all('c'));
  lab.pass(HOUR);
  assert.deepEqual([lab.target('p1')?.run?.digest, lab.target('p2')?.run?.digest], ['b', 'a']);
});

test('while the bus is held nothing starts, not even where somebody can be reached', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.offline('c1', 'e1', 'e2', 'p1');
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  assert.deepEqual(lab.started('v2'), []);
});

test('while the bus is held no stage passes, whoever has arrived', () => {
  const stages = [ring('canary', { after: [{ soak: '5m' }] }), ring('early'), ring('broad')];
  const lab = new Lab(RINGS, { stages }, all('a'));
  lab.commit('v2', all('b'));
  lab.pass(2 * MINUTE);
  lab.offline('e1', 'e2', 'p1');
  lab.pass(HOUR);
  assert.equal(lab.passed('canary'), 'v1');
});

test('clusters lost while the bus is held belong to it: one that returns does not end it', () => {
  const lab = new Lab(RINGS, PAUSE, all('a'));
  lab.pass(MINUTE);
  lab.offline('c1', 'c2', 'c3');
  lab.offline('e1');
  assert.ok(lab.line().bus);
  lab.online('c1');
  assert.deepEqual(lab.line().bus?.lost, ['c1', 'c2', 'c3', 'e1']);
  assert.deepEqual(lab.happened('busBack'), []);
  lab.online('c2');
  assert.equal(lab.line().bus, undefined);
});
