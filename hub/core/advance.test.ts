import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalSetHash } from '#proto/removals.ts';
import { advance } from './advance.ts';
import { documentOf, numberedDocumentOf } from './desired.ts';
import { factsOf, oid, reportsOf, runOf, snapshot, type Told } from './testing/snapshot.ts';
import { EMPTY_STATE, type HubFacts, type HubState } from './types.ts';

const HEAD_A: Told = {
  head: 'a',
  clusters: { east: {}, west: {} },
  placements: { shop: { version: 'a', digests: { east: 'd1', west: 'd1' } } },
};

/** State after the fleet `told` was decided at `now` and every cluster reported Current. */
function settled(told: Told, now = 1_000, from: HubState = EMPTY_STATE): HubState {
  const first = advance(from, factsOf(snapshot(told)), now).state;
  return advance(first, factsOf(snapshot(told), { reports: reportsOf(first) }), now + 1).state;
}

/** One decision; agents say what they said before it, unless told otherwise. */
function go(state: HubState, told: Told, more: Partial<HubFacts> = {}, now = 5_000) {
  return advance(state, factsOf(snapshot(told), { reports: reportsOf(state), ...more }), now);
}

const clustersOf = (effects: readonly { cluster: string }[]) => effects.map(({ cluster }) => cluster);
const isUndecided = (before: HubState, after: HubState) =>
  assert.deepEqual({ ...after, fleet: { ...after.fleet, clock: before.fleet.clock } }, before);

test('the first version of a placement starts on every cluster that it selects', () => {
  const { effects } = go(EMPTY_STATE, HEAD_A);
  assert.deepEqual(
    effects.map(({ document }) => document),
    [
      ['east', 5_000],
      ['west', 5_001],
    ].map(([cluster, attempt]) => ({
      cluster,
      epoch: 5_000,
      issuedAt: '1970-01-01T00:00:05.000Z',
      head: oid('a'),
      assignments: [
        { placement: 'shop', revision: oid('a'), entryRevision: oid('a'), digest: 'd1', attempt },
      ],
      removed: [],
    })),
  );
});

test('a commit that changes no digest moves nothing', () => {
  const before = settled(HEAD_A);
  const { state, effects } = go(before, { ...HEAD_A, head: 'b' });
  isUndecided(before, state);
  assert.deepEqual(effects, []);
});

test('a changed digest starts the changed clusters only, and the others take its name when it has passed', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { east: 'd2', west: 'd1' } } },
  };
  const { state, effects } = go(settled(HEAD_A), told);
  assert.deepEqual(clustersOf(effects), ['east']);
  assert.equal(runOf(state, 'east')?.attempt, 5_000);
  const done = go(state, told, {}, 6_000);
  assert.equal(runOf(done.state, 'west')?.revision, oid('b'));
  assert.equal(runOf(done.state, 'west')?.attempt, 1_001, 'an equal digest is no new attempt');
  assert.deepEqual(clustersOf(done.effects), ['west']);
});

test('what cannot be read at a version is told with the older revision that it is read at', () => {
  const digests = { east: 'd2', west: { digest: 'd1', revision: 'a', entryRevision: 'a' } };
  const told: Told = { ...HEAD_A, head: 'b', placements: { shop: { version: 'b', digests } } };
  const first = go(EMPTY_STATE, told).effects;
  assert.deepEqual(
    first.map(({ document }) => document.assignments[0]?.revision),
    [oid('b'), oid('a')],
  );
});

test('a hold is in the document of its cluster, and only there', () => {
  const before = settled(HEAD_A);
  const holds = { east: { by: 'ada', reason: 'repair', until: Date.parse('2026-11-23T12:00:00Z') } };
  const { effects } = go({ ...before, fleet: { ...before.fleet, holds } }, HEAD_A);
  assert.deepEqual(
    effects.map(({ cluster, document }) => [cluster, document.hold]),
    [['east', { until: '2026-11-23T12:00:00.000Z' }]],
  );
});

test('a joiner takes the version in force with its own entry revision and reopens nothing', () => {
  const told: Told = {
    head: 'b',
    clusters: { east: {}, west: {}, north: {} },
    placements: {
      shop: {
        version: 'a',
        digests: {
          east: 'd1',
          west: 'd1',
          north: { digest: 'd1', revision: 'a', entryRevision: 'b' },
        },
      },
    },
  };
  const before = settled(HEAD_A);
  const { state, effects } = go(before, told);
  assert.equal(runOf(state, 'east'), runOf(before, 'east'));
  assert.equal(runOf(state, 'north')?.entryRevision, oid('b'));
  assert.deepEqual(clustersOf(effects), ['north']);
});

