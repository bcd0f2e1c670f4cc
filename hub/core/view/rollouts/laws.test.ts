import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import fc from '#test/laws.ts';
import type { RolloutBook } from './book.ts';
import { isOver } from './line-view.ts';
import { type Progress, percentOf } from './progress.ts';
import { bookOf } from './testing/lab-book.ts';

const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2', 'e3'], broad: ['p1', 'p2'] };
const NAMES = Object.values(RINGS).flat();
const approval = { approval: { groups: ['ops'] } };

const step = fc.oneof(
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(25_000, 11 * MINUTE, HOUR) }),
  fc.record({ do: fc.constant('commit' as const), digest: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({
    do: fc.constantFrom('offline' as const, 'online' as const, 'leave' as const, 'hold' as const),
    cluster: fc.constantFrom(...NAMES),
  }),
  fc.record({
    do: fc.constantFrom('approve' as const, 'deny' as const, 'expedite' as const),
    stage: fc.constantFrom(...Object.keys(RINGS)),
  }),
  fc.record({
    do: fc.constantFrom(
      'pause' as const,
      'resume' as const,
      'retry' as const,
      'abort' as const,
      'rollback' as const,
    ),
  }),
  fc.record({
    do: fc.constant('relabel' as const),
    cluster: fc.constantFrom(...NAMES),
    stage: fc.constantFrom(...Object.keys(RINGS)),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(lab: Lab, one: Step): unknown {
  switch (one.do) {
    case 'wait':
      return lab.pass(one.ms);
    case 'commit':
      return lab.versions().at(-1)?.contents.get('c1')?.digest === one.digest
        ? undefined
        : lab.commit(`v${lab.versions().length + 1}`, lab.all(one.digest));
    case 'offline':
      return lab.offline(one.cluster);
    case 'online':
      return lab.online(one.cluster);
    case 'leave':
      return lab.leave(one.cluster);
    case 'relabel':
      return lab.world.snapshot.clusters.some(({ name }) => name === one.cluster)
        ? lab.relabel(one.cluster, one.stage)
        : undefined;
    case 'hold':
      return void lab.fleet({ kind: 'hold', cluster: one.cluster, by: 'bob' });
    case 'expedite':
      return void lab.order({ kind: 'expedite', stages: [one.stage] });
    case 'approve':
    case 'deny':
      return void lab.order({ kind: one.do, stage: one.stage, groups: ['ops'] });
    default:
      return void lab.order({ kind: one.do });
  }
}

test('whatever happens, what is shown adds up: counts, phases, gates, and words for whatever waits', () => {
  fc.assert(
    fc.property(
      fc.record({
        soaks: fc.boolean(),
        asks: fc.boolean(),
        rollsBack: fc.boolean(),
        most: fc.constantFrom(1, 3),
      }),
      fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('b', 'c')), { maxLength: 3 }),
      fc.array(step, { maxLength: 12 }),
      ({ soaks, asks, rollsBack, most }, bad, steps) => {
        const stages = Object.keys(RINGS).map((name) =>
          ring(name, {
            maxConcurrent: most,
            ...(soaks && { after: [{ soak: '10m' }] }),
            ...(asks && name === 'early' && { before: [approval] }),
          }),
        );
        const spec = { stages, ...(rollsBack && { failure: { action: 'rollback' as const } }) };
        const lab = new Lab(RINGS, spec, Object.fromEntries(NAMES.map((name) => [name, 'a'])));
        for (const [cluster, digest] of bad) lab.fails(digest, cluster);
        const shown = bookOf(lab);
        const ended = new Map<string, Progress>();
        for (const one of steps) {
          take(lab, one);
          checkAll(shown.sync());
          checkEnded(shown.sync(), ended);
        }
      },
    ),
    { numRuns: Number(process.env.FLOTILLA_RUNS ?? 300) },
  );
});

/** What is over stays as it was then, until it begins anew. */
function checkEnded(book: RolloutBook, ended: Map<string, Progress>): void {
  for (const row of book.rollouts()) {
    // What it ran before anybody looked, nobody has told of.
    if (!isOver(row.phase) || row.version === 'v1') ended.delete(row.version);
    else if (ended.has(row.version))
      assert.deepEqual(book.progress(row), ended.get(row.version), `${row.version}, ${row.phase}, has moved`);
    else ended.set(row.version, book.progress(row));
  }
}

function checkAll(book: RolloutBook): void {
  const rows = book.rollouts();
  assert.equal(new Set(rows.map(({ version }) => version)).size, rows.length);
  for (const row of rows) {
    const { total, ...counts } = book.progress(row);
    assert.equal(
      total,
      Object.values(counts).reduce((sum, one) => sum + one, 0),
    );
    const targets = book.targets(row);
    if (!isOver(row.phase)) assert.equal(total, targets.length);
    assert.equal(
      new Set(targets.map(({ cluster }) => cluster)).size,
      targets.length,
      'a cluster is listed once',
    );
    const percent = percentOf({ total, ...counts });
    assert.ok(percent >= 0 && percent <= 100);
    const words = book.waitingFor(row);
    assert.equal(words.length > 0, !isOver(row.phase), `${row.version} is ${row.phase}: ${words}`);
    if (!isOver(row.phase)) assert.equal(row.finishedAt, undefined);
    const stages = book.stages(row);
    if (row.phase === 'Succeeded')
      assert.ok(
        stages.every(({ phase }) => phase === 'Succeeded'),
        JSON.stringify(stages),
      );
    const eta = book.eta(row);
    assert.ok(eta === undefined || (!isOver(row.phase) && eta >= book.clock.now));
    for (const { name } of stages)
      for (const gate of book.gates(row, name))
        assert.ok(
          gate.opensAt === undefined || gate.state !== 'CLOSED',
          `${gate.kind} opens though it is not reached`,
        );
  }
  for (const cluster of NAMES) assert.ok(book.explain(cluster, 'app')!.steps.length > 0);
  for (const { state, decisions } of book.approvals())
    assert.ok(state !== 'APPROVED' || decisions.length > 0, 'approved by nobody');
}
