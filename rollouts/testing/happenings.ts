import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import fc from '#test/laws.ts';
import { HOUR, MINUTE, ring } from './lab.ts';

/** Everything that may happen to a small fleet, for histories that are drawn by lot. */
export const RINGS = { canary: ['c1', 'c2'], early: ['e1', 'e2', 'e3'], broad: ['p1', 'p2', 'p3'] };
export const STAGES = Object.keys(RINGS);
const ALL = Object.values(RINGS).flat();
export const CLUSTERS = [...ALL, 'j1', 'j2'];
export type Spec = RolloutStrategy['spec'];
export type Stage = Spec['stages'][number];

type Gate = NonNullable<Spec['stages'][number]['before']>[number];
const approval: Gate = { approval: { groups: ['ops'] } };
const webhook: Gate = { webhook: { url: 'https://gate.example/go', secret: 'gate' } };
const stage = (name: string): fc.Arbitrary<Spec['stages'][number]> =>
  fc
    .record(
      {
        maxConcurrent: fc.constantFrom(1, 2, '50%'),
        before: fc.constantFrom<Gate[][]>([approval], [webhook]),
        after: fc.constantFrom<Gate[][]>(
          [{ soak: '10m' }],
          [approval],
          [{ soak: '1m' }, approval],
          [webhook],
        ),
      },
      { requiredKeys: [] },
    )
    .map((more) => ring(name, more));
/** On the hour: the law of windows knows no other crons. */
const window: fc.Arbitrary<NonNullable<Spec['windows']>[number]> = fc.record({
  cron: fc.constant('0 * * * *'),
  duration: fc.constantFrom('5m', '30m'),
  timezone: fc.constant('Europe/Berlin'),
  selector: fc.constantFrom({}, { matchLabels: { ring: 'broad' } }),
});
const ONE_IN_FIVE = fc.nat(4).map((lot) => lot === 4);
export const spec: fc.Arbitrary<Spec> = fc
  .record({
    stages: fc.tuple(...STAGES.map(stage)),
    windows: fc.tuple(ONE_IN_FIVE, window).map(([has, one]) => (has ? [one] : [])),
    failure: fc.record(
      {
        maxFailed: fc.constantFrom(0, 1, '50%'),
        action: fc.constantFrom('pause' as const, 'rollback' as const),
        minCurrent: fc.constantFrom(1, 2),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ stages, ...more }) => ({ ...more, stages: [...stages] }));

const cluster = fc.constantFrom(...CLUSTERS);
const digest = fc.constantFrom('a', 'b', 'c', 'd');
/** What a placement that others depend on is given. */
const under = fc.constantFrom('x', 'y', 'z');
/** Clusters that a commit does not select. */
const some = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(cluster, { minLength: 1, maxLength: 5 }) },
);
const stageName = fc.constantFrom(...STAGES);
const commit = fc.record({
  kind: fc.constant('commit' as const),
  all: digest,
  but: fc.option(fc.tuple(cluster, digest)),
  without: some,
  base: fc.option(under),
});
const happening = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(5_000, 25_000, 90_000, 11 * MINUTE, HOUR),
    }),
  },
  { weight: 4, arbitrary: commit },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('below' as const),
      placement: fc.constantFrom('base', 'net'),
      all: under,
      without: some,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('offline' as const, 'online' as const), cluster }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('outage' as const, 'return' as const),
      clusters: fc.subarray(ALL, { minLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ail' as const), cluster }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      says: fc.constantFrom('yes' as const, 'no' as const, 'away' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('join' as const, 'relabel' as const),
      cluster,
      ring: stageName,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'leave' as const,
        'hold' as const,
        'release' as const,
        'pin' as const,
        'pin newest' as const,
        'unpin' as const,
        'block' as const,
        'unblock' as const,
      ),
      cluster,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('approve' as const, 'expedite' as const, 'deny' as const),
      stage: stageName,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'pause' as const,
        'resume' as const,
        'resume' as const,
        'retry' as const,
        'retry' as const,
        'abort' as const,
        'rollback' as const,
        'freeze' as const,
        'unfreeze' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('blackout' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('edit' as const),
      to: fc.constantFrom(
        'swapped' as const,
        'merged' as const,
        'led' as const,
        'ended' as const,
        'as before' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'backup' as const,
        'restore' as const,
        'lose' as const,
        'resumeRecovered' as const,
        'resumeRecovered' as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('say' as const, 'stale' as const),
      cluster,
      phase: fc.constantFrom('failed' as const, 'current' as const, 'applying' as const),
    }),
  },
);
export type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
/** What happens, and how much time goes by after it. */
export type Step = readonly [Happening, number];
const step = fc.tuple(happening, fc.constantFrom(0, 0, 0, 5_000, 25_000, 90_000, 11 * MINUTE));
/** What takes back what. */
const BACK: Partial<Record<Happening['kind'], Happening['kind']>> = {
  hold: 'release',
  pin: 'unpin',
  'pin newest': 'unpin',
  block: 'unblock',
  freeze: 'unfreeze',
  outage: 'return',
  pause: 'resume',
  restore: 'resume',
  lose: 'resume',
};
const isHasty = ([, ms]: Step) => ms === 0;
function takenBack([one, ms]: Step): Step[] {
  const kind = BACK[one.kind];
  return kind === undefined ? [] : [[{ ...one, kind } as Happening, ms]];
}
/** Most histories begin with a commit: before one there is little to do. Some of what people do is taken back at the end. */
export const steps = (most: number): fc.Arbitrary<readonly Step[]> => {
  const began = fc.tuple(commit, fc.constantFrom(0, 5_000, 25_000));
  return fc
    .tuple(
      fc.oneof({ weight: 5, arbitrary: began }, { weight: 1, arbitrary: step }),
      fc.array(step, { maxLength: most }),
    )
    .map(([begin, more]): Step[] => [
      begin,
      ...more,
      ...more.filter((one) => !isHasty(one)).flatMap(takenBack),
    ]);
};
/** Who has the placement at the beginning: nobody, some, or all. */
export const first = fc.oneof(fc.constant([]), fc.constant(ALL), fc.subarray(ALL, { minLength: 3 }));
export const ONE_IN_FOUR = fc.nat(3).map((lot) => lot === 3);
export const bad = fc.array(
  fc.tuple(cluster, fc.oneof(digest, under), fc.constantFrom('failed', 'silent', 'slow')),
  {
    maxLength: 4,
  },
);