test('a relabelled cluster gets its new digest without a new version', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: {
      shop: {
        version: 'a',
        digests: { east: { digest: 'd9', revision: 'a', entryRevision: 'b' }, west: 'd1' },
      },
    },
  };
  const { state } = go(settled(HEAD_A), told);
  assert.equal(runOf(state, 'east')?.attempt, 5_000);
  assert.equal(runOf(state, 'east')?.entryRevision, oid('b'));
  assert.equal(runOf(state, 'west')?.phase, 'current');
});

test('a deselected cluster is told to remove until it says that everything is gone', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { west: 'd1' } } },
  };
  const before = settled(HEAD_A);
  const removing = go(before, told);
  const [effect] = removing.effects;
  assert.deepEqual(effect?.document.assignments, []);
  const order = { placement: 'shop', revision: oid('b'), entryRevision: oid('b'), attempt: 5_000 };
  assert.deepEqual(effect?.document.removed, [order]);

  const later = go(removing.state, { ...told, head: 'c' }, { reports: reportsOf(before) });
  assert.deepEqual(documentOf(later.state, 'east')?.removed, [order], 'the revision of a removal stays');

  const gone = go(removing.state, told, {}, 6_000);
  assert.deepEqual(gone.effects[0]?.document.removed, []);
});

test('a deleted placement is removed everywhere once it is approved, and its line ends with the last removal', () => {
  const removal = removalSetHash('shop', ['east', 'west']);
  const told: Told = {
    head: 'b',
    clusters: HEAD_A.clusters,
    placements: { other: { version: 'b', digests: {} } },
    retired: ['shop'],
    approvals: [{ placement: 'shop', removal }],
  };
  const removing = go(settled(HEAD_A), told);
  assert.deepEqual(
    removing.effects.map(({ document }) => document.removed.length),
    [1, 1],
  );
  const gone = go(removing.state, told, {}, 6_000);
  const over = go(gone.state, { ...told, retired: [] }, {}, 7_000).state;
  assert.equal(over.fleet.lines.shop, undefined);
});

test('a placement that is selected again while it is being removed starts anew', () => {
  const without: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { west: 'd1' } } },
  };
  const before = settled(HEAD_A);
  const removing = go(before, without).state;
  const again = { ...HEAD_A, head: 'c', placements: { shop: { ...HEAD_A.placements.shop!, version: 'c' } } };
  const { state, effects } = go(removing, again, { reports: reportsOf(before) }, 7_000);
  assert.equal(runOf(state, 'east')?.attempt, 7_000);
  assert.deepEqual(effects[0]?.document.removed, []);
});

for (const [what, told] of [
  ['without a valid Fleet', { ...HEAD_A, noFleet: true, placements: {} }],
  ['with no cluster listed', { ...HEAD_A, clusters: {} }],
  [
    'with a placement that can no longer be read',
    { ...HEAD_A, placements: { x: { version: 'a', digests: {} } }, unreadable: { placements: ['shop'] } },
  ],
  [
    'with entries that can no longer be read',
    { ...HEAD_A, clusters: { x: {} }, unreadable: { clusters: ['east', 'west'] } },
  ],
  [
    'with an invalid placement that selects nobody',
    { ...HEAD_A, placements: { shop: { version: 'a', invalid: true, digests: {} } } },
  ],
  [
    'with digests that cannot be computed',
    {
      ...HEAD_A,
      placements: {
        shop: { version: 'a', digests: { east: { unresolved: true }, west: { unresolved: true } } },
      },
    },
  ],
] as const satisfies [string, Told][]) {
  test(`a head ${what} removes nothing and publishes nothing`, () => {
    const before = settled(HEAD_A);
    const { state, effects } = go(before, { ...told, head: 'b' });
    for (const name of ['east', 'west']) assert.deepEqual(documentOf(state, name), documentOf(before, name));
    assert.deepEqual(runOf(state, 'east'), runOf(before, 'east'));
    assert.deepEqual(
      effects.filter(({ cluster }) => cluster !== 'x'),
      [],
    );
  });
}

test('a deleted entry orders no removal; the cluster is dropped from the plan', () => {
  const told: Told = { ...HEAD_A, head: 'b', clusters: { west: {} } };
  const { state, effects } = go(settled(HEAD_A), told);
  assert.equal(runOf(state, 'east'), undefined);
  assert.equal(state.clusters.east, undefined);
  assert.deepEqual(effects, []);
});

