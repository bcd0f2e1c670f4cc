import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { advance } from '#rollouts/advance.ts';
import type { FleetFacts } from '#rollouts/facts.ts';
import type { FleetState } from '#rollouts/state.ts';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import { NO_TRAIL, type Step, trailOf } from './audit.ts';
import {
  type ApplyEntry,
  type AuditEntry,
  applyId,
  operationEntry,
  readApply,
  readEntry,
  writeMessage,
} from './audit-entry.ts';
import { historyOf, isAsked } from './audit-reader.ts';

const NO_REMOVALS = {};
type Spec = RolloutStrategy['spec'];
type Taken = { before: FleetState; facts: FleetFacts; now: number; only?: ReadonlySet<string> | undefined };

const stepOf = (before: FleetState, after: FleetState, events: Step['events'], now: number): Step => ({
  before: { fleet: before, removals: NO_REMOVALS },
  after: { fleet: after, removals: NO_REMOVALS },
  events,
  now,
});

/** A fleet whose every step is audited. */
function audited(rings: Record<string, string[]>, spec: Partial<Spec> = {}) {
  const names = Object.values(rings).flat();
  const contents = Object.fromEntries(names.map((name) => [name, 'a']));
  const stages = Object.keys(rings).map((name) => ring(name));
  const lab = new Lab(rings, { stages, ...spec }, contents);
  const entries: AuditEntry[] = [];
  const applies: (ApplyEntry & { sequence: number })[] = [];
  const steps: Taken[] = [];
  lab.world.watch = ({ before, facts, now, only, advanced }) => {
    steps.push({ before, facts, now, only });
    const trail = trailOf(stepOf(before, advanced.state, advanced.effects.events, now));
    entries.push(...trail.entries);
    for (const apply of trail.applies) applies.push({ ...apply, sequence: applies.length + 1 });
  };
  return { lab, entries, applies, steps };
}
const told = (entries: readonly AuditEntry[]) =>
  entries.map(({ action, stage, revision }) => [action, stage, revision].filter(Boolean).join(' '));
const short = ({ cluster, revision, result, startedAt, endedAt }: ApplyEntry) =>
  `${cluster} ${revision} ${result} ${Math.round((endedAt - startedAt) / 1_000)}s`;

test('a rollout is one entry for what each stage does, and one for each cluster when its attempt has ended', () => {
  const { lab, entries, applies } = audited({ canary: ['c1'], broad: ['p1', 'p2', 'p3'] });
  lab.commit('v2', lab.all('b'), ['ann']);
  lab.pass(HOUR);
  assert.deepEqual(told(entries), [
    'stageTook canary v2',
    'stageStarted canary v2',
    'stagePassed canary v2',
    'stageTook broad v2',
    'stageStarted broad v2',
    'stagePassed broad v2',
    'succeeded v2',
  ]);
  assert.deepEqual(applies.map(short), [
    'c1 v2 current 20s',
    'p1 v2 current 20s',
    'p2 v2 current 20s',
    'p3 v2 current 20s',
  ]);
  const [first] = historyOf(applies.filter(({ cluster }) => cluster === 'p1'));
  assert.deepEqual([first?.digest, first?.purpose, first?.stage], ['b', 'rollout', 'broad']);
});

test('the number of entries of a stage does not grow with its clusters', () => {
  const count = (clusters: number) => {
    const broad = Array.from({ length: clusters }, (_, at) => `p${at}`);
    const { lab, entries, applies } = audited({ canary: ['c1'], broad });
    lab.commit('v2', lab.all('b'));
    lab.pass(HOUR);
    assert.equal(applies.length, clusters + 1);
    return entries.length;
  };
  assert.equal(count(3), count(60));
});

test('a failure, the way back and what it led from are all there', () => {
  const { lab, entries, applies } = audited({ canary: ['c1', 'c2'] }, { failure: { action: 'rollback' } });
  lab.fails('b', 'c1');
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  assert.deepEqual(told(entries), [
    'stageTook canary v2',
    'stageStarted canary v2',
    'rollbackStarted canary v2',
    'rollbackEnded v2',
  ]);
  const history = (cluster: string) =>
    historyOf(applies.filter((one) => one.cluster === cluster)).map(
      ({ revision, purpose, result, message, from }) => ({ revision, purpose, result, message, from }),
    );
  assert.deepEqual(history('c1'), [
    { revision: 'v1', purpose: 'rollback', result: 'current', message: undefined, from: undefined },
    { revision: 'v2', purpose: 'rollout', result: 'failed', message: 'ImagePullBackOff', from: undefined },
  ]);
  assert.deepEqual(history('c2'), [
    { revision: 'v1', purpose: 'rollback', result: 'current', message: undefined, from: 'b' },
    { revision: 'v2', purpose: 'rollout', result: 'current', message: undefined, from: undefined },
  ]);
});

