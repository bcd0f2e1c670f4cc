import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Refused } from './order.ts';
import type { Skip } from './state.ts';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

const approval = { groups: ['ops'], notAuthor: true, expires: '1h', count: 2 };
const gated = () => {
  const stages = [ring('canary', { before: [{ approval }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  lab.commit('v2', lab.all('b'), ['carol']);
  return lab;
};
/** A refusal says why, and changes nothing. */
function refused(lab: Lab, act: () => Refused['refused'] | undefined, code: string, says: RegExp): void {
  const before = JSON.stringify(lab.world.state.lines);
  const refusal = act();
  assert.equal(refusal?.code, code);
  assert.match(refusal.message, says);
  assert.equal(JSON.stringify(lab.world.state.lines), before);
}

test('an approval needs a stage that is there, a group, somebody else than the author, and each person once', () => {
  const lab = gated();
  const approve = (by: string, stage = 'canary', groups = ['ops']) =>
    lab.order({ kind: 'approve', stage, groups }, by);
  refused(lab, () => approve('alice', 'canry'), 'unknown-stage', /has no stage canry; it has canary, broad/);
  refused(lab, () => approve('alice', 'broad'), 'nothing-waits', /broad of app works on nothing/);
  refused(
    lab,
    () => approve('mallory', 'canary', ['dev']),
    'not-in-group',
    /none of the groups that may: ops/,
  );
  refused(lab, () => approve('carol'), 'own-commit', /carol wrote one of the commits/);
  assert.equal(approve('alice'), undefined);
  refused(lab, () => approve('alice'), 'already-approved', /alice has approved this already/);
  assert.match(lab.waiting('canary'), /2 approvals by ops \(1 given\)/);
  assert.equal(approve('bob'), undefined);
  assert.deepEqual(lab.started('v2'), ['c1']);
});

test('an approval that is not used in time expires; one that was used does not', () => {
  const lab = gated();
  const approve = (by: string) => lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] }, by);
  approve('alice');
  lab.pass(61 * MINUTE);
  approve('bob');
  assert.deepEqual(lab.started('v2'), []);
  assert.equal(approve('alice'), undefined);
  lab.pass(3 * HOUR);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('denied is aborted, and a finished rollout takes no commands', () => {
  const lab = gated();
  assert.equal(lab.order({ kind: 'deny', stage: 'canary', groups: ['ops'], reason: 'no' }), undefined);
  assert.equal(lab.phase('v2'), 'Aborted');
  refused(lab, () => lab.order({ kind: 'abort' }), 'finished', /nothing of app is under way: it is Aborted/);
  refused(lab, () => lab.order({ kind: 'resume' }), 'nothing-paused', /is not paused/);
  assert.equal(lab.order({ kind: 'retry' }), undefined);
  assert.equal(lab.phase('v2'), 'AwaitingApproval');
});

test('an expected phase that is over, and names that are not there, are refused', () => {
  const lab = gated();
  refused(
    lab,
    () => lab.order({ kind: 'abort', expectedPhase: 'Running' }),
    'wrong-phase',
    /is AwaitingApproval, not Running/,
  );
  refused(
    lab,
    () => lab.order({ kind: 'pin', whom: { cluster: 'x9' }, revision: 'v1' }),
    'unknown-cluster',
    /no cluster x9/,
  );
  refused(lab, () => lab.order({ kind: 'unpin', whom: { cluster: 'c1' } }), 'nothing-to-do', /no such pin/);
  refused(
    lab,
    () => lab.order({ kind: 'pause' }, 'alice', 'nothing'),
    'unknown-placement',
    /no placement nothing/,
  );
  refused(
    lab,
    () => lab.fleet({ kind: 'hold', cluster: 'x9', by: 'bob' }),
    'unknown-cluster',
    /no cluster x9/,
  );
  refused(
    lab,
    () => lab.fleet({ kind: 'release', cluster: 'c1', by: 'bob' }),
    'nothing-to-do',
    /c1 is not held/,
  );
});

test('a webhook is asked anew also where nothing had started between an abort and a retry', () => {
  const webhook = { url: 'https://gate.example/x', secret: 's' };
  const stages = [ring('canary', { before: [{ webhook }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  lab.world.answer = () => ({ says: 'no' });
  lab.commit('v2', lab.all('b'));
  lab.pass(MINUTE);
  assert.match(lab.waiting('canary'), /says no/);
  assert.equal(lab.order({ kind: 'abort' }), undefined);
  lab.world.answer = () => ({ says: 'yes' });
  assert.equal(lab.order({ kind: 'retry' }), undefined);
  lab.pass(MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a version that others have followed everywhere is not rolled back: nothing would go back, and much be rejected', () => {
  const stages = [ring('canary'), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  lab.commit('v3', { c1: 'c', p1: 'b' });
  lab.pass(HOUR);
  lab.commit('v4', lab.all('d'));
  lab.pass(HOUR);
  const back = (version: string) => lab.order({ kind: 'rollback', version });
  refused(lab, () => back('v2'), 'finished', /nothing has what v2 changed in app any more/);
  assert.equal(back('v4'), undefined);
  lab.pass(HOUR);
  assert.equal(back('v2'), undefined, 'p1 has it again');
  lab.pass(HOUR);
  assert.deepEqual([lab.target('c1')?.run?.digest, lab.target('p1')?.run?.digest], ['a', 'a']);
});

test('a retry lifts the pause of the version that is tried again, and of no other', () => {
  const stages = [ring('canary'), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  lab.fails('b', 'p1');
  lab.fails('c', 'c1');
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  lab.commit('v3', lab.all('c'));
  lab.pass(HOUR);
  assert.deepEqual([lab.phase('v2'), lab.phase('v3')], ['Paused', 'Paused']);
  const paused = lab.happened('paused').length;
  assert.equal(lab.order({ kind: 'retry', version: 'v2' }), undefined);
  lab.pass(HOUR);
  assert.equal(lab.happened('paused').length, paused, 'canary stays paused as it was');
  assert.deepEqual([lab.line().pauses.length, lab.line().pauses[0]?.version], [1, 'v3']);
});

test('what cannot be expedited says what the stage is doing instead, and changes nothing', () => {
  const stages = [ring('canary', { after: [{ soak: '30m' }] }), ring('early', { before: [{ approval }] })];
  const lab = new Lab({ canary: ['c1'], early: ['e1'] }, { stages }, { c1: 'a', e1: 'a' });
  const no = (stage: string, says: RegExp, version?: string, skip?: Skip) => {
    const [given, skips] = [version && { version }, skip && { skips: [skip] }];
    const act = () => lab.order({ kind: 'expedite', stages: [stage], ...given, ...skips });
    refused(lab, act, 'nothing-waits', says);
  };
  no('canary', /^canary of app is at work on nothing: it has passed v1$/);
  lab.commit('v2', lab.all('b'));
  no('early', /^early of app has not begun with v2 \(waiting for 1 of 1 clusters in canary: c1 Appl/, 'v2');
  no('canary', /^canary of app waits for no approval \(waiting for 1 of 1 clusters/, 'v2', 'approval');
  lab.pass(MINUTE);
  no('canary', /^canary of app waits for no window \(canary: soaking for 30m\)$/, undefined, 'window');
  assert.equal(
    lab.order({ kind: 'expedite', stages: ['canary'], version: 'v2', skips: ['soak'] }),
    undefined,
  );
  no('canary', /^canary of app has passed v2 already: it waits for nothing$/, 'v2');
  lab.commit('v3', lab.all('c'));
  no('canary', /^canary of app has passed v2 already/, 'v2');
  lab.order({ kind: 'approve', stage: 'early', groups: ['ops'] }, 'alice');
  lab.order({ kind: 'approve', stage: 'early', groups: ['ops'] }, 'bob');
  no('early', /^early of app waits for no approval \(waiting for 1 of 1 clusters in early/, 'v2', 'approval');
});

test('a webhook that says no keeps its gate shut until it is asked again', () => {
  const webhook = { url: 'https://gate.example/x', secret: 's' };
  const stages = [ring('canary', { after: [{ webhook }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  lab.world.answer = () => ({ says: 'no', message: 'freeze week' });
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  assert.match(lab.waiting('canary'), /gate.example says no: freeze week; retry asks again/);
  lab.world.answer = () => ({ says: 'yes' });
  assert.equal(lab.order({ kind: 'retry' }), undefined);
  lab.pass(MINUTE);
  assert.equal(lab.phase('v2'), 'Succeeded');
});

test('a webhook that says no, or never answers, holds up no newer version', () => {
  const webhook = { url: 'https://gate.example/x', secret: 's' };
  const stages = [ring('canary', { after: [{ webhook }] }), ring('broad')];
  for (const says of ['no', 'away'] as const) {
    const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
    lab.world.answer = () => ({ says });
    lab.commit('v2', lab.all('b'));
    lab.pass(HOUR);
    assert.match(lab.waiting('canary'), /retry asks again/);
    lab.world.answer = () => ({ says: 'yes' });
    lab.commit('v3', lab.all('c'));
    lab.pass(HOUR);
    assert.deepEqual([lab.phase('v2'), lab.phase('v3')], ['Superseded', 'Succeeded'], says);
  }
});

test('a newer version that waits is taken in the very step that hears a no', () => {
  const webhook = { url: 'https://gate.example/x', secret: 's' };
  const stages = [ring('canary', { after: [{ webhook }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  lab.world.answer = () => ({ says: 'no' });
  const together: string[][] = [];
  lab.world.watch = ({ advanced }) => {
    const whats = advanced.effects.events.map(({ what }) => what);
    if (whats.includes('gateDenied')) together.push(whats.filter((what) => what === 'stageTook'));
  };
  lab.commit('v2', lab.all('b'));
  lab.pass(5_000);
  lab.commit('v3', lab.all('c'));
  lab.pass(20_000);
  assert.deepEqual(together, [['stageTook']]);
});

test('a gate that shuts before somebody who is to try again holds up no newer version', () => {
  const webhook = { url: 'https://gate.example/x', secret: 's' };
  const stages = [ring('canary', { before: [{ webhook }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1', 'c2'], broad: ['p1'] }, { stages }, { c1: 'a', c2: 'a', p1: 'a' });
  lab.fails('b', 'c1');
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  lab.world.answer = () => ({ says: 'away' });
  assert.equal(lab.order({ kind: 'retry' }), undefined);
  lab.pass(MINUTE);
  assert.match(lab.waiting('canary'), /does not answer/);
  lab.world.answer = () => ({ says: 'yes' });
  lab.commit('v3', lab.all('c'));
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
});
