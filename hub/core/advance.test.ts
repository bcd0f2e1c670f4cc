import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalSetHash } from '#proto/removals.ts';
import { advance } from './advance.ts';
import { factsOf, oid, snapshot, status, type Told } from './testing/snapshot.ts';
import { assignmentKey, EMPTY_STATE, type HubFacts, type HubState, type StatusFacts } from './types.ts';

const HEAD_A: Told = {
  head: 'a',
  clusters: { east: {}, west: {} },
  placements: { shop: { version: 'a', digests: { east: 'd1', west: 'd1' } } },
};

/** State after the fleet `told` was decided at `now` and every cluster reported Current. */
function settled(told: Told, now = 1_000, from: HubState = EMPTY_STATE): HubState {
  const first = advance(from, factsOf(snapshot(told)), now).state;
  return advance(first, factsOf(snapshot(told), { statuses: reports(first) }), now + 1).state;
}

function reports(state: HubState, more: Partial<StatusFacts> = {}): Map<string, StatusFacts> {
  const statuses = new Map<string, StatusFacts>();
  for (const [placement, line] of Object.entries(state.lines)) {
    for (const [cluster, { attempt, digest, removal }] of Object.entries(line.targets)) {
      const epoch = state.clusters[cluster]?.epoch ?? 0;
      const said = status({ attempt, epoch, appliedDigest: digest, removed: removal !== undefined, ...more });
      statuses.set(assignmentKey(cluster, placement), said);
    }
  }
  return statuses;
}

const target = (state: HubState, cluster: string, placement = 'shop') =>
  state.lines[placement]?.targets[cluster];

function go(state: HubState, told: Told, more: Partial<HubFacts> = {}, now = 5_000) {
  return advance(state, factsOf(snapshot(told), more), now);
}

test('the first version of a placement starts on every cluster that it selects', () => {
  const { state, effects } = go(EMPTY_STATE, HEAD_A);
  assert.equal(state.lines.shop?.version, oid('a'));
  assert.deepEqual(
    effects.map(({ document }) => document),
    ['east', 'west'].map((cluster) => ({
      cluster,
      epoch: 5_000,
      issuedAt: '1970-01-01T00:00:05.000Z',
      head: oid('a'),
      assignments: [
        { placement: 'shop', revision: oid('a'), entryRevision: oid('a'), digest: 'd1', attempt: 5_000 },
      ],
      removed: [],
    })),
  );
});

test('a commit that changes no digest moves nothing', () => {
  const before = settled(HEAD_A);
  const { state, effects } = go(before, { ...HEAD_A, head: 'b' });
  assert.equal(state, before);
  assert.deepEqual(effects, []);
});

test('a changed digest makes a new version, starts the changed clusters only and names the others when it is done', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'b', digests: { east: 'd2', west: 'd1' } } },
  };
  const { state, effects } = go(settled(HEAD_A), told);
  assert.equal(state.lines.shop?.version, oid('b'));
  assert.deepEqual(target(state, 'east'), {
    revision: oid('b'),
    entryRevision: oid('b'),
    digest: 'd2',
    attempt: 5_000,
    state: 'Waiting',
    since: 5_000,
  });
  assert.equal(target(state, 'west')?.state, 'Unchanged');
  assert.deepEqual(
    effects.map(({ cluster }) => cluster),
    ['east'],
  );

  const done = go(state, told, { statuses: reports(state) }, 6_000);
  assert.equal(target(done.state, 'east')?.state, 'Current');
  assert.equal(target(done.state, 'west')?.revision, oid('b'));
  assert.equal(target(done.state, 'west')?.attempt, 1_000, 'an equal digest is no new attempt');
  assert.deepEqual(
    done.effects.map(({ cluster }) => cluster),
    ['west'],
  );
});

test('reports for another attempt never count', () => {
  const { state } = go(EMPTY_STATE, HEAD_A);
  const statuses = reports(state, { attempt: 4_999 });
  assert.equal(target(go(state, HEAD_A, { statuses }).state, 'east')?.state, 'Waiting');
});