test('an attempt that was overtaken says so, one that was never taken up leaves nothing', () => {
  const { lab, applies, steps } = audited({ canary: ['c1'] });
  lab.plays.set('c1@b', [{ afterMs: 1_000, phase: 'applying' }]);
  lab.commit('v2', lab.all('b'));
  lab.pass(2_000);
  lab.order({ kind: 'abort' });
  lab.commit('v3', lab.all('c'));
  lab.pass(HOUR);
  assert.deepEqual(applies.map(short), ['c1 v2 superseded 2s', 'c1 v3 current 20s']);
  const { before } = steps.find(({ before: { lines } }) => lines.app?.targets.c1?.run?.phase === 'started')!;
  const line = before.lines.app!;
  const run = { ...line.targets.c1!.run!, phase: 'published' as const };
  const unheard = { ...before, lines: { app: { ...line, targets: { c1: { ...line.targets.c1!, run } } } } };
  const published = [{ what: 'published', placement: 'app', cluster: 'c1' }] as const;
  assert.equal(trailOf(stepOf(before, before, published, 9)).applies.length, 1);
  assert.equal(trailOf(stepOf(unheard, unheard, published, 9)).applies.length, 0);
});

test('a removal is told with its clusters, and ends as an attempt', () => {
  const { lab, entries, applies } = audited({ canary: ['c1', 'c2'] });
  lab.plays.set('c2@null', [{ afterMs: 5_000, phase: 'removed' }]);
  lab.commit('v2', { c1: 'a' });
  lab.pass(MINUTE);
  const removal = entries.find(({ kind }) => kind === 'removal');
  assert.deepEqual([removal?.action, removal?.count, removal?.clusters], ['removalStarted', 1, ['c2']]);
  assert.deepEqual(applies.map(short), ['c2 v2 removed 5s']);
  assert.equal(applies[0]?.digest, null);
});

test('a removal that is held, and one that is held no more, are told with the set', () => {
  const { lab } = audited({ canary: ['c1'] });
  const fleet = lab.world.state;
  const held = { setHash: 'r0123', leaving: 7, of: 10 };
  const step = (before: object, after: object): Step => ({
    before: { fleet, removals: before as never },
    after: { fleet, removals: after as never },
    events: [],
    now: 5,
  });
  const [one] = trailOf(step({}, { app: { held } })).entries;
  assert.deepEqual([one?.action, one?.reason, one?.count], ['removalHeld', 'r0123: 7 of 10 clusters', 7]);
  const [other] = trailOf(step({ app: { held } }, { app: {} })).entries;
  assert.deepEqual([other?.action, other?.reason], ['removalReleased', 'r0123']);
  assert.equal(trailOf(step({ app: { held } }, { app: { held } })), NO_TRAIL);
});

test('a freeze or a hold that ends by itself is told', () => {
  const { lab, entries } = audited({ canary: ['c1'] });
  const until = lab.world.now + MINUTE;
  const selector = { matchLabels: { ring: 'canary' } };
  lab.fleet({ kind: 'freeze', whom: { selector }, by: 'ann', reason: 'fair', until });
  lab.fleet({ kind: 'hold', cluster: 'c1', by: 'bob', reason: 'disk', until });
  lab.pass(HOUR);
  lab.refresh();
  assert.deepEqual(
    entries.map(({ action, cluster, selector, reason }) => [action, cluster ?? selector, reason]),
    [
      ['freezeEnded', 'ring=canary', 'ann: fair'],
      ['holdEnded', 'c1', 'bob: disk'],
    ],
  );
});

test('a step that is repeated later, from the state that was saved, leaves the same entries', () => {
  const { lab, steps } = audited(
    { canary: ['c1', 'c2'], broad: ['p1'] },
    { failure: { action: 'rollback' } },
  );
  lab.fails('b', 'c1');
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  lab.commit('v3', lab.all('c'));
  lab.pass(HOUR);
  let compared = 0;
  for (const { before, facts, now, only } of steps) {
    const ids = (at: number) => {
      const saved = JSON.parse(JSON.stringify(before)) as FleetState;
      const { state, effects } = advance(saved, facts, at, only);
      const { entries, applies } = trailOf(stepOf(saved, state, effects.events, at));
      return [...entries.map(({ id }) => id), ...applies.map(applyId)];
    };
    assert.deepEqual(ids(now + 1_500).slice(0, ids(now).length), ids(now));
    compared += ids(now).length;
  }
  assert.ok(compared > 15, `${compared} entries`);
});

