import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR, Lab, MINUTE, ring } from '#rollouts/testing/lab.ts';
import { RolloutBook } from './book.ts';
import { bookOf } from './testing/lab-book.ts';

/** What people are told of whatever stops a line, in each case that does (design/30, rules 8 and 9). */
const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2'], broad: ['p1', 'p2'] };
const PLAIN = {
  stages: [ring('canary'), ring('early'), ring('broad', { before: [{ approval: { groups: ['ops'] } }] })],
};

function begin() {
  const lab = new Lab(
    RINGS,
    PLAIN,
    Object.fromEntries(
      Object.values(RINGS)
        .flat()
        .map((name) => [name, 'a']),
    ),
  );
  const shown = bookOf(lab);
  const waits = (version: string) => shown.sync().waitingFor(shown.rollout(version));
  return { lab, shown, waits };
}
/** v2 passes canary and early; then a cluster leaves Current. */
function regress(cluster: string) {
  const { lab, ...rest } = begin();
  const CRASH = { afterMs: 5 * MINUTE, phase: 'failed', message: 'CrashLoopBackOff' } as const;
  lab.plays.set(`${cluster}@b`, [{ afterMs: 20_000, phase: 'current' }, CRASH]);
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  return { lab, ...rest };
}

const FAILED =
  'paused at early by failure: 1 failed in early, 0 allowed: e1; a commit that changes what failed goes on, or retry, or resume';
const REGRESSED = (stage: string, cluster: string) =>
  `paused at ${stage} by regression: 1 of ${stage} left Current: ${cluster}; resume accepts it, rollback goes back`;

test('a failure pause names what goes on; a version that changes nothing of what failed says so, one that does waits for nothing', () => {
  const { lab, shown, waits } = begin();
  lab.fails('b', 'e1');
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  assert.deepEqual(waits('v2'), [FAILED]);
  lab.commit('v3', { ...lab.all('b'), c2: 'x' });
  lab.pass(10 * MINUTE);
  assert.deepEqual(waits('v3'), [FAILED, 'early works on v2 first: v3 does not change what failed']);
  lab.commit('v4', lab.all('good'));
  lab.pass(10 * MINUTE);
  assert.equal(shown.rollout('v2').phase, 'Superseded');
  assert.deepEqual(waits('v4'), ['broad: waiting for approval by ops']);
});

test('a failure that is reported is told before it has stood long enough to count', () => {
  const { lab, shown, waits } = begin();
  lab.fails('b', 'c2');
  lab.commit('v2', lab.all('b'));
  lab.pass(30_000);
  assert.deepEqual(waits('v2'), ['waiting for 1 of 2 clusters in canary: c2 Applying 30s (reports failure)']);
  const rows = shown.sync().targets({ placement: 'app', version: 'v2' });
  const c2 = rows.find(({ cluster }) => cluster === 'c2');
  assert.deepEqual([c2?.state, c2?.message], ['Applying', 'ImagePullBackOff']);
});

for (const [cluster, stage] of [
  ['c1', 'canary'],
  ['e1', 'early'],
] as const) {
  test(`after a regression in ${stage} nothing is called rolled back, and nothing is said to go on that does not`, () => {
    const { lab, shown, waits } = regress(cluster);
    const why = REGRESSED(stage, cluster);
    assert.deepEqual(waits('v2'), [why]);
    assert.deepEqual(lab.words(), [why]);
    const { steps, waitingFor } = shown.sync().explain('p1', 'app')!;
    assert.equal(steps.at(-1), 'v2 is newer, and is paused after a regression');
    assert.deepEqual(waitingFor, [why]);
    lab.commit('v3', { ...lab.all('b'), c2: 'x' });
    lab.pass(10 * MINUTE);
    lab.commit('v4', lab.all('good'));
    lab.pass(10 * MINUTE);
    assert.deepEqual(waits('v2'), [why]);
    if (stage === 'canary') assert.equal(shown.rollout('v3').phase, 'Superseded');
    else assert.deepEqual(waits('v3'), [why, 'early takes v3 no more: v4 is newer']);
    assert.deepEqual(waits('v4'), [why]);
    assert.equal(lab.passed(stage), 'v1', 'no commit ends it');
    assert.equal(lab.order({ kind: 'resume' }), undefined);
    lab.pass(10 * MINUTE);
    assert.deepEqual(waits('v4'), ['broad: waiting for approval by ops']);
    assert.equal(shown.rollout('v2').phase, 'Superseded');
  });
}