for (const [said, expected] of [
  [{ sync: 'PENDING' }, 'Waiting'],
  [{ sync: 'APPLYING' }, 'Applying'],
  [{ sync: 'SYNCED', health: 'IN_PROGRESS' }, 'Verifying'],
  [{ sync: 'SYNCED', appliedDigest: 'd0' }, 'Applying'],
  [{ sync: 'SYNCED' }, 'Current'],
  [{ sync: 'AWAITING_APPROVAL' }, 'Current'],
  [{ sync: 'SYNCED', health: 'FAILED' }, 'Failed'],
  [{ sync: 'FAILED' }, 'Failed'],
  [{ sync: 'HELD' }, 'Waiting'],
] as const satisfies [Partial<StatusFacts>, string][]) {
  test(`a target that reports ${JSON.stringify(said)} is ${expected}`, () => {
    const { state } = go(EMPTY_STATE, HEAD_A);
    const after = go(state, HEAD_A, { statuses: reports(state, said) });
    assert.equal(target(after.state, 'east')?.state, expected);
    assert.deepEqual(after.effects, [], 'reports publish nothing');
  });
}

test('a target that was reached stays reached while its agent corrects drift', () => {
  const before = settled(HEAD_A);
  const after = go(before, HEAD_A, { statuses: reports(before, { sync: 'APPLYING' }) });
  assert.equal(after.state, before);
});

test('a failed target that recovers is Current', () => {
  const first = go(EMPTY_STATE, HEAD_A).state;
  const failed = go(first, HEAD_A, { statuses: reports(first, { sync: 'FAILED' }) }).state;
  assert.equal(target(go(failed, HEAD_A, { statuses: reports(failed) }).state, 'east')?.state, 'Current');
});

test('a silent cluster that has not started is Offline, and waits again when it is heard', () => {
  const { state } = go(EMPTY_STATE, HEAD_A);
  const offline = go(state, HEAD_A, { offline: new Set(['east']) }).state;
  assert.equal(target(offline, 'east')?.state, 'Offline');
  assert.equal(target(go(offline, HEAD_A).state, 'east')?.state, 'Waiting');
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
  assert.equal(state.lines.shop?.version, oid('a'));
  assert.equal(target(state, 'east'), target(before, 'east'));
  assert.equal(target(state, 'north')?.entryRevision, oid('b'));
  assert.deepEqual(
    effects.map(({ cluster }) => cluster),
    ['north'],
  );
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
  assert.equal(state.lines.shop?.version, oid('a'));
  assert.equal(target(state, 'east')?.attempt, 5_000);
  assert.equal(target(state, 'west')?.state, 'Current');
});

test('a deselected cluster is told to remove until it says that everything is gone', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'a', digests: { west: 'd1' } } },
  };
  const removing = go(settled(HEAD_A), told);
  const [effect] = removing.effects;
  assert.deepEqual(effect?.document.assignments, []);
  assert.deepEqual(effect?.document.removed, [{ placement: 'shop', revision: oid('b') }]);

  const later = go(removing.state, { ...told, head: 'c' });
  assert.equal(later.state, removing.state, 'the revision of a removal stays');

  const gone = go(removing.state, told, { statuses: reports(removing.state) }, 6_000);
  assert.equal(target(gone.state, 'east')?.state, 'Removed');
  assert.deepEqual(gone.effects[0]?.document.removed, []);
});

test('a deleted placement is removed everywhere once it is approved, and its line ends with the last removal', () => {
  const removal = removalSetHash('shop', ['east', 'west']);
  const told: Told = {
    head: 'b',
    clusters: HEAD_A.clusters,
    placements: { other: { version: 'b', digests: {} } },
    approvals: [{ placement: 'shop', removal }],
  };
  const removing = go(settled(HEAD_A), told);
  assert.deepEqual(
    removing.effects.map(({ document }) => document.removed.length),
    [1, 1],
  );
  const gone = go(removing.state, told, { statuses: reports(removing.state) }, 6_000);
  assert.equal(gone.state.lines.shop, undefined);
});

