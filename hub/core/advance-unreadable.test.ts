import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderFleet } from '#rollouts/fleet-commands.ts';
import { isRecovered } from '#rollouts/recover.ts';
import { advance, fleetFactsAt, isDecided } from './advance.ts';
import { trailOf } from './audit.ts';
import { decodeState, encodeState } from './state-codec.ts';
import { factsOf, reportsOf, snapshot, type Told } from './testing/snapshot.ts';
import { EMPTY_STATE, type HubState } from './types.ts';

/** What becomes of saved state of which one entry cannot be read, when Git has something new at the same time. */
const told = (head: string): Told => ({
  head,
  clusters: { east: {}, west: {} },
  placements: {
    shop: { version: head, digests: { east: `shop-${head}`, west: `shop-${head}` } },
    desk: { version: head, digests: { east: `desk-${head}`, west: `desk-${head}` } },
  },
});
const at = (head: string, state: HubState) => factsOf(snapshot(told(head)), { reports: reportsOf(state) });

/** Both placements are Current everywhere at `a`, and it is saved. */
function saved(): HubState {
  const first = advance(EMPTY_STATE, factsOf(snapshot(told('a'))), 1_000).state;
  const { state } = advance(first, at('a', first), 2_000);
  return { ...state, fleet: { ...state.fleet, clock: { ...state.fleet.clock, hub: 2_000 } } };
}

/** The next hub reads it with one entry broken, and decides while Git is at `b`. */
function readBroken(key: string) {
  const entries = encodeState(saved());
  assert.ok(entries.has(key));
  const { state, unreadable } = decodeState(entries.set(key, '{"v":2,'));
  assert.deepEqual(unreadable, [key]);
  return { read: state, decided: advance(state, at('b', state), 5_000) };
}

const pausesOf = ({ fleet }: HubState, line: string) => fleet.lines[line]?.pauses.map(({ cause }) => cause);
function resumed(state: HubState): HubState {
  const facts = at('b', state);
  const command = { kind: 'resumeRecovered', by: 'alice', reason: 'looked' } as const;
  const answer = orderFleet(state.fleet, fleetFactsAt(state, facts, 6_000), command, 6_000);
  assert.ok('state' in answer, JSON.stringify(answer));
  return { ...state, fleet: answer.state };
}

test('a line that cannot be read starts nothing and waits for a person; the others go on', () => {
  const { read, decided } = readBroken('line.shop');
  assert.deepEqual(pausesOf(decided.state, 'shop'), ['recovered']);
  assert.deepEqual(pausesOf(decided.state, 'desk'), []);
  for (const { document } of decided.effects)
    assert.deepEqual(
      document.assignments.map(({ digest }) => digest),
      ['desk-b', 'shop-a'],
    );
  const paused = decided.events.find(({ what }) => what === 'paused');
  assert.equal(paused?.placement, 'shop');
  assert.match(paused?.reason ?? '', /saved of this line cannot be read.*flotilla hub resume/);
  assert.ok(isDecided(read, decided.state), 'it is saved');
  assert.equal(decided.state.unreadable, undefined);
});

test('what stages have passed is read from their members, and the line goes on when it is resumed', () => {
  const { decided } = readBroken('line.shop');
  assert.equal(decided.state.fleet.lines.shop?.stages[0]?.passed.length, 1);
  const state = resumed(decided.state);
  const { effects } = advance(state, at('b', state), 7_000);
  assert.deepEqual(
    effects.flatMap(({ document }) => document.assignments.map(({ digest }) => digest)),
    ['desk-b', 'shop-b', 'desk-b', 'shop-b'],
  );
});

test('that a line could not be read is left behind in the audit', () => {
  const { read, decided } = readBroken('line.shop');
  const { events, state: after } = decided;
  const { entries } = trailOf({ before: read, after, events, now: 5_000, countsOf: () => undefined });
  assert.ok(
    entries.some((entry) => JSON.stringify(entry).includes('cannot be read')),
    JSON.stringify(entries),
  );
});

test('without the entry of the fleet everything waits: nobody knows what was frozen or held', () => {
  const { decided } = readBroken('fleet');
  assert.deepEqual(decided.effects, []);
  for (const line of ['shop', 'desk']) {
    assert.deepEqual(pausesOf(decided.state, line), ['recovered']);
    const paused = decided.events.find(({ what, placement }) => what === 'paused' && placement === line);
    assert.match(paused?.reason ?? '', /freezes and holds cannot be read/);
  }
  assert.ok(isRecovered(decided.state.fleet));
  const state = resumed(decided.state);
  assert.equal(advance(state, at('b', state), 7_000).effects.length, 2);
});

test('hub time does not begin anew without the entry of the fleet, or deadlines would not end for as long', () => {
  const { decided } = readBroken('fleet');
  const stamps = Object.values(decided.state.fleet.lines).flatMap(({ targets }) =>
    Object.values(targets).map(({ run }) => run?.currentHub ?? 0),
  );
  assert.ok(decided.state.fleet.clock.hub >= Math.max(...stamps));
});
