import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import type { RolloutBook } from './book.ts';
import { auditOf } from './testing/lab-audit.ts';
import { bookOf } from './testing/lab-book.ts';

test('a hub that begins anew knows from the audit when stages began and passed, and who approved', () => {
  const spec = { stages: [ring('canary'), ring('broad', { before: [{ approval: { groups: ['ops'] } }] })] };
  const lab = new Lab({ canary: ['c1'], broad: ['p1', 'p2'] }, spec, { c1: 'a', p1: 'a', p2: 'a' });
  const shown = bookOf(lab);
  const audit = auditOf(lab);
  lab.commit('v2', lab.all('b'));
  lab.pass(5 * MINUTE);
  const approve = { kind: 'approve', stage: 'broad', groups: ['ops'], reason: 'ok', version: 'v2' } as const;
  audit.order({ ...approve, groups: ['dev'] }, 'eve');
  audit.order(approve);
  lab.pass(HOUR);

  const known = shown.sync();
  const again = audit.begun();
  const row = again.rollout('app', 'v2')!;
  assert.deepEqual(row, known.rollout('app', 'v2'));
  assert.deepEqual(again.stages(row), known.stages(row));
  const [approval] = again.approvals();
  assert.deepEqual([approval?.state, approval?.decisions.map(({ by }) => by)], ['APPROVED', ['alice']]);
  assert.ok(again.memory(row)!.events.every(({ cluster }) => cluster === undefined));
});

test('a hub that begins anew knows how many clusters each stage had brought along, also where it has gone on since', () => {
  const rings = { canary: ['c1', 'c2'], early: ['e1', 'e2', 'e3'], broad: ['p1'] };
  const stages = [ring('canary'), ring('early', { after: [{ soak: '30m' }] }), ring('broad')];
  const names = Object.values(rings).flat();
  const lab = new Lab(
    rings,
    { stages, failure: { maxFailed: 1 } },
    Object.fromEntries(names.map((name) => [name, 'a'])),
  );
  const shown = bookOf(lab);
  const audit = auditOf(lab);
  lab.fails('b', 'e1');
  lab.commit('v2', { ...lab.all('b'), c2: 'a' });
  lab.pass(20 * MINUTE);
  lab.commit('v3', lab.all('c'));
  lab.pass(5 * MINUTE);
  const far = (book: RolloutBook, version: string) =>
    ['canary', 'early', 'broad'].map((stage) => {
      const { current, failed } = book.stageProgress({ placement: 'app', version }, stage);
      return `${current} current, ${failed} failed`;
    });
  const midway = ['1 current, 0 failed', '2 current, 1 failed', '0 current, 0 failed'];
  assert.deepEqual(far(audit.begun(), 'v2'), midway);
  assert.deepEqual(far(audit.begun(), 'v3').slice(0, 1), ['2 current, 0 failed']);
  lab.pass(3 * HOUR);
  assert.equal(shown.rollout('v3').phase, 'Succeeded');
  assert.deepEqual(far(audit.begun(), 'v2'), [...midway.slice(0, 2), '1 current, 0 failed']);
  const { current, failed, total } = audit.begun().progress({ placement: 'app', version: 'v2' });
  assert.deepEqual([current, failed, total], [4, 1, 6], 'the unchanged one is listed, too');
});