test('what has regressed is not taken for overtaken: accepted, it goes on', () => {
  const { lab, shown } = regress('e1');
  lab.commit('v3', { ...lab.all('b'), c2: 'x' });
  lab.order({ kind: 'abort', version: 'v3' });
  lab.pass(10 * MINUTE);
  assert.equal(shown.rollout('v2').phase, 'Paused');
  assert.equal(lab.order({ kind: 'resume' }), undefined);
  lab.pass(10 * MINUTE);
  assert.equal(shown.rollout('v2').phase, 'AwaitingApproval');
});

test('who is well on what has regressed elsewhere is told why it is not counted as there', () => {
  const { shown } = regress('c1');
  const row = shown.sync().explain('c2', 'app')!;
  assert.ok(
    row.steps.includes(
      'it is to run v2: canary had passed that version, and does not count it as passed since it regressed',
    ),
    row.steps.join('\n'),
  );
});

test('rollback goes back after a regression, as is said; resume had not to be ordered first', () => {
  const { lab, shown, waits } = regress('e1');
  assert.equal(lab.order({ kind: 'rollback' }), undefined);
  assert.deepEqual(waits('v2'), ['rolling back v2: ordered by alice; nothing new is taken until that ends']);
  lab.pass(HOUR);
  assert.equal(shown.rollout('v2').phase, 'RolledBack');
  assert.deepEqual(new Set(Object.values(lab.states)), new Set(['v1 Current']));
  assert.deepEqual(lab.words(), ['v2 was rolled back; retry or a newer commit goes on']);
});

test('what a regression has paused is not retried, and nothing is changed', () => {
  const { lab } = regress('c1');
  const before = JSON.stringify(lab.line());
  const refused = lab.order({ kind: 'retry' });
  assert.equal(refused?.code, 'wrong-phase');
  assert.match(refused.message, /app is paused by a regression: resume accepts it, rollback goes back/);
  assert.equal(JSON.stringify(lab.line()), before);
});

test("a person's pause says who, why, and when it ends by itself: in words, as a time, and as a banner", () => {
  const { lab, shown, waits } = begin();
  lab.commit('v2', lab.all('b'));
  lab.order({ kind: 'pause', reason: 'lunch' });
  assert.deepEqual(waits('v2'), ['paused by alice: lunch; resume ends it']);
  assert.equal(shown.sync().pausedUntil(shown.rollout('v2')), undefined);
  lab.order({ kind: 'resume' });
  const until = lab.world.now + HOUR;
  lab.order({ kind: 'pause', reason: 'lunch', until });
  lab.pass(10 * MINUTE);
  assert.deepEqual(waits('v2'), ['paused by alice: lunch; ends by itself in 50m']);
  assert.equal(shown.sync().pausedUntil(shown.rollout('v2')), until);
  assert.deepEqual(shown.sync().banners(), [
    { kind: 'PAUSE', message: 'nothing new starts in app', by: 'alice', reason: 'lunch', expiresAt: until },
  ]);
  lab.commit('v3', lab.all('c'));
  lab.order({ kind: 'abort', version: 'v3' });
  lab.pass(HOUR);
  assert.deepEqual(shown.sync().banners(), []);
});

test('a timed pause beside a failure does not end the wait, and the reason is that of the failure', () => {
  const { lab, shown, waits } = begin();
  lab.fails('b', 'e1');
  lab.commit('v2', lab.all('b'));
  lab.pass(HOUR);
  lab.order({ kind: 'pause', reason: 'lunch', until: lab.world.now + HOUR });
  assert.deepEqual(waits('v2'), [FAILED, 'paused by alice: lunch; ends by itself in 60m']);
  assert.equal(shown.sync().pausedUntil(shown.rollout('v2')), undefined);
  assert.match(shown.sync().reason(shown.rollout('v2'))!, /1 failed in early/);
  lab.commit('v3', lab.all('c'));
  assert.deepEqual(waits('v3'), ['paused by alice: lunch; ends by itself in 60m'], 'not by what holds early');
});

