import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import { trailOf } from '../../audit.ts';
import { operationEntry } from '../../audit-entry.ts';
import type { AuditRow } from '../../audit-reader.ts';
import { RolloutBook } from './book.ts';
import { recollect } from './recollect.ts';
import { bookOf } from './testing/lab-book.ts';

test('a hub that begins anew knows from the audit when stages began and passed, and who approved', () => {
  const spec = { stages: [ring('canary'), ring('broad', { before: [{ approval: { groups: ['ops'] } }] })] };
  const lab = new Lab({ canary: ['c1'], broad: ['p1', 'p2'] }, spec, { c1: 'a', p1: 'a', p2: 'a' });
  const shown = bookOf(lab);
  const { watch } = lab.world;
  const audit: AuditRow[] = [];
  const store = (entry: Omit<AuditRow, 'sequence'>) => audit.push({ ...entry, sequence: audit.length });
  lab.world.watch = (step) => {
    watch?.(step);
    const audited = (fleet: typeof step.before) => ({ fleet, removals: {} });
    const trail = trailOf({
      before: audited(step.before),
      after: audited(step.advanced.state),
      events: step.advanced.effects.events,
      now: step.now,
    });
    for (const entry of trail.entries) store(entry);
  };
  lab.commit('v2', lab.all('b'));
  lab.pass(5 * MINUTE);
  const approve = { kind: 'approve', stage: 'broad', groups: ['ops'], reason: 'ok', by: 'alice' } as const;
  store({
    ...operationEntry('1', { placement: 'app', order: { ...approve, version: 'v2' } }, lab.world.now),
    result: 'done',
  });
  store({
    ...operationEntry(
      '2',
      { placement: 'app', order: { ...approve, by: 'eve', version: 'v2' } },
      lab.world.now,
    ),
    result: 'refused: eve is in none of the groups',
  });
  lab.order(approve);
  lab.pass(HOUR);

  const known = shown.sync();
  const again = new RolloutBook();
  again.set(lab.world.state, lab.world.facts, lab.world.now);
  again.tell(audit.flatMap((row) => recollect(row) ?? []));
  const row = again.rollout('app', 'v2')!;
  assert.deepEqual(row, known.rollout('app', 'v2'));
  assert.deepEqual(again.stages(row), known.stages(row));
  const [approval] = again.approvals();
  assert.deepEqual([approval?.state, approval?.decisions.map(({ by }) => by)], ['APPROVED', ['alice']]);
  assert.ok(again.memory(row)!.events.every(({ cluster }) => cluster === undefined));
});
