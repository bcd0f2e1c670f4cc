import { milliseconds, share } from './documents/common.ts';
import type { GateSpec, RolloutStrategy, StageSpec, WindowSpec } from './documents/strategy.ts';
import { type Labels, matches } from './selector.ts';

/** A number of clusters, or a share (0 to 1) of the members of a stage. */
export type Amount = { clusters: number } | { share: number };

export type Stage = {
  name: string;
  selector: StageSpec['selector'];
  before: readonly GateSpec[];
  after: readonly GateSpec[];
  /** Undefined: the whole stage. */
  maxConcurrent: Amount | undefined;
  orderBy: string | undefined;
};

/** A rollout strategy with its defaults filled in; times in milliseconds. */
export type Strategy = {
  /** Undefined where no strategy is named: one stage of all. */
  name: string | undefined;
  stages: readonly Stage[];
  failure: { maxFailed: Amount; action: 'pause' | 'rollback'; minCurrent: number };
  offline: { afterMs: number; maxShare: number };
  regressionMs: number;
  progressDeadlineMs: number;
  windows: readonly WindowSpec[];
};

/** No strategy is one stage of all clusters. */
export function strategyOf(document: RolloutStrategy | undefined): Strategy {
  const {
    stages,
    failure = {},
    offline = {},
    regression = {},
    progressDeadline,
    windows,
  } = document?.spec ?? {
    stages: [{ name: 'all', selector: {} }],
  };
  return {
    name: document?.metadata.name,
    stages: stages.map(({ name, selector, before = [], after = [], maxConcurrent, orderBy }) => ({
      name,
      selector,
      before,
      after,
      maxConcurrent: maxConcurrent === undefined ? undefined : amountOf(maxConcurrent),
      orderBy,
    })),
    failure: {
      maxFailed: amountOf(failure.maxFailed ?? 0),
      action: failure.action ?? 'pause',
      minCurrent: failure.minCurrent ?? 1,
    },
    offline: { afterMs: milliseconds(offline.after ?? '10m'), maxShare: share(offline.max ?? '20%') },
    regressionMs: milliseconds(regression.window ?? '2h'),
    progressDeadlineMs: milliseconds(progressDeadline ?? '10m'),
    windows: windows ?? [],
  };
}

/** The stage that a cluster falls in: the first one whose selector matches; undefined where none does. */
export function stageOf<S extends { selector: StageSpec['selector'] }>(
  stages: readonly S[],
  labels: Labels,
): S | undefined {
  return stages.find(({ selector }) => matches(selector, labels));
}

export function amountOf(text: number | string): Amount {
  return typeof text === 'number' ? { clusters: text } : { share: share(text) };
}

/** How many of `members` an amount is: a share is rounded down. */
export function clustersOf(amount: Amount, members: number): number {
  // A share is a whole percentage, so that rounding first keeps 7 % of 100 at 7.
  return 'clusters' in amount
    ? amount.clusters
    : Math.floor((Math.round(amount.share * 100) * members) / 100);
}
