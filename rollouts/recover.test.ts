import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { type Ahead, recover, restored } from './recover.ts';
import { EMPTY_FLEET } from './state.ts';
import { HOUR, Lab, MINUTE, ring } from './testing/lab.ts';

const RINGS = { canary: ['c1', 'c2', 'c3'], early: ['e1', 'e2', 'e3'], broad: ['p1', 'p2', 'p3', 'p4'] };
const ALL = Object.values(RINGS).flat();
const STAGES = [
  ring('canary', { maxConcurrent: 1 }),
  ring('early', { maxConcurrent: 1 }),
  ring('broad', { maxConcurrent: 2 }),
];
const all = (digest: string) => Object.fromEntries(ALL.map((name) => [name, digest]));
const start = (stages = STAGES) => new Lab(RINGS, { stages }, all('a'));
const resume = (lab: Lab) =>
  lab.fleet({ kind: 'resumeRecovered', by: 'alice', reason: 'looked at what runs' });
const digests = (lab: Lab) =>
  Object.fromEntries(ALL.map((name) => [name, lab.target(name)?.run?.digest ?? null]));
const attempts = (lab: Lab) =>
  Object.fromEntries(ALL.map((name) => [name, lab.target(name)?.run?.attempt ?? 0]));
const runs = (lab: Lab, version: string) =>
  ALL.every((name) => lab.states[name] === `${version} Current`) || assert.fail(JSON.stringify(lab.states));

test('a hub that lost its state has every target as its agent reports it, paused, and starts nothing until it is resumed', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  lab.pass(90_000);
  const [before, numbers] = [digests(lab), attempts(lab)];
  assert.ok(Object.values(before).includes('b') && Object.values(before).includes('a'));
  lab.lose();
  assert.deepEqual([digests(lab), attempts(lab)], [before, numbers]);
  lab.pass(HOUR);
  assert.deepEqual([digests(lab), attempts(lab)], [before, numbers]);
  assert.match(lab.words().join(), /paused by recovered: the hub has lost its state.*flotilla hub resume/);
  assert.equal(resume(lab), undefined);
  lab.pass(HOUR);
  runs(lab, 'v2');
  assert.equal(resume(lab)?.code, 'nothing-paused');
});

test('the line goes on in the stage in which it stood', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  while (lab.target('e1')?.state !== 'Current' || lab.passed('canary') !== 'v2') lab.pass(5_000);
  lab.lose();
  assert.deepEqual([lab.passed('canary'), lab.passed('early'), lab.passed('broad')], ['v2', 'v1', 'v1']);
  resume(lab);
  assert.equal(lab.line().stages.find(({ name }) => name === 'canary')?.work, undefined);
  const took = lab.happened('stageTook').at(-1);
  assert.deepEqual([took?.stage, took?.revision], ['early', 'v2']);
  lab.pass(HOUR);
  runs(lab, 'v2');
});

test('a gate after the stage in which the line stood is asked anew', () => {
  const approval = { approval: { groups: ['ops'] } };
  const lab = start([
    ring('canary', { after: [approval] }),
    ring('early', { maxConcurrent: 1 }),
    ring('broad'),
  ]);
  lab.commit('v2', all('b'));
  lab.pass(MINUTE);
  lab.lose();
  assert.equal(lab.passed('canary'), 'v1');
  resume(lab);
  lab.pass(3 * HOUR);
  assert.deepEqual(digests(lab), { ...all('a'), c1: 'b', c2: 'b', c3: 'b' });
  assert.equal(lab.phase('v2'), 'AwaitingApproval');
  lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] });
  lab.pass(HOUR);
  runs(lab, 'v2');
});

test('what agents have of a version that a stage takes anew is its evidence, and its failures: nobody is told twice', () => {
  const lab = start([ring('canary', { after: [{ soak: '10m' }] }), ring('early'), ring('broad')]);
  lab.fails('b', 'c3');
  lab.commit('v2', all('b'));
  lab.pass(3 * MINUTE);
  assert.equal(lab.target('c1')?.state, 'Current');
  const numbers = attempts(lab);
  lab.lose();
  resume(lab);
  const took = lab.happened('stageTook').at(-1);
  assert.deepEqual([took?.stage, took?.revision], ['canary', 'v2']);
  lab.pass(HOUR);
  assert.deepEqual([numbers.c1, numbers.c2], [attempts(lab).c1, attempts(lab).c2]);
  assert.deepEqual(digests(lab), { ...all('a'), c1: 'b', c2: 'b', c3: 'b' });
  assert.match(lab.words().join(), /failed in canary/);
});

test('a fleet at rest is at rest when it is resumed, but for who is behind', () => {
  const lab = start([ring('canary', { after: [{ soak: '1h' }] }), ring('early'), ring('broad')]);
  lab.offline('p4');
  lab.commit('v2', all('b'));
  lab.pass(5 * HOUR);
  lab.lose();
  assert.deepEqual([lab.passed('canary'), lab.passed('broad')], ['v2', 'v2']);
  resume(lab);
  lab.world.events.length = 0;
  lab.pass(HOUR);
  assert.deepEqual(lab.happened('published'), []);
  lab.online('p4');
  lab.pass(HOUR);
  assert.deepEqual(
    lab.happened('published').map(({ cluster }) => cluster),
    ['p4'],
  );
  runs(lab, 'v2');
});

