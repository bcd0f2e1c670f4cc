import { test } from 'node:test';
import { API } from '../bed/scripted-fleet.ts';
import { playTwice, type Scene } from './rehearsal-lab.ts';

/** What `flotilla rehearse` foretells happens with a real hub, event by event. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const LIMIT = { timeout: 900_000 };

/** Cluster → seconds until it is Current; all differ, so that there is one order. */
const AFTER: Readonly<Record<string, number>> = {
  ...{ c1: 10, c2: 20, c3: 30, e1: 20, e2: 25, e3: 15 },
  ...{ b1: 30, b2: 45, b3: 20 },
};
const RINGS = { canary: ['c1', 'c2', 'c3'], early: ['e1', 'e2', 'e3'], broad: ['b1', 'b2', 'b3'] };
const afterOf = (cluster: string) => AFTER[cluster]! * SECOND;
const well = (cluster: string) => ({ afterMs: afterOf(cluster), phase: 'current' as const });
/** Rules of the clusters that do nothing but become Current. */
const wellBut = (...others: readonly string[]) =>
  Object.entries(AFTER)
    .filter(([name]) => !others.includes(name))
    .map(([name, seconds]) => `    - { name: ${name}, outcome: current, after: ${seconds}s }`)
    .join('\n');

const DEGRADED_MS = 14 * MINUTE;
const approve = {
  placement: 'shop',
  order: { kind: 'approve', stage: 'early', by: 'alice', groups: ['ops'] },
} as const;

const paused: Scene = {
  name: 'paused',
  rings: RINGS,
  strategy: `
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 1m }] }
    - name: early
      selector: { matchLabels: { ring: early } }
      maxConcurrent: 1
      before: [{ approval: { groups: [ops] } }]
    - { name: broad, selector: {}, maxConcurrent: 2 }
  offline: { after: 2m }
  progressDeadline: 2m
`,
  scenario: ({ bad, fix }) => `${API}
kind: Scenario
spec:
  clusters:
    - { name: b3, outcome: offline, at: 4m, until: 12m }
    - { name: c1, outcome: degraded, at: ${DEGRADED_MS / MINUTE}m, after: ${AFTER.c1}s, message: it falls over }
    - { name: c3, outcome: failed, after: ${AFTER.c3}s, message: ImagePullBackOff, revision: ${bad} }
${wellBut('b3', 'c1')}
  events:
    - { at: 3m, commit: ${fix} }
    - { at: 6m, approve: { placement: shop, stage: early, by: alice, groups: [ops] } }
    - { at: 17m, resume: { placement: shop, by: alice } }
  until: 18m
`,
  kinds: ['failed', 'paused', 'superseded', 'approved', 'offline', 'succeeded', 'degraded', 'resumed'],
  play({ cluster, revision }, { bad }, sinceMs) {
    if (cluster === 'c3' && revision === bad)
      return [{ afterMs: afterOf(cluster), phase: 'failed', message: 'ImagePullBackOff' }];
    if (cluster !== 'c1' || sinceMs === undefined) return [well(cluster)];
    return [well(cluster), { afterMs: DEGRADED_MS - sinceMs, phase: 'failed', message: 'it falls over' }];
  },
  begin: [{ passed: 'canary', order: approve }],
  events: [
    [3 * MINUTE, ({ push }, { fix }) => push(fix)],
    [4 * MINUTE, ({ silence }) => silence(true, 'b3')],
    [6 * MINUTE, ({ order }) => order(approve)],
    [12 * MINUTE, ({ silence }) => silence(false, 'b3')],
    [17 * MINUTE, ({ order }) => order({ placement: 'shop', order: { kind: 'resume', by: 'alice' } })],
  ],
  endsAt: 18 * MINUTE,
};

/** A failure in the last stage goes back through all; the fix meets a hold, a freeze and a pin. */
const takenBack: Scene = {
  name: 'taken-back',
  rings: RINGS,
  strategy: `
  stages:
    - { name: canary, selector: { matchLabels: { ring: canary } }, after: [{ soak: 1m }] }
    - { name: early, selector: { matchLabels: { ring: early } }, maxConcurrent: 1 }
    - { name: broad, selector: {}, maxConcurrent: 2 }
  failure: { action: rollback }
  offline: { after: 2m }
  progressDeadline: 2m
`,
  scenario: ({ first, bad, fix }) => `${API}
kind: Scenario
spec:
  clusters:
    - { name: b2, outcome: failed, after: ${AFTER.b2}s, message: CrashLoopBackOff, revision: ${bad} }
${wellBut()}
  events:
    - { at: 450s, hold: { name: e2, by: bob } }
    - { at: 465s, freeze: { name: b3, by: bob } }
    - { at: 480s, commit: ${fix} }
    - { at: 720s, release: { name: e2, by: bob } }
    - { at: 780s, unfreeze: { name: b3, by: bob } }
    - { at: 860s, pin: { placement: shop, name: c1, revision: ${first}, by: bob } }
  until: 15m
`,
  kinds: ['failed', 'rollbackStarted', 'rolledBack', 'rollbackEnded', 'succeeded', 'pinned'],
  play: ({ cluster, revision }, { bad }) =>
    cluster === 'b2' && revision === bad
      ? [{ afterMs: afterOf(cluster), phase: 'failed', message: 'CrashLoopBackOff' }]
      : [well(cluster)],
  events: [
    [450 * SECOND, ({ order }) => order({ kind: 'hold', cluster: 'e2', by: 'bob' })],
    [465 * SECOND, ({ order }) => order({ kind: 'freeze', whom: { cluster: 'b3' }, by: 'bob' })],
    [480 * SECOND, ({ push }, { fix }) => push(fix)],
    [720 * SECOND, ({ order }) => order({ kind: 'release', cluster: 'e2', by: 'bob' })],
    [780 * SECOND, ({ order }) => order({ kind: 'unfreeze', whom: { cluster: 'b3' }, by: 'bob' })],
    [
      860 * SECOND,
      ({ order }, { first }) =>
        order({
          placement: 'shop',
          order: { kind: 'pin', whom: { cluster: 'c1' }, revision: first, by: 'bob' },
        }),
    ],
  ],
  endsAt: 15 * MINUTE,
};

test(
  'what a rehearsal says happens in this order with a real hub, and as it ends there it ends here',
  LIMIT,
  (t) => playTwice(paused, (text) => t.diagnostic(text)),
);

test(
  'what a rehearsal says of a rollback, of holds, freezes and pins, happens in this order, too',
  LIMIT,
  (t) => playTwice(takenBack, (text) => t.diagnostic(text)),
);
