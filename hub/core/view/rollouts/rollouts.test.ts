import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import { aliasesOf, foldPhases } from './change.ts';
import { percentOf } from './progress.ts';
import { bookOf } from './testing/lab-book.ts';

const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2', 'e3'], broad: ['p1', 'p2'] };

/** Everybody runs v1 with digest a. */
function lab(stages: Parameters<typeof ring>[1][] = [], more: object = {}): Lab {
  const names = Object.keys(RINGS) as (keyof typeof RINGS)[];
  const spec = { stages: names.map((name, at) => ring(name, stages[at] ?? {})), ...more };
  return new Lab(
    RINGS,
    spec,
    Object.fromEntries(
      Object.values(RINGS)
        .flat()
        .map((name) => [name, 'a']),
    ),
  );
}

test('a good change is shown from stage to stage, with the times of each', () => {
  const fleet = lab([{ after: [{ soak: '10m' }] }]);
  const shown = bookOf(fleet);
  const start = fleet.world.now;
  fleet.commit('v2', fleet.all('b'));
  assert.equal(shown.rollout('v2').phase, 'Running');
  assert.deepEqual(shown.stages('v2'), ['canary Running', 'early Pending', 'broad Pending']);
  assert.deepEqual(shown.sync().waitingFor(shown.rollout('v2')), [
    'waiting for 2 of 2 clusters in canary: c1 Applying 0s, c2 Applying 0s',
  ]);
  const first = shown.sync().progress(shown.rollout('v2'));
  assert.deepEqual([first.total, first.applying, first.waiting, percentOf(first)], [7, 2, 5, 0]);

  fleet.pass(5 * MINUTE);
  assert.equal(shown.rollout('v2').phase, 'Soaking');
  const [soak] = shown.sync().gates(shown.rollout('v2'), 'canary');
  assert.deepEqual(
    [soak?.kind, soak?.state, soak?.opensAt],
    ['SOAK', 'WAITING', start + 20_000 + 10 * MINUTE],
  );
  fleet.pass(HOUR);
  const done = shown.rollout('v2');
  assert.deepEqual([done.phase, done.startedAt], ['Succeeded', start]);
  assert.equal(done.finishedAt, start + 10 * MINUTE + 60_000);
  const stages = shown.sync().stages(done);
  assert.deepEqual(
    stages.map(({ name, startedAt, passedAt }) => [name, startedAt! - start, passedAt! - start]),
    [
      ['canary', 0, 620_000],
      ['early', 620_000, 640_000],
      ['broad', 640_000, 660_000],
    ],
  );
  assert.equal(percentOf(shown.sync().progress(done)), 100);
  const whats = shown
    .sync()
    .memory(done)!
    .events.map(({ what }) => what);
  assert.equal(whats[0], 'stageTook');
  assert.equal(whats.at(-1), 'succeeded');
  assert.deepEqual(shown.sync().waitingFor(done), []);
});

test('a rollback lists whom it left what they have, and why', () => {
  const fleet = lab([], { failure: { action: 'rollback' } });
  const shown = bookOf(fleet);
  fleet.join('e4', 'early', 'none');
  fleet.fails('b', 'e1');
  fleet.commit('v2', fleet.all('b'));
  fleet.pass(HOUR);
  const over = shown.rollout('v2');
  assert.equal(over.phase, 'RolledBack');
  const why = 'nothing to go back to; what it has stays until a commit takes it away';
  for (const { targets } of [shown.sync(), bookOf(fleet).sync()].map((book) => ({
    targets: book.targets(over),
  })))
    assert.deepEqual(
      targets.filter(({ cluster }) => cluster === 'e4').map(({ state, message }) => [state, message]),
      [['Current', why]],
    );
});

test('a failed canary is shown with its clusters, the pause and the reason; then what put it right', () => {
  const fleet = lab();
  const shown = bookOf(fleet);
  fleet.fails('bad', 'c1', 'c2');
  fleet.commit('v2', fleet.all('bad'));
  fleet.pass(10 * MINUTE);
  const paused = shown.rollout('v2');
  assert.equal(paused.phase, 'Paused');
  assert.match(shown.sync().reason(paused)!, /2 failed in canary, 0 allowed: c1, c2/);
  const rows = shown
    .sync()
    .targets(paused)
    .filter(({ stage }) => stage === 'canary');
  assert.deepEqual(
    rows.map(({ cluster, state, message }) => [cluster, state, message]),
    [
      ['c1', 'Failed', 'ImagePullBackOff'],
      ['c2', 'Failed', 'ImagePullBackOff'],
    ],
  );
  fleet.commit('v3', fleet.all('good'));
  assert.deepEqual([shown.rollout('v2').phase, shown.rollout('v3').phase], ['Superseded', 'Running']);
  assert.deepEqual(shown.targets('v2'), { c1: 'Failed', c2: 'Failed' }, 'as it ended there');
  fleet.pass(HOUR);
  assert.equal(shown.rollout('v3').phase, 'Succeeded');
  assert.equal(shown.sync().previous(shown.rollout('v3')), 'v1');
});

