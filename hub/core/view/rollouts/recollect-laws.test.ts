import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, ring } from '#rollouts/testing/lab.ts';
import fc from '#test/laws.ts';
import type { RolloutBook } from './book.ts';
import { isOver } from './line-view.ts';
import { auditOf } from './testing/lab-audit.ts';
import { bookOf } from './testing/lab-book.ts';

const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2', 'e3'], broad: ['p1', 'p2'] };
const STAGES = Object.keys(RINGS);
const NAMES = Object.values(RINGS).flat();
const ORDERS = ['abort', 'rollback', 'retry', 'resume', 'expedite', 'approve', 'deny'] as const;

const step = fc.oneof(
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(25_000, HOUR) }),
  fc.record({ do: fc.constant('commit' as const), digest: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ do: fc.constant('relabel' as const), cluster: fc.constantFrom(...NAMES) }),
  fc.record({ do: fc.constantFrom(...ORDERS), isNewest: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(lab: Lab, { order }: ReturnType<typeof auditOf>, one: Step): void {
  const versions = lab.versions();
  const newest = versions.at(-1)!;
  const { revision: named } = 'isNewest' in one && !one.isNewest ? (versions.at(-2) ?? newest) : newest;
  const work = lab.line().stages.find(({ name }) => name === 'early')?.work;
  switch (one.do) {
    case 'wait':
      lab.pass(one.ms);
      break;
    case 'relabel':
      lab.relabel(one.cluster, 'broad');
      break;
    case 'commit':
      if (newest.contents.get('c1')?.digest !== one.digest)
        lab.commit(`v${versions.length + 1}`, lab.all(one.digest));
      break;
    case 'approve':
    case 'deny':
      order({ kind: one.do, stage: 'early', groups: ['ops'], version: work?.version ?? named });
      break;
    case 'expedite':
      order({ kind: one.do, stages: ['early', 'canary'], version: named });
      break;
    default:
      order({ kind: one.do, version: named });
  }
}

/** All that is shown of what is over, but for single clusters. */
const ofOver = (book: RolloutBook) =>
  book
    .rollouts()
    // What ran before anybody looked, nobody has told of.
    .filter(({ phase, version }) => isOver(phase) && version !== 'v1')
    .map((row) => ({
      version: row.version,
      progress: book.progress(row),
      stages: book.stages(row).map(({ name, phase }) => [name, phase]),
      gates: STAGES.map((name) => book.gates(row, name).map(({ key, state }) => [key, state])),
    }));

test('a hub that begins shows of what is over what a hub shows that was there', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 10 }), fc.boolean(), fc.boolean(), (steps, rollsBack, asks) => {
      const gate = asks ? { before: [{ approval: { groups: ['ops'] } }] } : {};
      const stages = STAGES.map((name) => ring(name, { maxConcurrent: 1, ...(name === 'early' && gate) }));
      const action = rollsBack ? 'rollback' : 'pause';
      const had = Object.fromEntries(NAMES.map((name) => [name, 'a']));
      const lab = new Lab(RINGS, { stages, failure: { action } }, had);
      lab.fails('b', 'e2');
      const shown = bookOf(lab);
      const audit = auditOf(lab);
      for (const one of steps) {
        take(lab, audit, one);
        assert.deepEqual(ofOver(audit.begun()), ofOver(shown.sync()));
      }
    }),
    { numRuns: Number(process.env.FLOTILLA_RUNS ?? 200) },
  );
});