test('head moves only when something that the cluster reads at once differs', () => {
  const before = settled(HEAD_A);
  const observed: Told = { ...HEAD_A, head: 'b', clusters: { east: { mode: 'observe' }, west: {} } };
  const { state, effects } = go(before, observed);
  assert.equal(state.clusters.east?.head, oid('b'));
  assert.equal(state.clusters.west?.head, oid('a'));
  assert.deepEqual(clustersOf(effects), ['east']);
});

test('a policy is effective at once on every cluster of the placement, without a new attempt', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'a', drift: 'report', digests: { east: 'd1', west: 'd1' } } },
  };
  const { state, effects } = go(settled(HEAD_A), told);
  assert.deepEqual(
    effects.map(({ document }) => document.head),
    [oid('b'), oid('b')],
  );
  assert.equal(runOf(state, 'east')?.attempt, 1_000);
});

test('a hub without state publishes nothing for a cluster before its agent is heard', () => {
  const silent = go(EMPTY_STATE, HEAD_A, { heard: new Map([['west', 0]]) });
  assert.deepEqual(
    silent.effects.map(({ cluster }) => cluster),
    ['west'],
  );
  const heard = go(silent.state, HEAD_A, { heard: new Map([['east', 99_000]]) }, 6_000);
  assert.deepEqual(
    heard.effects.map(({ document: { cluster, epoch } }) => [cluster, epoch]),
    [['east', 99_001]],
  );
});

test('what is decided for a cluster whose agent was not heard is not published under the epoch that it has', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { east: 'd1', west: 'd2' } } },
  };
  const before = settled(HEAD_A);
  assert.deepEqual(numberedDocumentOf(before, 'east'), documentOf(before, 'east'));
  const heard = new Map([['west', 0]]);
  const unheard = go(go(before, told, { heard }).state, told, { heard }, 5_500);
  assert.equal(
    runOf(unheard.state, 'east')?.revision,
    oid('b'),
    'left alone, it takes the name of what passed',
  );
  assert.deepEqual(unheard.effects, []);
  assert.equal(numberedDocumentOf(unheard.state, 'east'), undefined);
  const { effects, state } = go(unheard.state, told, {}, 6_000);
  assert.ok(effects[0]!.document.epoch > before.clusters.east!.epoch);
  assert.deepEqual(numberedDocumentOf(state, 'east'), effects[0]?.document);
});

test('an agent that has seen a later epoch than this hub is given a later one still', () => {
  const { effects } = go(settled(HEAD_A), HEAD_A, { heard: new Map([['east', 50_000]]) });
  assert.deepEqual(
    effects.map(({ document }) => document.epoch),
    [50_001],
  );
});

test('epochs and attempts grow although the clock of the hub goes back', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { east: 'd2', west: 'd1' } } },
  };
  const { state } = go(settled(HEAD_A, 9_000), told, {}, 10);
  assert.equal(runOf(state, 'east')?.attempt, 9_003);
  assert.equal(state.clusters.east?.epoch, 9_001);
});

test('after an acknowledged rewrite equal content is named by the new history, without a new attempt', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'z',
    placements: { shop: { version: 'z', digests: { east: 'd1', west: 'd1' } } },
    abandoned: ['a'],
  };
  const { state, effects } = go(settled(HEAD_A), told);
  const { revision, entryRevision, attempt } = runOf(state, 'east')!;
  assert.deepEqual([revision, entryRevision, attempt], [oid('z'), oid('z'), 1_000]);
  assert.equal(effects[0]?.document.head, oid('z'));
  isUndecided(state, go(state, told).state);
});

test('only an answer to the order ends a removal: what was said before it does not count', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { west: 'd1' } } },
  };
  const before = settled(HEAD_A);
  const early = { reports: reportsOf(before, { phase: 'removed' }) };
  const removing = go(before, told, early);
  assert.equal(removing.effects[0]?.document.removed.length, 1);
  assert.equal(documentOf(go(removing.state, told, early).state, 'east')?.removed.length, 1);
});

test('a removal whose objects wait for an approval stays ordered, and is ordered anew when they may go', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { west: 'd1' } } },
  };
  const removing = go(settled(HEAD_A), told).state;
  const waits = reportsOf(removing, { phase: 'current', heldBack: 'prune abc awaits approval' });
  let held = removing;
  for (const now of [6_000, 60_000, 6_000_000]) held = go(held, told, { reports: waits }, now).state;
  assert.equal(documentOf(held, 'east')?.removed.length, 1);
  assert.notEqual(held.fleet.lines.shop?.targets.east?.state, 'Failed');
  const freed = go(held, told, {}, 6_000_500).state;
  assert.equal(go(freed, told, {}, 6_001_000).effects[0]?.document.removed.length ?? 0, 0);
  assert.deepEqual(documentOf(go(freed, told, {}, 6_001_000).state, 'east')?.removed, []);
});