test('a placement that is selected again while it is being removed starts anew', () => {
  const without: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'a', digests: { west: 'd1' } } },
  };
  const removing = go(settled(HEAD_A), without).state;
  const { state, effects } = go(removing, { ...HEAD_A, head: 'c' }, {}, 7_000);
  assert.equal(target(state, 'east')?.attempt, 7_000);
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
    assert.deepEqual(state.lines.shop, before.lines.shop);
    assert.deepEqual(
      effects.filter(({ cluster }) => cluster !== 'x'),
      [],
    );
  });
}

test('a deleted entry orders no removal; the cluster is dropped from the plan', () => {
  const told: Told = { ...HEAD_A, head: 'b', clusters: { west: {} } };
  const { state, effects } = go(settled(HEAD_A), told);
  assert.equal(target(state, 'east'), undefined);
  assert.equal(state.clusters.east, undefined);
  assert.deepEqual(effects, []);
});

test('head moves only when something that the cluster reads at once differs', () => {
  const before = settled(HEAD_A);
  const observed: Told = { ...HEAD_A, head: 'b', clusters: { east: { mode: 'observe' }, west: {} } };
  const { state, effects } = go(before, observed);
  assert.equal(state.clusters.east?.head, oid('b'));
  assert.equal(state.clusters.west?.head, oid('a'));
  assert.deepEqual(
    effects.map(({ cluster }) => cluster),
    ['east'],
  );
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
  assert.equal(target(state, 'east')?.attempt, 1_000);
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
  assert.equal(target(state, 'east')?.attempt, 9_001);
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
  const { revision, entryRevision, attempt } = target(state, 'east')!;
  assert.deepEqual([revision, entryRevision, attempt], [oid('z'), oid('z'), 1_000]);
  assert.equal(effects[0]?.document.head, oid('z'));
  assert.equal(go(state, told).state, state);
});

test('only an answer to the order ends a removal: what was said before it does not count', () => {
  const told: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'a', digests: { west: 'd1' } } },
  };
  const before = settled(HEAD_A);
  const early = reports(before, { removed: true });
  const removing = go(before, told, { statuses: early });
  assert.equal(removing.effects[0]?.document.removed.length, 1);
  assert.equal(go(removing.state, told, { statuses: early }).state, removing.state);
});

test('a removal is ordered although an earlier one of the same placement was ended', () => {
  const without: Told = {
    ...HEAD_A,
    head: 'b',
    placements: { shop: { version: 'a', digests: { west: 'd1' } } },
  };
  const removing = go(settled(HEAD_A), without).state;
  const statuses = reports(removing);
  const removed = go(removing, without, { statuses }).state;
  const again = go(removed, { ...HEAD_A, head: 'c' }, { statuses }, 7_000).state;
  const second = go(again, { ...without, head: 'd' }, { statuses }, 8_000);
  assert.deepEqual(second.effects[0]?.document.removed, [{ placement: 'shop', revision: oid('d') }]);
  assert.equal(target(second.state, 'east')?.state, 'Waiting');
});

test('a cluster that was still applying when the version moved, with the same digest, is named by it too in the end', () => {
  const joined: Told = {
    head: 'b',
    clusters: { east: {}, west: {} },
    placements: { shop: { version: 'a', digests: { east: 'd1', west: 'd1' } } },
  };
  const east: Told = {
    ...joined,
    clusters: { east: {} },
    placements: { shop: { version: 'a', digests: { east: 'd1' } } },
  };
  const applying = go(settled({ ...east, head: 'a' }), joined, {}, 4_000).state;
  assert.equal(target(applying, 'west')?.state, 'Waiting');
  const moved: Told = {
    ...joined,
    head: 'c',
    placements: { shop: { version: 'c', digests: { east: 'd2', west: 'd1' } } },
  };
  const working = go(applying, moved).state;
  const ended = go(working, moved, { statuses: reports(working) }, 6_000).state;
  assert.deepEqual([target(ended, 'east')?.revision, target(ended, 'west')?.revision], [oid('c'), oid('c')]);
});