test('a rollback is told with its reason, and what ended Failed stays listed', () => {
  const fleet = lab([], { failure: { action: 'rollback' } });
  const shown = bookOf(fleet);
  fleet.fails('bad', 'e2');
  fleet.commit('v2', fleet.all('bad'));
  fleet.pass(HOUR);
  const row = shown.rollout('v2');
  assert.equal(row.phase, 'RolledBack');
  assert.match(shown.sync().reason(row)!, /1 failed in early, 0 allowed: e2/);
  assert.equal(shown.targets('v2').e2, 'Failed');
  assert.deepEqual(shown.stages('v2'), ['canary RolledBack', 'early RolledBack', 'broad RolledBack']);
  const [words] = shown.sync().explain('p1', 'app')!.waitingFor;
  assert.match(words ?? '', /^$|was rolled back/);
  assert.match(shown.sync().explain('c1', 'app')!.steps.join('\n'), /a rollback brought it back/);
});

test('what nobody takes any more because a newer version went by is superseded, also where a stage had passed it', () => {
  const fleet = lab([{}, { before: [{ approval: { groups: ['ops'] } }] }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'));
  fleet.pass(5 * MINUTE);
  assert.equal(shown.rollout('v2').phase, 'AwaitingApproval');
  fleet.commit('v3', fleet.all('c'));
  fleet.pass(5 * MINUTE);
  assert.equal(shown.rollout('v2').phase, 'Superseded');
  assert.equal(shown.rollout('v3').phase, 'AwaitingApproval');
});

test('an approval is asked for, half given, given, and stays to be read with who gave it', () => {
  const gate = { approval: { groups: ['ops', 'leads'], count: 2, notAuthor: true, expires: '1h' } };
  const fleet = lab([{}, { before: [gate] }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'), ['eve']);
  fleet.pass(5 * MINUTE);
  const [asked] = shown.sync().approvals();
  assert.deepEqual(
    { ...asked, requestedAt: 0 },
    {
      kind: 'STAGE',
      state: 'PENDING',
      placement: 'app',
      stage: 'early',
      version: 'v2',
      gate: 'before/0',
      groups: ['ops', 'leads'],
      count: 2,
      authors: ['eve'],
      clusters: ['e1', 'e2', 'e3'],
      requestedAt: 0,
      expiresAt: undefined,
      decisions: [],
      reason: 'early of app wants 2 approvals by ops or leads before anything starts',
    },
  );
  const approve = (by: string) =>
    fleet.order({ kind: 'approve', stage: 'early', groups: ['ops'], reason: 'ok' }, by);
  fleet.refresh();
  approve('alice');
  const [half] = shown.sync().approvals();
  assert.deepEqual([half!.state, half!.decisions.map(({ by }) => by)], ['PENDING', ['alice']]);
  assert.equal(half!.expiresAt, fleet.world.now + HOUR);
  const [, gateRow] = [0, ...shown.sync().gates(shown.rollout('v2'), 'early')];
  assert.match(gateRow!.message!, /^1 of 2 given, by alice; ops or leads may; not by an author/);
  approve('bob');
  fleet.pass(MINUTE / 2);
  fleet.pass(HOUR);
  const [given] = shown.sync().approvals();
  assert.equal(given!.state, 'APPROVED');
  assert.deepEqual(
    given!.decisions.map(({ by, reason }) => [by, reason]),
    [
      ['alice', 'ok'],
      ['bob', 'ok'],
    ],
  );
});

test('an approval that lapses counts no more: alone it has expired, beside another one it is not shown as given', () => {
  const gate = { approval: { groups: ['ops'], count: 2, expires: '1h' } };
  const fleet = lab([{}, { before: [gate] }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'));
  fleet.pass(5 * MINUTE);
  const approve = (by: string) => fleet.order({ kind: 'approve', stage: 'early', groups: ['ops'] }, by);
  const look = () => {
    const [one] = shown.sync().approvals();
    return [one!.state, one!.decisions.map(({ by }) => by).join()];
  };
  approve('alice');
  assert.deepEqual(look(), ['PENDING', 'alice']);
  fleet.pass(HOUR + MINUTE);
  assert.deepEqual(look(), ['EXPIRED', '']);
  approve('bob');
  assert.deepEqual(look(), ['PENDING', 'bob']);
  approve('alice');
  fleet.pass(MINUTE);
  assert.equal(look()[0], 'APPROVED');
});

test('an abort is told with the reason of the last one', () => {
  const fleet = lab([{ after: [{ approval: { groups: ['ops'] } }] }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'));
  fleet.pass(MINUTE);
  fleet.order({ kind: 'deny', stage: 'canary', groups: ['ops'], reason: 'not now' }, 'alice');
  fleet.order({ kind: 'retry', version: 'v2' }, 'bob');
  fleet.pass(MINUTE);
  fleet.order({ kind: 'abort', version: 'v2', reason: 'enough' }, 'bob');
  assert.equal(shown.sync().reason(shown.rollout('v2')), 'aborted by bob: enough');
});

test('an approval that is denied is told as denied, and the rollout as aborted with who did it', () => {
  const fleet = lab([{ after: [{ approval: { groups: ['ops'] } }] }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'));
  fleet.pass(5 * MINUTE);
  fleet.order({ kind: 'deny', stage: 'canary', groups: ['ops'], reason: 'not on a Friday' });
  assert.equal(shown.rollout('v2').phase, 'Aborted');
  assert.equal(shown.sync().reason(shown.rollout('v2')), 'denied by alice: not on a Friday');
  const [denied] = shown.sync().approvals();
  assert.deepEqual([denied!.state, denied!.decisions.map(({ approved }) => approved)], ['DENIED', [false]]);
});

test('freezes, holds, pins and trouble with the bus are banners', () => {
  const fleet = lab();
  const shown = bookOf(fleet);
  const until = fleet.world.now + HOUR;
  fleet.fleet({ kind: 'freeze', whom: { selector: { matchLabels: { ring: 'early' } } }, by: 'ann', until });
  fleet.fleet({ kind: 'hold', cluster: 'p1', by: 'bob', reason: 'repair' });
  fleet.order({ kind: 'pin', whom: { cluster: 'p2' }, revision: 'v1', reason: 'demo' });
  fleet.offline('c1', 'c2', 'e1', 'e2');
  assert.deepEqual(
    shown
      .sync()
      .banners()
      .map(({ kind, message, by, reason }) => [kind, message, by, reason]),
    [
      ['BUS_TROUBLE', '4 clusters were lost at once: app are held', undefined, undefined],
      ['FREEZE', 'nothing new starts on ring=early (3 clusters)', 'ann', 'no reason given'],
      ['HOLD', 'nothing is written on p1', 'bob', 'repair'],
      ['PIN', 'app is pinned to v1 on p2', 'alice', 'demo'],
    ],
  );
});

test('an assignment is explained: its stage, what it has and why, where the newer version is, what is awaited', () => {
  const fleet = lab([{ after: [{ soak: '1h' }] }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'));
  fleet.pass(5 * MINUTE);
  const early = shown.sync().explain('e1', 'app')!;
  assert.deepEqual(early.steps, [
    'it is in early, stage 2 of 3 of strategy standard: its labels match ring=early',
    'it is to run v1, Current for 5m: early passed that version 5m ago',
    'v2 is newer, and is in canary (Soaking): early takes it once it has passed there',
  ]);
  assert.deepEqual([early.candidate?.revision, early.waitingFor], ['v2', ['canary: soaking for 1h']]);
  const canary = shown.sync().explain('c1', 'app')!;
  assert.equal(canary.candidate, undefined);
  assert.match(canary.steps.at(-1)!, /that is what v2, the newest version of app, gives it/);
  fleet.fleet({ kind: 'hold', cluster: 'e1', by: 'bob', reason: 'repair' });
  assert.ok(shown.sync().explain('e1', 'app')!.waitingFor.includes('held by bob: repair'));
});

test('an end is foretold from the pace of the clusters, and only where nothing else decides it', () => {
  const fleet = lab([{}, { maxConcurrent: 1 }]);
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('b'));
  assert.equal(shown.sync().eta(shown.rollout('v2')), undefined, 'nothing is known of the pace');
  fleet.pass(45_000);
  const eta = shown.sync().eta(shown.rollout('v2'))!;
  fleet.pass(HOUR);
  assert.ok(Math.abs(eta - shown.rollout('v2').finishedAt!) <= 20_000);
  const asking = lab([{}, {}, { before: [{ approval: { groups: ['ops'] } }] }]);
  const other = bookOf(asking);
  asking.commit('v2', asking.all('b'));
  asking.pass(30_000);
  assert.equal(other.sync().eta(other.rollout('v2')), undefined, 'a person is still to be asked');
  const frozen = lab([{}, {}]);
  const still = bookOf(frozen);
  const whom = { cluster: 'e1' };
  frozen.fleet({ kind: 'freeze', whom, by: 'bob', reason: 'a sale' });
  frozen.commit('v2', frozen.all('b'));
  frozen.pass(5 * MINUTE);
  assert.match(still.sync().waitingFor(still.rollout('v2')).join(), /a sale/);
  assert.equal(still.sync().eta(still.rollout('v2')), undefined, 'a freeze has no pace');
});

test('the changes are the commits, each with all its rollouts in one phase', () => {
  const fleet = lab();
  fleet.placement('base', [], { stages: [{ name: 'all', selector: {} }] });
  const shown = bookOf(fleet);
  fleet.fails('b', 'c1', 'c2');
  fleet.commit('v2', fleet.all('b'));
  fleet.commit('v2', fleet.all('x'), [], 'base');
  fleet.pass(10 * MINUTE);
  const [newest] = shown
    .sync()
    .changes((oid) => oid)
    .filter(({ revision }) => revision === 'v2');
  assert.deepEqual(
    newest!.rollouts.map(({ placement, phase }) => `${placement} ${phase}`),
    ['app Paused', 'base Succeeded'],
  );
  assert.equal(newest!.phase, 'Paused');
  assert.equal(newest!.finishedAt, undefined);
  assert.equal(foldPhases(['Succeeded', 'RolledBack', 'Superseded']), 'RolledBack');
});

test('an alias is the start of the commit, as long as it takes to mean no other', () => {
  const alias = aliasesOf(['aaaaaaa1', 'aaaaaaa2', 'bbbbbbb1']);
  assert.deepEqual(['aaaaaaa1', 'bbbbbbb1', 'ccccccc9'].map(alias), ['aaaaaaa1', 'bbbbbbb', 'ccccccc']);
});

test('what is remembered is bounded: the oldest rollouts lose their events and targets first, then themselves', () => {
  const fleet = lab();
  const shown = bookOf(fleet, { rollouts: 3, entries: 60 });
  for (let at = 2; at <= 8; at++) {
    fleet.commit(`v${at}`, fleet.all(`digest-${at}`));
    fleet.pass(10 * MINUTE);
  }
  const book = shown.sync();
  assert.equal(book.memory({ placement: 'app', version: 'v5' }), undefined);
  assert.deepEqual(book.memory({ placement: 'app', version: 'v6' })!.events, []);
  assert.ok(book.memory({ placement: 'app', version: 'v8' })!.events.length > 0);
  assert.deepEqual(
    book.rollouts('app').map(({ version, phase }) => `${version} ${phase}`),
    ['v8', 'v7', 'v6', 'v5', 'v4', 'v3', 'v2', 'v1'].map((version) => `${version} Succeeded`),
    'how a rollout ended is in the state',
  );
});

test('nothing is derived anew while the line stands, and only of the placement that changed', () => {
  const fleet = lab();
  fleet.placement('base', [], { stages: [{ name: 'all', selector: {} }] });
  const shown = bookOf(fleet);
  fleet.commit('v2', fleet.all('x'), [], 'base');
  fleet.pass(10 * MINUTE);
  const book = shown.sync();
  const [app, base] = [book.view('app'), book.view('base')];
  const heard: string[] = [];
  book.listen((placements) => heard.push(...placements));
  const { state, facts, now } = fleet.world;
  book.set({ ...state, lines: { ...state.lines, base: { ...state.lines.base! } } }, facts, now);
  assert.equal(book.view('app'), app);
  assert.notEqual(book.view('base'), base);
  assert.equal(book.view('base'), book.view('base'));
  assert.deepEqual(heard, ['base']);
});
