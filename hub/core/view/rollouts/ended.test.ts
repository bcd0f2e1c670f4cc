import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import type { RolloutBook } from './book.ts';
import { auditOf } from './testing/lab-audit.ts';
import { bookOf } from './testing/lab-book.ts';

/** How far a rollout had come is told as it was when it ended, whatever came after it, also by a hub that has begun since. */
const RINGS = { canary: ['c1', 'c2', 'c3'], early: ['e1', 'e2'] };
const STAGES = [
  ring('canary', { maxConcurrent: 1 }),
  ring('early', { after: [{ approval: { groups: ['ops'] } }] }),
];

function begin(spec: Partial<RolloutStrategy['spec']> = {}) {
  const names = Object.values(RINGS).flat();
  const lab = new Lab(
    RINGS,
    { stages: STAGES, ...spec },
    Object.fromEntries(names.map((name) => [name, 'a'])),
  );
  const shown = bookOf(lab);
  const audit = auditOf(lab);
  return { lab, shown, audit };
}
type Begun = ReturnType<typeof begin>;

const far = (book: RolloutBook, version = 'v2') => {
  const row = { placement: 'app', version };
  const told = (counts: object) =>
    Object.entries(counts)
      .filter(([key, count]) => key !== 'total' && count > 0)
      .map(([key, count]) => `${count} ${key}`)
      .join(', ');
  const stages = ['canary', 'early'].map((stage) => `${stage}: ${told(book.stageProgress(row, stage))}`);
  return [...stages, told(book.progress(row))].join('; ');
};
const version = 'v2';

/** Phase, what leads to it, and the counts from then on. */
const ENDINGS: [
  phase: string,
  spec: Partial<RolloutStrategy['spec']>,
  lead: (all: Begun) => void,
  far: string,
][] = [
  [
    'Aborted',
    {},
    ({ lab, audit }) => {
      lab.pass(30_000);
      audit.order({ kind: 'abort', version });
    },
    'canary: 1 current, 1 applying; early: ; 1 current, 1 applying',
  ],
  [
    'Aborted',
    {},
    ({ lab, audit }) => {
      lab.pass(5 * MINUTE);
      audit.order({ kind: 'deny', version, stage: 'early', groups: ['ops'] });
    },
    'canary: 3 current; early: 2 current; 5 current',
  ],
  [
    'RolledBack',
    {},
    ({ lab, audit }) => {
      lab.pass(70_000);
      audit.order({ kind: 'rollback', version });
      lab.pass(HOUR);
    },
    'canary: 3 current; early: 2 applying; 3 current, 2 applying',
  ],
  [
    'RolledBack',
    { failure: { action: 'rollback' } },
    ({ lab }) => {
      lab.fails('b', 'e2');
      lab.pass(HOUR);
    },
    'canary: 3 current; early: 1 current, 1 failed; 4 current, 1 failed',
  ],
  [
    'Superseded',
    {},
    ({ lab }) => {
      lab.fails('b', 'c2');
      lab.pass(HOUR);
      lab.commit('v3', { ...lab.all('c'), c3: 'b' });
    },
    'canary: 1 current, 1 failed; early: ; 1 current, 1 failed',
  ],
  [
    'Succeeded',
    {},
    ({ lab, audit }) => {
      lab.offline('e2');
      lab.pass(HOUR);
      audit.order({ kind: 'approve', version, stage: 'early', groups: ['ops'] });
    },
    'canary: 3 current; early: 1 current, 1 offline; 4 current, 1 offline',
  ],
];
for (const [phase, spec, lead, expected] of ENDINGS)
  test(`${phase} stays at: ${expected}`, () => {
    const begun = begin(spec);
    const { lab, shown, audit } = begun;
    lab.commit(version, lab.all('b'));
    lead(begun);
    assert.equal(shown.rollout(version).phase, phase);
    const check = (when: string) => {
      assert.equal(far(shown.sync()), expected, when);
      assert.equal(far(audit.begun()), expected, `${when}, told by a hub that has begun since`);
    };
    check('when it ends');
    lab.plays.clear();
    lab.online('e2');
    lab.pass(HOUR);
    check('later');
    lab.commit('v4', lab.all('d'));
    lab.pass(30_000);
    audit.order({ kind: 'abort', version: 'v4' });
    lab.pass(HOUR);
    check('after another one was aborted');
    lab.relabel('c1', 'early');
    lab.leave('c3');
    lab.join('e9', 'early', 'e1');
    lab.pass(HOUR);
    check('after clusters came and went');
  });

test('what an order has a stage skip is known to a hub that has begun since, of every stage that it names', () => {
  const soaks = [ring('canary', { after: [{ soak: '1h' }] }), ring('early', { after: [{ soak: '1h' }] })];
  const { lab, shown, audit } = begin({ stages: soaks });
  lab.commit(version, lab.all('b'));
  lab.pass(MINUTE);
  audit.order({ kind: 'expedite', version, stages: ['early', 'canary'], skips: ['soak'] });
  lab.pass(MINUTE);
  const told = (book: RolloutBook) =>
    book.gates({ placement: 'app', version }, 'canary').map((one) => one.state);
  assert.deepEqual([told(shown.sync()), told(audit.begun())], [['SKIPPED'], ['SKIPPED']]);
});
