import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removalSetHash } from '#proto/removals.ts';
import fc from '#test/laws.ts';
import { advance, isDecided } from './advance.ts';
import { documentOf } from './desired.ts';
import { decodeState, encodeState } from './state-codec.ts';
import { factsOf, oid, reportsOf, snapshot, type Told } from './testing/snapshot.ts';
import { EMPTY_STATE, type HubState } from './types.ts';

const NAMES = Array.from({ length: 100 }, (_, i) => `c${String(i).padStart(2, '0')}`);
const others = { other: { version: 'a', digests: {} } };

/** All clusters, and the placement `shop` on those named; undefined is a placement that is gone. */
function fleetOf(head: string, on: readonly string[] | undefined, more: Partial<Told> = {}): Told {
  const shop = on && { version: head, digests: Object.fromEntries(on.map((name) => [name, 'd1'])) };
  const clusters = Object.fromEntries(NAMES.map((name) => [name, {}]));
  const retired = on ? [] : ['shop'];
  return { head, clusters, placements: { ...others, ...(shop && { shop }) }, retired, ...more };
}

class Hub {
  state: HubState = EMPTY_STATE;
  now = Date.parse('2026-11-20T12:00:00Z');

  /** Decides, and returns the clusters that are ordered to remove it. */
  sees(told: Told): string[] {
    this.now += 1_000;
    const were = new Set(this.removing());
    const reports = reportsOf(this.state);
    this.state = advance(this.state, factsOf(snapshot(told), { reports }), this.now).state;
    const again = advance(this.state, factsOf(snapshot(told), { reports }), this.now + 7);
    assert.equal(isDecided(this.state, again.state), false);
    return this.removing().filter((name) => !were.has(name));
  }

  get line() {
    return this.state.fleet.lines.shop;
  }
  get removals() {
    return this.state.removals.shop;
  }
  get held(): readonly string[] {
    return this.removals?.held?.clusters ?? [];
  }
  /** Told to remove it, or done with that. */
  removing(): string[] {
    const lines = Object.entries(this.line?.targets ?? {}).filter(([, { run }]) => run?.digest === null);
    const leave = Object.entries(this.state.clusters).filter(([, { leaving }]) => leaving?.shop);
    return [...lines, ...leave].map(([name]) => name).sort();
  }
  document(cluster: string) {
    return documentOf(this.state, cluster);
  }
}

function settled(): Hub {
  const hub = new Hub();
  hub.sees(fleetOf('a', NAMES));
  hub.sees(fleetOf('a', NAMES));
  return hub;
}

test('eleven of a hundred are held: they stay in their documents as they were, and nothing is published', () => {
  const hub = settled();
  const before = hub.state;
  assert.deepEqual(hub.sees(fleetOf('b', NAMES.slice(11))), []);
  assert.deepEqual(hub.held, NAMES.slice(0, 11));
  assert.deepEqual(hub.removals?.held, {
    setHash: removalSetHash('shop', NAMES.slice(0, 11)),
    since: hub.now,
    leaving: 11,
    left: 0,
    of: 100,
    clusters: NAMES.slice(0, 11),
  });
  for (const name of NAMES) assert.deepEqual(hub.document(name), documentOf(before, name));
});

test('ten commits of nine in a hundred do not slip through, however long each had to end', () => {
  const hub = settled();
  assert.equal(hub.sees(fleetOf('b', NAMES.slice(9))).length, 9);
  for (let commit = 2; commit <= 10; commit++) {
    for (let i = 0; i < 3; i++)
      assert.deepEqual(hub.sees(fleetOf(`b${commit}`, NAMES.slice(9 * commit))), []);
    assert.equal(hub.held.length, 9 * (commit - 1));
    assert.equal(hub.removals?.held?.left, 9);
  }
});

