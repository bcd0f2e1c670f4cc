import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '#proto/messages.ts';
import type { TargetState } from '#rollouts/state.ts';
import fc from '#test/laws.ts';
import { AssignmentMap } from './testing/assignment-map.ts';
import { assignmentKey, EMPTY_STATE, type HubState, type IndexSnapshot } from './types.ts';
import { decided, START, snapshot, status } from './view/testing/fleet.ts';
import { ReadModel } from './view.ts';

/** Rows are made anew only in part; whoever had heard everything at once would have made them whole. */
const CLUSTERS = ['a', 'b'];
const PLACEMENTS = ['shop', 'web', 'zoo'];
const cluster = fc.constantFrom(...CLUSTERS);
const placement = fc.constantFrom(...PLACEMENTS);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('status' as const),
    cluster,
    placement,
    sync: fc.constantFrom<Status['sync']['state']>('SYNCED', 'APPLYING', 'FAILED'),
    removed: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('index' as const),
    broken: fc.uniqueArray(fc.tuple(cluster, placement), { maxLength: 3 }),
    on: fc.uniqueArray(placement, { minLength: 1 }),
  }),
  fc.record({
    kind: fc.constant('target' as const),
    cluster,
    placement,
    state: fc.constantFrom<TargetState>('Waiting', 'Current', 'Failed', 'Offline'),
    digest: fc.constantFrom('one', 'two', null),
  }),
);

/** As that of the index: it knows which clusters have changed. */
class Comparing extends AssignmentMap {
  override changedSince(): ReadonlySet<string> {
    return new Set(CLUSTERS);
  }
}

function indexOf(on: readonly string[], broken: readonly (readonly [string, string])[]): IndexSnapshot {
  const trouble = {
    code: 'overlay-invalid',
    severity: 'error',
    message: 'no such file',
    source: { file: 'apps/x.yaml' },
    since: START,
  } as const;
  const index = snapshot({
    clusters: ENTRIES,
    placements: Object.fromEntries(on.map((name) => [name, {}])),
    broken: Object.fromEntries(
      broken
        .filter(([, name]) => on.includes(name))
        .map(([one, name]) => [assignmentKey(one, name), trouble as never]),
    ),
  });
  // The same entries are the same objects, as they are in the index.
  return { ...index, clusters: KNOWN.clusters, assignments: new Comparing(index.assignments) };
}
const ENTRIES = Object.fromEntries(CLUSTERS.map((name) => [name, {}]));
const KNOWN = snapshot({ clusters: ENTRIES });

test('rows that were made anew in part are those that would have been made of everything', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      const view = new ReadModel({ startedAt: START });
      const heard: Status[] = [];
      let index = indexOf(PLACEMENTS, []);
      let state: HubState = decided(index, 1);
      view.setIndex(index);
      view.setState(state, undefined);
      for (const one of steps) {
        if (one.kind === 'status') {
          const { sync, removed } = one;
          const told = status(one.cluster, one.placement, { sync: [sync], ...(removed && { removed }) });
          heard.push(told);
          view.onStatus(told, START);
        } else if (one.kind === 'index') {
          index = indexOf(one.on, one.broken);
          view.setIndex(index);
        } else {
          const line = state.fleet.lines[one.placement]!;
          const target = line.targets[one.cluster]!;
          const run = { ...target.run!, digest: one.digest };
          const targets = { ...line.targets, [one.cluster]: { ...target, state: one.state, run } };
          const lines = { ...state.fleet.lines, [one.placement]: { ...line, targets } };
          state = { ...state, fleet: { ...state.fleet, lines } };
          view.setState(state, undefined);
        }
      }
      const whole = new ReadModel({ startedAt: START });
      for (const told of heard) whole.onStatus(told, START);
      whole.setState(EMPTY_STATE, undefined);
      whole.setState(state, undefined);
      whole.setIndex(index);
      const shown = (of: ReadModel) => of.clusters().map(({ version: _, ...row }) => row);
      assert.deepEqual(shown(view), shown(whole));
    }),
    { numRuns: 300 },
  );
});
