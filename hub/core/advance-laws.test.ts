import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { advance, isDecided } from './advance.ts';
import { documentOf, toldOf } from './desired.ts';
import { decodeState, encodeState } from './state-codec.ts';
import { factsOf, snapshot, type Told } from './testing/snapshot.ts';
import {
  type AgentReport,
  assignmentKey,
  EMPTY_STATE,
  type HubFacts,
  type HubState,
  type Only,
} from './types.ts';

/** Random histories of a small fleet: commits (joins, leaves, relabels, changes, invalid documents), reports and silence. */
const CLUSTERS = ['c1', 'c2', 'c3'];
const PLACEMENTS = ['p1', 'p2'];
const digest = fc.constantFrom('d1', 'd2', undefined);
const fleet = fc.record({
  clusters: fc.record(
    Object.fromEntries(CLUSTERS.map((name) => [name, fc.constantFrom('absent', 'valid', 'invalid')])),
  ),
  placements: fc.record(
    Object.fromEntries(
      PLACEMENTS.map((name) => [
        name,
        fc.record({
          state: fc.constantFrom('absent', 'valid', 'valid', 'invalid'),
          digests: fc.record(Object.fromEntries(CLUSTERS.map((cluster) => [cluster, digest]))),
        }),
      ]),
    ),
  ),
  noFleet: fc.constantFrom(false, false, false, true),
});
const report = fc.record({
  cluster: fc.constantFrom(...CLUSTERS),
  placement: fc.constantFrom(...PLACEMENTS),
  phase: fc.constantFrom('applying', 'verifying', 'current', 'failed', 'removed'),
});
const step = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), fleet }),
  fc.record({ kind: fc.constant('report' as const), report }),
  fc.record({
    kind: fc.constant('hello' as const),
    cluster: fc.constantFrom(...CLUSTERS),
    epoch: fc.nat(10_000),
  }),
  fc.record({ kind: fc.constant('silence' as const), cluster: fc.constantFrom(...CLUSTERS) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function told(number: number, of: Extract<Step, { kind: 'commit' }>['fleet']): Told {
  const head = `r${number}`;
  const clusters = Object.entries(of.clusters).filter(([, state]) => state !== 'absent');
  const placements = Object.entries(of.placements).filter(([, { state }]) => state !== 'absent');
  const retired = PLACEMENTS.filter((name) => of.placements[name]?.state === 'absent');
  return {
    head,
    retired,
    noFleet: of.noFleet,
    clusters: Object.fromEntries(clusters.map(([name, state]) => [name, { invalid: state === 'invalid' }])),
    placements: Object.fromEntries(
      placements.map(([name, { state, digests }]) => [
        name,
        { version: head, invalid: state === 'invalid', digests },
      ]),
    ),
  };
}

type World = {
  state: HubState;
  facts: HubFacts;
  now: number;
  /** What the step was about; undefined: a commit, or nobody knows. */
  only?: Only | undefined;
  /** The map that grows, as that of the hub does. */
  heard: ReadonlyMap<string, number>;
};

/** Plays a history; `visit` sees every step with the facts that were decided on. */
function play(steps: readonly Step[], visit: (before: HubState, world: World) => void): void {
  let now = 1_000;
  const heard = new Map<string, number>();
  const facts = factsOf(snapshot(told(0, EMPTY_FLEET)));
  const world: World = { state: EMPTY_STATE, facts, now, heard };
  const reports = new Map<string, ReadonlyMap<string, AgentReport>>();
  const unreachable = new Set<string>();
  steps.forEach((one, number) => {
    now += 10;
    let { index } = world.facts;
    let only: Only | undefined = { placements: new Set(), clusters: new Set() };
    switch (one.kind) {
      case 'commit':
        index = snapshot(told(number + 1, one.fleet));
        only = undefined;
        break;
      case 'report': {
        const { cluster, placement, phase } = one.report;
        const told = toldOf(world.state.fleet, world.state.clusters[cluster], placement, cluster);
        if (!told) break;
        const { attempt, digest } = told;
        const said = { attempt, phase, ...(digest !== null && { digest }) };
        reports.set(placement, new Map(reports.get(placement)).set(cluster, said));
        only = { ...only, placements: new Set([placement]) };
        break;
      }
      case 'hello':
        only = {
          placements: heard.has(one.cluster) && !unreachable.has(one.cluster) ? new Set() : 'all',
          clusters: new Set([one.cluster]),
        };
        heard.set(one.cluster, Math.max(one.epoch, heard.get(one.cluster) ?? 0));
        unreachable.delete(one.cluster);
        break;
      case 'silence':
        if (index.clusters.has(one.cluster)) unreachable.add(one.cluster);
        only = { ...only, placements: 'all' };
        break;
      default:
        one satisfies never;
    }
    const said = { reports: new Map(reports), heard: new Map(heard), unreachable: new Set(unreachable) };
    const facts = { ...factsOf(index), ...said };
    const before = world.state;
    Object.assign(world, { facts, now, only, state: advance(before, facts, now).state });
    visit(before, world);
  });
}
const EMPTY_FLEET = {
  noFleet: true,
  clusters: {} as Record<string, 'absent' | 'valid' | 'invalid'>,
  placements: {},
};

const histories = fc.array(step, { maxLength: 25 });
const law = (visit: (before: HubState, world: World) => void) =>
  fc.assert(
    fc.property(histories, (steps) => play(steps, visit)),
    { numRuns: 300 },
  );

test('advance is idempotent on its own result, at any later time', () => {
  law((_, { state, facts, now }) => {
    const again = advance(state, facts, now + 7);
    assert.equal(isDecided(state, again.state), false);
    assert.deepEqual(again.effects, []);
  });
});

test('a step that is told what has changed decides as one that looks at everything', () => {
  fc.assert(
    fc.property(histories, (steps) => {
      let state = EMPTY_STATE;
      play(steps, (_, { state: whole, facts, now, only, heard }) => {
        state = advance(state, { ...facts, heard }, now, only).state;
        assert.deepEqual(state, whole);
      });
    }),
    { numRuns: 300 },
  );
});

test('state read back from what was saved is equal and decides the same', () => {
  law((before, { state, facts, now }) => {
    const read = decodeState(encodeState(before));
    assert.deepEqual(read.unreadable, []);
    assert.deepEqual(read.state, JSON.parse(JSON.stringify(before)));
    assert.deepEqual(advance(read.state, facts, now).state, state);
  });
});

test('every document that a cluster has is published, and follows from saved state alone', () => {
  law((before, { state, facts, now }) => {
    const { effects } = advance(before, facts, now);
    for (const { cluster, document } of effects) assert.deepEqual(documentOf(state, cluster), document);
    const published = new Set(effects.map(({ cluster }) => cluster));
    for (const cluster of Object.keys(state.clusters)) {
      const [was, is] = [documentOf(before, cluster), documentOf(state, cluster)];
      assert.equal(published.has(cluster), JSON.stringify(was) !== JSON.stringify(is));
    }
  });
});

test('epochs and attempts never go back while an entry stays', () => {
  law((before, { state }) => {
    for (const [cluster, { epoch }] of Object.entries(state.clusters)) {
      assert.ok(epoch >= (before.clusters[cluster]?.epoch ?? 0));
    }
    for (const [placement, cluster] of pairs(state)) {
      const [was, is] = [before, state].map((one) => at(one, placement, cluster));
      if (!was || !is) continue;
      assert.ok(was.digest === is.digest ? is.attempt >= was.attempt : is.attempt > was.attempt);
    }
  });
});

test('a commit that changes no digest, no selection and nothing read at once starts nothing', () => {
  law((_, { state, facts, now }) => {
    const unrelated = { ...facts.index, head: { ...facts.index.head, oid: 'f'.repeat(40) } };
    const after = advance(state, { ...facts, index: unrelated }, now + 1);
    assert.equal(isDecided(state, after.state), false);
    assert.deepEqual(after.effects, []);
  });
});

test('nothing is removed unless a valid entry and a readable placement say that it is not selected', () => {
  law((before, { state, facts: { index } }) => {
    for (const [placement, cluster] of pairs(state)) {
      if (at(state, placement, cluster)?.digest !== null) continue;
      if (at(before, placement, cluster)?.digest === null) continue;
      assert.ok(index.fleet && index.placements.size > 0);
      assert.equal(index.clusters.get(cluster)?.invalid, false);
      assert.notEqual(index.placements.get(placement)?.invalid, true);
      assert.equal(index.assignments.has(assignmentKey(cluster, placement)), false);
    }
  });
});

test('an assignment leaves a document only by a removal, by the end of one, or with its entry', () => {
  law((before, { state, facts: { index } }) => {
    for (const [placement, cluster] of pairs(before)) {
      const was = at(before, placement, cluster);
      if (!was || at(state, placement, cluster) || !index.clusters.has(cluster)) continue;
      assert.equal(was.digest, null, `${cluster}/${placement} vanished`);
    }
  });
});

/** What is told of every placement to every cluster. */
const pairs = ({ fleet, clusters }: HubState) =>
  Object.keys(fleet.lines).flatMap((placement) =>
    [...new Set([...Object.keys(clusters), ...CLUSTERS])].map((cluster) => [placement, cluster] as const),
  );
const at = ({ fleet, clusters }: HubState, placement: string, cluster: string) =>
  toldOf(fleet, clusters[cluster], placement, cluster);
