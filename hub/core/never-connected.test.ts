import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance } from './advance.ts';
import { Liveness } from './liveness.ts';
import { decodeState, encodeState } from './state-codec.ts';
import { factsOf, reportsOf, snapshot, type Told } from './testing/snapshot.ts';
import { EMPTY_STATE, type HubState } from './types.ts';

const MINUTE = 60_000;
const HEARTBEAT = 30_000;
const patience = { patienceMs: 3 * HEARTBEAT, settleMs: 3 * HEARTBEAT };

const told = (head: string): Told => ({
  head,
  clusters: { east: {}, west: {} },
  placements: { shop: { version: head, digests: { east: head, west: head } } },
});

/** A hub at work on saved state, for so long: east speaks all the time, west has never said a word. */
function run(state: HubState, head: string, from: number, minutes: number): HubState {
  const liveness = new Liveness(patience);
  liveness.remember(Object.keys(state.fleet.silent));
  const index = snapshot(told(head));
  let is = state;
  for (let now = from; now < from + minutes * MINUTE; now += HEARTBEAT) {
    liveness.heard('east');
    liveness.tick(now, true, ['east', 'west']);
    const { unreachable, settled: counting } = liveness;
    const reports = new Map(
      [...reportsOf(is)].map(([name, of]) => [name, new Map([...of].filter(([one]) => one === 'east'))]),
    );
    const heard = new Map([['east', is.clusters.east?.epoch ?? 0]]);
    is = advance(is, factsOf(index, { reports, heard, unreachable, counting }), now).state;
  }
  return decodeState(encodeState(is)).state;
}
const workOf = ({ fleet }: HubState) => fleet.lines.shop?.stages[0]?.work;

test('a cluster that never connected is given up once, and no hub that begins later waits for it again', () => {
  const first = run(EMPTY_STATE, 'a', 0, 8);
  assert.ok(workOf(first), 'it is waited for');
  // Restarted again and again, hubs count on where the one before has ended.
  const second = run(first, 'a', 10 * MINUTE, 10);
  assert.equal(workOf(second), undefined);
  const third = run(second, 'b', 30 * MINUTE, 3);
  assert.equal(workOf(third), undefined, JSON.stringify(third.fleet.lines.shop));
  assert.equal(third.fleet.lines.shop?.targets.east?.run?.digest, 'b');
});
