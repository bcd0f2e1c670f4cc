import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StageSpec } from '#proto/documents/strategy.ts';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import { auditOf } from './testing/lab-audit.ts';
import { bookOf } from './testing/lab-book.ts';

/** How a gate is told, in each way in which it can end. */
const APPROVAL = { approval: { groups: ['ops'] } };
const WEBHOOK = { webhook: { url: 'https://ci.example/ask', secret: 'ci' } };

function begin(gates: NonNullable<StageSpec['after']>) {
  const lab = new Lab(
    { canary: ['c1'], broad: ['p1'] },
    { stages: [ring('canary', { after: gates }), ring('broad')] },
    { c1: 'a', p1: 'a' },
  );
  const shown = bookOf(lab);
  const told = (version = 'v2') =>
    shown
      .sync()
      .gates(shown.rollout(version), 'canary')
      .map(({ kind, state, message }) => [kind, state, message ?? ''].join(' ').replace(/: soaks.*/, ''));
  lab.commit('v2', lab.all('b'));
  return { lab, shown, told };
}

test('a gate that somebody denied is told as denied, by whom and why, until it is tried again', () => {
  const { lab, told } = begin([APPROVAL]);
  lab.pass(MINUTE);
  assert.match(told()[0]!, /^APPROVAL WAITING/);
  lab.order({ kind: 'deny', stage: 'canary', groups: ['ops'], reason: 'errors rise' }, 'carol');
  lab.pass(MINUTE);
  assert.deepEqual(told(), ['APPROVAL DENIED by carol: errors rise']);
  lab.order({ kind: 'retry' });
  lab.pass(5 * MINUTE);
  assert.match(told()[0]!, /^APPROVAL WAITING/);
});

test('a webhook that says no has denied; one that does not answer is still waited for', () => {
  const { lab, told } = begin([WEBHOOK]);
  lab.world.answer = () => ({ says: 'no', message: 'error budget spent' });
  lab.pass(5 * MINUTE);
  assert.deepEqual(told(), ['WEBHOOK DENIED ci.example says no: error budget spent']);
  lab.order({ kind: 'abort' });
  lab.pass(MINUTE);
  assert.deepEqual(told(), ['WEBHOOK DENIED ci.example says no']);

  const silent = begin([WEBHOOK]);
  silent.lab.world.answer = () => ({ says: 'away' });
  silent.lab.pass(5 * MINUTE);
  assert.deepEqual(silent.told(), ['WEBHOOK WAITING ci.example does not answer']);
});

test('what an order skipped is told as skipped, also once the stage has passed; what had opened before is not', () => {
  const { lab, told } = begin([{ soak: '1m' }, APPROVAL, { soak: '3h' }]);
  lab.pass(5 * MINUTE);
  lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] });
  lab.pass(MINUTE);
  assert.match(told()[2]!, /^SOAK WAITING/);
  lab.order({ kind: 'pause', reason: 'look first' });
  lab.order({ kind: 'expedite', stages: ['canary'] });
  const expected = ['SOAK OPEN ', 'APPROVAL OPEN ', 'SOAK SKIPPED skipped by expedite'];
  assert.deepEqual(told(), expected);
  lab.order({ kind: 'resume' });
  lab.pass(HOUR);
  assert.deepEqual(told(), expected);
});

test('a revert needs no gates, and is told so', () => {
  const { lab, told } = begin([APPROVAL]);
  lab.pass(MINUTE);
  lab.commit('v3', lab.all('a'));
  lab.pass(5_000);
  assert.deepEqual(told('v3'), ['APPROVAL SKIPPED a revert needs none']);
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
  assert.deepEqual(told('v3'), ['APPROVAL SKIPPED a revert needs none']);
});

test('gates of a stage in which nothing changes are told as skipped, also by a hub that begins anew', () => {
  const { lab, told } = begin([APPROVAL]);
  lab.order({ kind: 'expedite', stages: ['canary'] });
  lab.pass(HOUR);
  const audit = auditOf(lab);
  lab.commit('v3', { c1: 'b', p1: 'c' });
  lab.pass(HOUR);
  assert.equal(lab.phase('v3'), 'Succeeded');
  assert.deepEqual(told('v3'), ['APPROVAL SKIPPED nothing changes here']);
  const book = audit.begun();
  const [gate] = book.gates(book.rollout('app', 'v3')!, 'canary');
  assert.deepEqual([gate?.state, gate?.message], ['SKIPPED', 'nothing changes here']);
});

test('a revert waits for no window, and is told so while it goes and afterwards', () => {
  const { lab, shown, told } = begin([]);
  lab.pass(HOUR);
  const stages = [ring('canary'), ring('broad')];
  lab.strategy({ stages, windows: [{ cron: '0 3 * * *', duration: '1h', timezone: 'UTC' }] });
  lab.commit('v3', lab.all('a'));
  lab.pass(5_000);
  assert.equal(shown.sync().stages(shown.rollout('v3'))[0]?.phase, 'Running');
  assert.deepEqual(told('v3'), ['WINDOW SKIPPED a revert needs none']);
  lab.pass(HOUR);
  assert.deepEqual(told('v3'), ['WINDOW SKIPPED a revert needs none']);
});