test('an approval lets exactly its set go, and what is measured begins anew with it', () => {
  const hub = settled();
  const on = NAMES.slice(11);
  hub.sees(fleetOf('b', on));
  const { setHash } = hub.removals!.held!;
  const approving = (head: string, names: readonly string[], removal = setHash) => {
    const told = fleetOf(head, names);
    const { digests, version } = told.placements.shop!;
    return {
      ...told,
      placements: { ...others, shop: { digests, version, approvals: [{ removal, until: '2026-11-20' }] } },
    };
  };
  assert.deepEqual(hub.sees(approving('c', on, 'another')), []);
  assert.deepEqual(hub.sees(approving('d', NAMES.slice(12))), [], 'one more than was approved');
  assert.deepEqual(hub.sees(approving('e', on)), NAMES.slice(0, 11));
  assert.deepEqual(
    hub.document('c00')?.removed.map(({ placement, revision }) => [placement, revision]),
    [['shop', oid('e')]],
  );
  assert.equal(hub.removals?.held, undefined);
  assert.equal(hub.sees(approving('f', NAMES.slice(19))).length, 8, '8 of 89');
  assert.equal(hub.held.length, 0);
});

test('an approval that has expired lets nothing go', () => {
  const hub = settled();
  const approvals = [
    { placement: 'shop', removal: removalSetHash('shop', NAMES), until: '2026-11-19' },
    { placement: 'other', removal: removalSetHash('shop', NAMES) },
  ];
  assert.deepEqual(hub.sees(fleetOf('b', undefined, { approvals })), []);
  assert.equal(hub.held.length, 100);
});

test('a deleted placement waits for flotilla.yaml, which may say so while no placement is left at all', () => {
  const hub = settled();
  const mostRemoved = '100%';
  assert.deepEqual(hub.sees({ ...fleetOf('b', undefined, { mostRemoved }), placements: {} }), []);
  assert.equal(hub.held.length, 100, 'a repository without placements is not believed');
  const approvals = [{ placement: 'shop', removal: hub.removals!.held!.setHash }];
  const said = hub.sees({ ...fleetOf('c', undefined, { mostRemoved, approvals }), placements: {} });
  assert.equal(said.length, 100);
  hub.sees(fleetOf('c', undefined));
  assert.equal(hub.line, undefined);
});

test('bringing the placement back ends the hold, and everything is as it was', () => {
  const hub = settled();
  const attempts = () => NAMES.map((name) => hub.document(name)?.assignments[0]?.attempt);
  const before = attempts();
  hub.sees(fleetOf('b', undefined));
  assert.equal(hub.held.length, 100);
  hub.sees(fleetOf('c', NAMES));
  assert.deepEqual([attempts(), hub.removals], [before, undefined]);
});

test('clusters that leave the fleet, or say decommission: prune, need no approval and count for nothing', () => {
  const hub = settled();
  const clusters = Object.fromEntries(
    NAMES.slice(20).map((name, i) => [name, i < 30 ? { decommission: 'prune' as const } : {}]),
  );
  const told = { ...fleetOf('b', NAMES.slice(20)), clusters };
  assert.deepEqual(hub.sees(told), NAMES.slice(20, 50));
  assert.equal(hub.removals?.left, undefined);
  assert.equal(hub.held.length, 0);
  assert.equal(hub.document('c00'), undefined);
  hub.sees(told);
  assert.deepEqual(hub.document('c20')?.assignments, [], 'it is given nothing anew');
  const back = hub.sees({ ...told, head: 'c', clusters: { ...clusters, c20: {} } });
  assert.deepEqual(back, []);
  assert.equal(hub.document('c20')?.assignments.length, 1);
});

test('after an acknowledged rewrite what is held is left out of the documents, which makes agents keep it', () => {
  const hub = settled();
  const told = fleetOf('z', undefined, { abandoned: ['a'] });
  assert.deepEqual(hub.sees(told), []);
  assert.equal(hub.held.length, 100);
  const document = hub.document('c00');
  assert.deepEqual([document?.assignments, document?.removed], [[], []]);
  const back = Object.fromEntries(NAMES.map((name) => [name, 'd1']));
  hub.sees({ ...told, head: 'y', placements: { ...others, shop: { version: 'y', digests: back } } });
  assert.equal(hub.document('c00')?.assignments.length, 1);
});