test('an agent that comes back long after the hub was resumed is taken up, and goes nowhere backwards', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  while (lab.target('c1')?.state !== 'Current') lab.pass(5_000);
  lab.offline('c1');
  lab.lose();
  lab.order({ kind: 'pause' });
  resume(lab);
  lab.pass(2 * HOUR);
  const { attempt } = lab.world.agents.had('c1', 'app')!;
  lab.online('c1');
  assert.deepEqual(
    [lab.target('c1')?.run?.digest, lab.target('c1')?.run?.attempt, lab.target('c1')?.kept],
    ['b', attempt, 'recovered'],
  );
  lab.pass(HOUR);
  assert.equal(lab.target('c1')?.run?.attempt, attempt);
  lab.order({ kind: 'resume' });
  lab.pass(HOUR);
  runs(lab, 'v2');
});

test('an older state that is restored takes no cluster back to what it knows', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  lab.pass(45_000);
  const saved = structuredClone(lab.world.state);
  lab.pass(HOUR);
  lab.commit('v3', all('c'));
  while (lab.target('e1')?.run?.digest !== 'c') lab.pass(5_000);
  const before = digests(lab);
  lab.lose(saved);
  assert.deepEqual(digests(lab), before);
  assert.match(lab.words().join(), /agents were told more than the hub has saved/);
  lab.pass(HOUR);
  assert.deepEqual(digests(lab), before);
  resume(lab);
  lab.world.events.length = 0;
  lab.pass(HOUR);
  assert.deepEqual(
    lab.happened('published').filter(({ revision }) => revision !== 'v3'),
    [],
  );
  runs(lab, 'v3');
});

test('an approval in the state that comes back counts, where agents know no more than that', () => {
  const gated = [ring('canary', { after: [{ approval: { groups: ['ops'] } }] }), ...STAGES.slice(1)];
  const lab = start(gated);
  lab.commit('v2', all('b'));
  lab.order({ kind: 'approve', stage: 'canary', groups: ['ops'] });
  lab.lose(structuredClone(lab.world.state));
  lab.pass(HOUR);
  runs(lab, 'v2');
  assert.equal(lab.happened('approved').length, 1);
});

test('what an older state has rejected stays rejected, and its rollback goes on when it is resumed', () => {
  const lab = new Lab(RINGS, { stages: STAGES, failure: { action: 'rollback' } }, all('a'));
  lab.fails('b', 'e1');
  lab.commit('v2', all('b'));
  while (!lab.line().rollback) lab.pass(5_000);
  const saved = structuredClone(lab.world.state);
  lab.pass(10_000);
  lab.lose(saved);
  lab.pass(HOUR);
  resume(lab);
  lab.pass(HOUR);
  assert.deepEqual(digests(lab), all('a'));
  assert.equal(lab.phase('v2'), 'RolledBack');
});

test('a first installation is not recovered: agents that were never told anything begin', () => {
  const lab = new Lab(RINGS, { stages: STAGES });
  lab.lose();
  lab.commit('v1', all('a'));
  assert.equal(lab.world.state.recovered, undefined);
  lab.pass(HOUR);
  runs(lab, 'v1');
});

test('one cluster that joins with a past does not hold up a fleet that has its state', () => {
  const lab = start();
  lab.pass(HOUR);
  const past: Ahead = {
    known: false,
    has: new Map([['app', { attempt: 7, phase: 'current', applied: { revision: 'v0', digest: 'z' } }]]),
  };
  lab.join('p5', 'broad', 'p1');
  const aged = { ...lab.world.state, clock: { ...lab.world.state.clock, hub: HOUR } };
  const lines = { app: { ...aged.lines.app!, targets: { ...aged.lines.app!.targets } } };
  delete (lines.app.targets as Record<string, unknown>).p5;
  const { state } = recover({ ...aged, lines }, lab.world.facts, new Map([['p5', past]]), lab.world.now);
  assert.deepEqual([state.recovered, state.lines.app!.pauses], [undefined, []]);
  assert.equal(state.lines.app!.targets.p5?.run?.digest, 'z');
});

test('an attempt from far in the future is not believed, and the cluster keeps what it has', () => {
  const lab = start();
  const had = {
    attempt: Number.MAX_SAFE_INTEGER,
    phase: 'current' as const,
    applied: { revision: 'v1', digest: 'a' },
  };
  const ahead = new Map([['c1', { known: false, has: new Map([['app', had]]) }]]);
  const { state } = recover(EMPTY_FLEET, lab.world.facts, ahead, lab.world.now);
  assert.equal(state.lines.app?.targets.c1?.run?.digest, 'a');
  assert.ok(state.lines.app!.attempt <= lab.world.now + 1, `${state.lines.app!.attempt}`);
});

