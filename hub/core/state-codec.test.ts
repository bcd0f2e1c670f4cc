import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { advance } from './advance.ts';
import { decodeState, encodeEntry, encodeState, keysBetween } from './state-codec.ts';
import { factsOf, reportsOf, snapshot, type Told } from './testing/snapshot.ts';
import { EMPTY_STATE, type HubState } from './types.ts';

const CLUSTERS = ['a', 'b', 'c', 'd'];
const commit = fc.record({
  on: fc.subarray(CLUSTERS),
  there: fc.subarray(CLUSTERS, { minLength: 1 }),
  digest: fc.constantFrom('d1', 'd2'),
  silent: fc.subarray(CLUSTERS),
  deleted: fc.constantFrom(false, false, false, true),
});

function told(
  head: string,
  { on, there, digest, deleted }: typeof commit extends fc.Arbitrary<infer T> ? T : never,
): Told {
  const digests = Object.fromEntries(on.filter((name) => there.includes(name)).map((name) => [name, digest]));
  return {
    head,
    clusters: Object.fromEntries(there.map((name) => [name, {}])),
    placements: {
      other: { version: 'x', digests: {} },
      ...(!deleted && { shop: { version: head, digests } }),
    },
    retired: deleted ? ['shop'] : [],
    mostRemoved: '50%',
  };
}

test('whatever is decided, the entries that differ are among those named, and all together read as the state', () => {
  fc.assert(
    fc.property(fc.array(commit, { maxLength: 10 }), (commits) => {
      let state: HubState = EMPTY_STATE;
      let entries = encodeState(state);
      for (const [at, one] of commits.entries()) {
        const before = state;
        const facts = factsOf(snapshot(told(`r${at}`, one)), {
          reports: reportsOf(before),
          unreachable: new Set(one.silent.filter((name) => one.there.includes(name))),
        });
        state = advance(before, facts, 1_000 * (at + 1)).state;
        entries = new Map(entries);
        for (const key of keysBetween(before, state)) {
          const text = encodeEntry(state, key);
          if (text === undefined) entries.delete(key);
          else entries.set(key, text);
        }
        assert.deepEqual(new Map([...entries].sort()), new Map([...encodeState(state)].sort()));
        const read = decodeState(entries);
        assert.deepEqual(read, { state: JSON.parse(JSON.stringify(state)), unreadable: [] });
      }
    }),
    { numRuns: 200 },
  );
});

test('an entry that cannot be read is named, and the others are read', () => {
  const entries = new Map([
    ['cluster.a', '{'],
    ['line.shop', '{"v":9}'],
    ['fleet', '{"v":2,"clock":{"at":5,"hub":3,"running":true},"freezes":[],"holds":{}}'],
  ]);
  const { state, unreadable } = decodeState(entries);
  assert.deepEqual(unreadable, ['cluster.a', 'line.shop']);
  assert.equal(state.fleet.clock.hub, 3);
});