test('a storm of commits leaves nothing out: what no stage took is listed as superseded, and says by what', () => {
  const { lab, shown } = begin();
  const listed = () =>
    shown
      .sync()
      .changes((oid) => oid)
      .map(({ revision, phase }) => `${revision} ${phase}`);
  lab.order({ kind: 'pause', reason: 'lunch' });
  for (let at = 2; at <= 12; at++) lab.commit(`v${at}`, lab.all(`digest-${at}`));
  const over = Array.from({ length: 10 }, (_, at) => `v${11 - at} Superseded`);
  assert.deepEqual(listed(), ['v12 Pending', ...over, 'v1 Succeeded']);
  const whys = lab.happened('superseded').map(({ revision, reason }) => `${revision}: ${reason}`);
  assert.deepEqual([whys[0], whys.at(-1), whys.length], ['v2: v3 is newer', 'v11: v12 is newer', 10]);
  lab.order({ kind: 'abort', version: 'v12' });
  assert.deepEqual(listed(), ['v12 Aborted', ...over, 'v1 Succeeded']);
  lab.order({ kind: 'resume' });
  lab.commit('v13', lab.all('b'));
  lab.pass(10 * MINUTE);
  assert.deepEqual(listed().slice(0, 3), ['v13 AwaitingApproval', 'v12 Aborted', 'v11 Superseded']);
  // The index keeps the newest versions, and those that decisions name.
  const { state, facts, now } = lab.world;
  const app = facts.placements.get('app')!;
  const versions = app.versions.filter(({ revision }) => ['v1', 'v12', 'v13'].includes(revision));
  const later = new RolloutBook();
  later.set(state, { ...facts, placements: new Map([['app', { ...app, versions }]]) }, now);
  const left = later.rollouts('app').map(({ version, phase }) => `${version} ${phase}`);
  assert.deepEqual(left.toSorted(), listed().toSorted());
});

test('what was aborted stays so when something newer comes', () => {
  const { lab, shown } = begin();
  lab.order({ kind: 'pause', reason: 'lunch' });
  lab.commit('v2', lab.all('b'));
  lab.order({ kind: 'abort', version: 'v2' });
  lab.commit('v3', lab.all('c'));
  assert.deepEqual(
    ['v2', 'v3'].map((version) => shown.rollout(version).phase),
    ['Aborted', 'Pending'],
    'what has ended before is not ended again',
  );
});

test('a bus that is held says what ends that, and so does a start without state', () => {
  const { lab, waits } = begin();
  lab.commit('v2', lab.all('b'));
  lab.offline('c1', 'c2', 'e1', 'e2');
  lab.pass(MINUTE);
  assert.deepEqual(waits('v2'), [
    'held: 4 clusters were lost at once (the bus, not the clusters); goes on when they are back, or with resume',
  ]);
  lab.online('c1', 'c2', 'e1', 'e2');
  lab.pass(MINUTE);
  lab.lose();
  lab.pass(MINUTE);
  assert.match(
    waits('v2')[0]!,
    /^paused by recovered: the hub has lost its state .*`flotilla hub resume` goes on$/,
  );
});

test('an approval that enough have given while the line is paused is asked of nobody any more, unless it expires', () => {
  const approval = { groups: ['ops'], count: 2, expires: '1h' };
  const stages = [ring('canary', { before: [{ approval }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  const shown = bookOf(lab);
  const approve = (by: string) => lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] }, by);
  const state = () => shown.sync().approvals()[0]?.state;
  lab.commit('v2', lab.all('b'));
  lab.order({ kind: 'pause', reason: 'lunch' });
  approve('ann');
  assert.equal(state(), 'PENDING');
  approve('bob');
  assert.equal(state(), 'APPROVED');
  const [gate] = shown.sync().gates(shown.rollout('v2'), 'canary');
  assert.deepEqual([gate?.state, gate?.message], ['OPEN', '2 of 2 given, by ann, bob; ops may']);
  const before = JSON.stringify(lab.line());
  const refused = approve('cleo');
  assert.deepEqual(
    [refused?.code, refused?.message],
    ['nothing-waits', 'canary of app has all approvals: it goes on once nothing holds it'],
  );
  assert.equal(JSON.stringify(lab.line()), before);
  lab.pass(HOUR);
  lab.refresh();
  assert.equal(state(), 'EXPIRED');
  assert.equal(approve('cleo'), undefined);
  approve('ann');
  assert.equal(state(), 'APPROVED');
  lab.order({ kind: 'resume' });
  lab.pass(HOUR);
  assert.equal(shown.rollout('v2').phase, 'Succeeded');
  assert.equal(state(), 'APPROVED');
});

test('what enough have approved can still be denied while it is paused', () => {
  const stages = [ring('canary', { before: [{ approval: { groups: ['ops'] } }] }), ring('broad')];
  const lab = new Lab({ canary: ['c1'], broad: ['p1'] }, { stages }, { c1: 'a', p1: 'a' });
  const shown = bookOf(lab);
  lab.commit('v2', lab.all('b'));
  lab.order({ kind: 'pause', reason: 'lunch' });
  lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] }, 'ann');
  assert.equal(lab.order({ kind: 'deny', stage: 'canary', groups: ['ops'] }, 'bob'), undefined);
  assert.equal(shown.rollout('v2').phase, 'Aborted');
  assert.equal(shown.sync().approvals()[0]?.state, 'DENIED');
});