test('a version that was told by another name, or is read only later, is called by its own as soon as it is known', () => {
  const lab = start();
  lab.commit('v2', all('b'));
  lab.pass(HOUR);
  const facts = lab.world.facts;
  const [head, old] = [lab.versions().at(-1)!, lab.versions()[0]!];
  const own = facts.placements.get('app')!;
  const knowing = (versions: typeof own.versions) => ({
    ...facts,
    placements: new Map([['app', { ...own, versions }]]),
  });
  const had = (revision: string, digest: string) => ({
    attempt: 5,
    phase: 'current' as const,
    applied: { revision, digest },
  });
  const ahead = new Map(
    ALL.map((name) => [
      name,
      { known: false, has: new Map([['app', name.startsWith('c') ? had('v2', 'b') : had('v1', 'a')]]) },
    ]),
  );
  const first = recover(EMPTY_FLEET, knowing([head]), ahead, lab.world.now).state;
  const passed = (state: typeof first) => state.lines.app!.stages.map((stage) => stage.passed.at(-1));
  assert.deepEqual(passed(first), ['v2', 'v1', 'v1']);
  const read = recover(first, knowing([old, head]), new Map(), lab.world.now).state;
  assert.deepEqual(passed(read), ['v2', 'v1', 'v1']);
  assert.equal(read.lines.app!.targets.p1?.run?.revision, 'v1');
  const contents = new Map([...old.contents].map(([name, one]) => [name, { ...one, revision: 'v1-read' }]));
  const elsewhere = recover(
    EMPTY_FLEET,
    knowing([{ ...old, contents }, head]),
    new Map([['p1', { known: false, has: new Map([['app', had('v1-read', 'a')]]) }]]),
    lab.world.now,
  ).state.lines.app!.targets.p1!.run!;
  assert.deepEqual([elsewhere.revision, elsewhere.readAt], ['v1', 'v1-read']);
});

/** Histories without people, relabelling or lasting failures: where the line stood can then be told from what it did. */
const stage = (name: string) =>
  fc
    .record(
      {
        maxConcurrent: fc.constantFrom(1, 2),
        after: fc.constantFrom('1m', '10m').map((soak) => [{ soak }]),
      },
      { requiredKeys: [] },
    )
    .map((more) => ring(name, more));

test('whenever state is lost, nothing is taken for passed that had not passed, no cluster goes back, and all arrive', () => {
  const act = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 * MINUTE }) }),
    fc.record({ kind: fc.constant('commit' as const), ms: fc.constant(0) }),
    fc.record({
      kind: fc.constantFrom('away' as const, 'back' as const),
      ms: fc.integer({ min: 0, max: 9 }),
    }),
  );
  fc.assert(
    fc.property(
      fc.tuple(stage('canary'), stage('early'), stage('broad')),
      fc.array(act, { minLength: 1, maxLength: 10 }),
      fc.boolean(),
      (stages, acts, older) => {
        const lab = start([...stages]);
        let commits = 1;
        let saved = EMPTY_FLEET;
        for (const [index, { kind, ms }] of acts.entries()) {
          if (older && index === acts.length >> 1) saved = structuredClone(lab.world.state);
          if (kind === 'wait') lab.pass(ms);
          else if (kind === 'commit') lab.commit(`v${++commits}`, all(`d${commits}`));
          else if (kind === 'away') lab.offline(ALL[ms]!);
          else lab.online(ALL[ms]!);
        }
        const order = (version: string | undefined) => Number(version?.slice(1) ?? 0);
        const truth = lab.line();
        const had = new Map(ALL.map((name) => [name, lab.world.agents.had(name, 'app')]));
        lab.lose(older ? restored(saved, lab.world.now) : saved);
        // Whether the soak of the last stage was over cannot be seen, and decides nothing about anybody else.
        for (const [at, { name, passed }] of lab.line().stages.slice(0, -1).entries()) {
          const most = order(truth.stages[at]!.passed.at(-1));
          assert.ok(
            order(passed.at(-1)) <= most,
            `${name} has passed ${passed.at(-1)}, not more than ${most}`,
          );
        }
        for (const name of ALL) lab.online(name);
        lab.pass(6 * HOUR);
        for (const [name, { attempt, attempted } = { attempt: 0 }] of had) {
          const { run } = lab.target(name)!;
          assert.ok(run!.digest === attempted?.digest || run!.attempt <= attempt, `${name} was changed`);
        }
        const told = new Map(ALL.map((name) => [name, order(had.get(name)?.attempted?.revision)]));
        lab.world.events.length = 0;
        resume(lab);
        lab.pass(24 * HOUR);
        lab.order({ kind: 'resume' }); // a failure from before, if there was one
        lab.pass(24 * HOUR);
        for (const { cluster, revision } of lab.happened('published')) {
          assert.ok(order(revision) >= told.get(cluster!)!, `${cluster} went back to ${revision}`);
          told.set(cluster!, order(revision));
        }
        runs(lab, `v${commits}`);
      },
    ),
    { numRuns: Number(process.env.FLOTILLA_RUNS ?? 400) },
  );
});