test('what is read at once goes on changing for a cluster with a placement that is gone and held', () => {
  const hub = settled();
  hub.sees(fleetOf('b', undefined));
  const told = fleetOf('c', undefined);
  hub.sees({ ...told, clusters: { ...told.clusters, c00: { mode: 'observe' } } });
  assert.equal(hub.document('c00')?.head, oid('c'));
  assert.notEqual(hub.document('c01')?.head, oid('c'));
});

test('state that was saved before removals were held is read as one where nothing ever left', () => {
  const target = { revision: oid('a'), entryRevision: oid('a'), digest: 'd1', attempt: 5, since: 7 };
  const document = { epoch: 3, issuedAt: 4, headHash: 'h', head: oid('a'), contentHash: 'c' };
  const entries = new Map([
    ['line.shop', `{"since":1,"v":1,"version":"${oid('a')}"}`],
    [
      'cluster.c00',
      JSON.stringify({ v: 1, ...document, targets: { shop: { ...target, state: 'Current' } } }),
    ],
  ]);
  const read = decodeState(entries);
  assert.deepEqual(read.unreadable, []);
  const { fleet, removals, clusters } = read.state;
  assert.deepEqual([removals, clusters], [{}, { c00: document }]);
  assert.deepEqual(fleet.lines.shop?.stages, [{ name: 'all', passed: [oid('a')], passedAt: 1, since: 1 }]);
  assert.equal(fleet.lines.shop?.attempt, 5);
  const { digest, attempt, phase } = fleet.lines.shop!.targets.c00!.run!;
  assert.deepEqual([digest, attempt, phase], ['d1', 5, 'current']);
  const told = { ...fleetOf('b', ['c00']), clusters: { c00: {} } };
  const after = advance(read.state, factsOf(snapshot(told), { reports: reportsOf(read.state) }), 9_000).state;
  assert.equal(after.fleet.lines.shop?.targets.c00?.run?.attempt, 5, 'what runs is not started anew');
});

const FEW = NAMES.slice(0, 12);
const few = (head: string, on: readonly string[] | undefined, more: Partial<Told>): Told => ({
  ...fleetOf(head, on, more),
  clusters: Object.fromEntries(FEW.map((name) => [name, {}])),
});
const history = fc.array(
  fc.record({ on: fc.subarray(FEW), gone: fc.constantFrom(false, false, true), approve: fc.boolean() }),
  { maxLength: 12 },
);

test('whatever is committed, what goes without an approval is one that is not the last, or within the limit of all that left', () => {
  fc.assert(
    fc.property(history, (commits) => {
      const hub = new Hub();
      hub.sees(few('a', FEW, { mostRemoved: '25%' }));
      let unapproved = new Set<string>();
      let reached = new Set(FEW);
      commits.forEach(({ on, gone, approve }, number) => {
        const held = hub.removals?.held;
        const approvals = approve && held ? [{ placement: 'shop', removal: held.setHash }] : [];
        const removing = hub.removing();
        const live = Object.keys(hub.line?.targets ?? {}).filter((name) => !removing.includes(name));
        const told = few(`r${number}`, gone ? undefined : on, { mostRemoved: '25%', approvals });
        const ordered = hub.sees(told);
        const assigned = new Set(gone ? [] : on);
        for (const name of assigned) unapproved.delete(name);
        if (ordered.length > 0 && approvals[0]?.removal === removalSetHash('shop', ordered)) {
          unapproved = new Set();
          reached = new Set(on);
        } else if (ordered.length > 0) {
          for (const name of ordered) unapproved.add(name);
          const stays = live.length > ordered.length || assigned.size > 0;
          assert.ok(stays, 'something is left of it');
          assert.ok(ordered.length === 1 || unapproved.size <= 0.25 * reached.size);
        }
        for (const name of assigned) reached.add(name);
        for (const name of hub.held) assert.ok(!assigned.has(name));
        assert.deepEqual(decodeState(encodeState(hub.state)).state, JSON.parse(JSON.stringify(hub.state)));
      });
    }),
    { numRuns: 150 },
  );
});