test('a cluster that leaves the fleet is told to remove everything at once, without stages, until it has', () => {
  const told: Told = { ...HEAD_A, head: 'b', clusters: { east: { decommission: 'prune' }, west: {} } };
  const leaving = go(settled(HEAD_A), told);
  assert.deepEqual(clustersOf(leaving.effects), ['east']);
  assert.deepEqual(
    leaving.effects[0]?.document.removed.map(({ placement, revision }) => [placement, revision]),
    [['shop', oid('b')]],
  );
  const gone = go(leaving.state, told, {}, 6_000);
  assert.deepEqual(gone.effects[0]?.document.removed, []);
  isUndecided(gone.state, go(gone.state, told, {}, 7_000).state);
  const back = go(gone.state, { ...HEAD_A, head: 'c' }, {}, 8_000).effects[0]?.document;
  assert.deepEqual([back?.assignments.length, back?.removed.length], [1, 0]);
});

test('a cluster that only observes is shown what its stage takes, and nobody waits for it', () => {
  const told = (head: string, digest: string): Told => ({
    head,
    clusters: { east: { mode: 'observe' }, west: {} },
    placements: { shop: { version: head, digests: { east: digest, west: digest } } },
  });
  const first = settled(told('a', 'd1'));
  assert.equal(documentOf(first, 'east')?.assignments[0]?.digest, 'd1');
  assert.equal(runOf(first, 'east'), undefined);
  assert.deepEqual(first.fleet.lines.shop?.stages[0]?.passed, [oid('a')]);
  const second = go(first, told('b', 'd2'));
  assert.deepEqual(clustersOf(second.effects), ['east', 'west']);
  const shown = documentOf(second.state, 'east')!.assignments[0]!;
  assert.ok(shown.attempt > documentOf(first, 'east')!.assignments[0]!.attempt);
  const alone = settled({ ...told('a', 'd1'), clusters: { east: { mode: 'observe' } } });
  assert.equal(documentOf(alone, 'east')?.assignments.length, 1, 'also where the whole stage observes');
});

test('a step that says what may have changed decides what one that looks at everything does', () => {
  const before = settled(HEAD_A);
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: {
      shop: { version: 'b', digests: { east: 'd2', west: 'd1' } },
      other: { version: 'b', digests: {} },
    },
  };
  const started = go(before, told).state;
  const facts = factsOf(snapshot(told), { reports: reportsOf(started) });
  const whole = advance(started, facts, 6_000);
  const part = advance(started, facts, 6_000, { placements: new Set(['shop']), clusters: new Set() });
  assert.deepEqual(part.state, whole.state);
  assert.deepEqual(part.effects, whole.effects);
});

test('a step that ends a line looks at the documents of those that had it', () => {
  const told: Told = { ...HEAD_A, head: 'b', placements: {}, retired: ['shop'], mostRemoved: '100%' };
  const approvals = [{ placement: 'shop', removal: removalSetHash('shop', ['east', 'west']) }];
  const removing = go(settled(HEAD_A), { ...told, approvals }).state;
  assert.equal(documentOf(removing, 'east')?.removed.length, 1);
  const facts = factsOf(snapshot({ ...told, approvals }), { reports: reportsOf(removing) });
  const only = { placements: new Set(['shop']), clusters: new Set<string>() };
  const over = advance(removing, facts, 6_000, only);
  assert.equal(over.state.fleet.lines.shop, undefined);
  assert.deepEqual(clustersOf(over.effects), ['east', 'west']);
});

test('a rewrite that abandons what runs is seen by the documents although nothing else in them moves', () => {
  const moved: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { east: 'd2', west: 'd1' } } },
  };
  const index = snapshot(moved);
  const on = (state: HubState, now: number, abandoned: string[]) =>
    advance(state, factsOf({ ...index, abandoned: new Set(abandoned) }), now).state;
  const before = on(on(settled(HEAD_A), 5_000, []), 6_000, []);
  assert.deepEqual([runOf(before, 'east')?.revision, before.clusters.east?.head], [oid('b'), oid('a')]);
  const seen = on(before, 7_000, [oid('b')]);
  assert.deepEqual(seen.clusters.east?.offBranch, ['shop']);
});