test('no two entries of a history share an id unless they are the same', () => {
  const { lab, entries, applies } = audited({ canary: ['c1', 'c2'], broad: ['p1'] });
  lab.fails('b', 'c1');
  lab.commit('v2', lab.all('b'));
  lab.pass(10 * MINUTE);
  lab.order({ kind: 'retry' });
  lab.pass(10 * MINUTE);
  lab.plays.clear();
  lab.order({ kind: 'retry' });
  lab.pass(HOUR);
  const ids = [...entries.map(({ id }) => id), ...applies.map(applyId)];
  assert.equal(new Set(ids).size, entries.length + applies.length);
  assert.deepEqual(
    applies.filter(({ cluster }) => cluster === 'c1').map(({ result }) => result),
    ['failed', 'failed', 'current'],
  );
});

test('a gate that denies again after a retry, and a pause that expires again, are told again', () => {
  const webhook = { url: 'https://change-desk.example/', secret: 'change-desk' };
  const { lab, entries } = audited(
    { canary: ['c1'], broad: ['p1'] },
    { stages: [ring('canary', { after: [{ webhook }] }), ring('broad')] },
  );
  lab.world.answer = () => ({ says: 'away' });
  lab.commit('v2', lab.all('b'), ['ann']);
  lab.pass(MINUTE);
  for (let turn = 0; turn < 2; turn++) {
    assert.equal(lab.order({ kind: 'retry' }), undefined);
    assert.equal(lab.order({ kind: 'pause', until: lab.world.now + 1_000 }), undefined);
    lab.pass(5_000);
  }
  for (const [action, times] of [
    ['gateDenied', 3],
    ['resumed', 2],
  ] as const) {
    const ids = entries.filter((one) => one.action === action).map(({ id }) => id);
    assert.deepEqual([ids.length, new Set(ids).size], [times, times], action);
  }
});

test('an operation is told with whoever ordered it, what and why', () => {
  const approve = operationEntry(
    'op1',
    {
      placement: 'app',
      order: { kind: 'approve', stage: 'early', groups: ['ops'], by: 'ann', reason: 'ok', version: 'v2' },
    },
    7,
  );
  assert.deepEqual(approve, {
    id: 'op1',
    at: 7,
    kind: 'operation',
    by: 'ann',
    reason: 'ok',
    action: 'approve',
    placement: 'app',
    revision: 'v2',
    stage: 'early',
    groups: ['ops'],
  });
  const whom = { selector: { matchLabels: { env: 'prod' } } };
  const freeze = operationEntry('op2', { kind: 'freeze', whom, by: 'bob', until: 99 }, 8);
  assert.deepEqual([freeze.action, freeze.selector, freeze.until], ['freeze', 'env=prod', 99]);
  const pin = { kind: 'pin', whom: { cluster: 'c1' }, revision: 'v1', by: 'bob' } as const;
  const pinned = operationEntry('op3', { placement: 'app', order: pin }, 9);
  assert.deepEqual([pinned.cluster, pinned.revision], ['c1', 'v1']);
});

test('messages read back as they were written, and what is none is skipped', () => {
  const entry = operationEntry('op', { kind: 'hold', cluster: 'c1', by: 'ann' }, 1);
  assert.deepEqual(readEntry(writeMessage(entry)), entry);
  for (const wrong of ['', '{}', '[]', 'null', '{"v":2}', writeMessage(entry).replace('"v":1', '"v":2')])
    assert.deepEqual([readEntry(wrong), readApply('c', 'p', wrong)], [undefined, undefined]);
});

test('a question is about times, whoever did it, and what was done', () => {
  const entry = operationEntry('op', { kind: 'hold', cluster: 'c1', by: 'ann' }, 100);
  const { by: _by, ...ours } = entry;
  const asked = (one: AuditEntry, question: object) => isAsked(one, { first: 1, ...question });
  assert.ok(asked(entry, { since: 100, until: 101, actor: 'ann', actions: ['hold', 'release'] }));
  for (const not of [{ since: 101 }, { until: 100 }, { actor: 'bob' }, { actions: ['freeze'] }])
    assert.equal(asked(entry, not), false);
  assert.ok(asked(ours, { actor: 'flotilla' }));
});
