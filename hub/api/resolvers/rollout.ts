import type { EffectivePlacement } from '../../core/types.ts';
import type { ChangeRow } from '../../core/view/rollouts/change.ts';
import type { GateRow } from '../../core/view/rollouts/gates.ts';
import type { LineStage } from '../../core/view/rollouts/line-stages.ts';
import type { Told } from '../../core/view/rollouts/memory.ts';
import { type Progress, percentOf } from '../../core/view/rollouts/progress.ts';
import type { RolloutRow, StageRow } from '../../core/view/rollouts/rollout.ts';
import type { TargetRow } from '../../core/view/rollouts/targets.ts';
import { type Connection, connect, type PageArguments } from '../connection.ts';
import type { ApiContext } from '../context.ts';
import { idOf, readId } from '../ids.ts';
import { newestRolloutEvents, newestRollouts, targetsByStage } from '../orders.ts';
import { stageApproval } from './approval.ts';
import { type Resolver, revision, wordOf } from './shared.ts';

type Of<A = unknown> = Resolver<RolloutRow, A>;
type Given<T> = T | null | undefined;

export type RolloutFilter = {
  readonly phase?: Given<readonly string[]>;
  readonly revision?: Given<string>;
  readonly placement?: Given<string>;
  readonly cluster?: Given<string>;
  readonly since?: Given<number>;
};

export function rolloutConnection(
  rows: readonly RolloutRow[],
  { filter, ...page }: PageArguments & { filter?: Given<RolloutFilter> },
  context: ApiContext,
): Connection<RolloutRow> {
  const { phase, revision: wanted, placement, cluster, since } = filter ?? {};
  const { view, time } = context;
  const changes = (row: RolloutRow) => {
    time.check();
    return view.rollouts.targets(row).some((one) => one.cluster === cluster && one.state !== 'Unchanged');
  };
  const found = rows.filter(
    (row) =>
      (!phase || phase.includes(wordOf(row.phase))) &&
      (wanted == null || row.version === wanted) &&
      (placement == null || row.placement === placement) &&
      (since == null || (row.startedAt ?? 0) >= since) &&
      (cluster == null || changes(row)),
  );
  return connect(found, newestRollouts, page, context);
}

/** The rollout that an opaque id names; undefined when there is none, or none any more. */
export function rolloutNamed(id: string, { view }: ApiContext): RolloutRow | undefined {
  const read = readId(id);
  const [placement = '', version = ''] = read?.parts ?? [];
  return read?.type === 'Rollout' ? view.rollouts.rollout(placement, version) : undefined;
}

const optional = (oid: string | undefined, context: ApiContext) =>
  oid === undefined ? undefined : revision(oid, context);
const progress = (counts: Progress) => ({ ...counts, percent: percentOf(counts) });

const Rollout = {
  id: (({ placement, version }) => idOf('Rollout', placement, version)) as Of,
  alias: (({ placement, version }, _, { view }) => `${placement}@${view.aliasOf(version)}`) as Of,
  change: (({ version }, _, { view }) => view.change(version)) as Of,
  placement: (({ placement }, _, { view }) => view.placement(placement)) as Of,
  version: (({ version }, _, context) => revision(version, context)) as Of,
  previous: ((row, _, context) => optional(context.view.rollouts.previous(row), context)) as Of,
  phase: (({ phase }) => wordOf(phase)) as Of,
  reason: ((row, _, { view }) => view.rollouts.reason(row)) as Of,
  pausedUntil: ((row, _, { view }) => view.rollouts.pausedUntil(row)) as Of,
  waitingFor: ((row, _, { view }) => view.rollouts.waitingFor(row)) as Of,
  eta: ((row, _, { view, time }) => {
    time.check();
    return view.rollouts.eta(row);
  }) as Of,
  progress: ((row, _, { view, time }) => {
    time.check();
    return progress(view.rollouts.progress(row));
  }) as Of,
  stages: ((row, _, { view }) => view.rollouts.stages(row).map((stage) => ({ ...stage, row }))) as Of,
  targets: ((row, { stage, state, ...page }, context) => {
    const rows = context.view.rollouts
      .targets(row)
      .filter(
        (one) => (stage == null || one.stage === stage) && (!state || state.includes(wordOf(one.state))),
      );
    const place = new Map(context.view.rollouts.stages(row).map(({ name, index }) => [name, index]));
    return connect(rows, targetsByStage(place), page, context);
  }) as Of<PageArguments & { stage?: Given<string>; state?: Given<readonly string[]> }>,
  events: ((row, page, context) => {
    const memory = context.view.rollouts.memory(row);
    const told = (memory?.events ?? []).map((event, at) => ({ ...event, place: memory!.dropped + at }));
    return connect(told, newestRolloutEvents, page, context);
  }) as Of<PageArguments>,
};

type StageOf = StageRow & { readonly row: RolloutRow };
type OfStage = Resolver<StageOf>;
const RolloutStage = {
  phase: (({ phase }) => wordOf(phase)) as OfStage,
  progress: (({ row, name }, _, { view }) => progress(view.rollouts.stageProgress(row, name))) as OfStage,
  gates: (({ row, name }, _, { view }) =>
    view.rollouts.gates(row, name).map((gate) => ({ ...gate, row, stage: name }))) as OfStage,
};

type OfGate = Resolver<GateRow & { readonly row: RolloutRow; readonly stage: string }>;
const Gate = {
  when: (({ when }) => wordOf(when)) as OfGate,
  approval: (({ row, stage, key, kind }, _, { view }) =>
    kind === 'APPROVAL' ? stageApproval(view, row.placement, row.version, stage, key) : undefined) as OfGate,
};

type OfTarget = Resolver<TargetRow>;
const RolloutTarget = {
  cluster: (({ cluster }, _, { view }) => view.cluster(cluster)) as OfTarget,
  name: (({ cluster }) => cluster) as OfTarget,
  state: (({ state }) => wordOf(state)) as OfTarget,
};

const RolloutEvent = {
  type: (({ what }) => wordOf(what)) as Resolver<Told>,
};

type OfChange = Resolver<ChangeRow>;
const Change = {
  id: (({ revision: oid }) => idOf('Change', oid)) as OfChange,
  revision: (({ revision: oid }, _, context) => revision(oid, context)) as OfChange,
  phase: (({ phase }) => wordOf(phase)) as OfChange,
  progress: (({ rollouts }, _, { view, time }) => {
    time.check();
    return progress(view.rollouts.sum(rollouts));
  }) as OfChange,
  approvals: (({ revision: oid, rollouts }, _, { view }) =>
    rollouts.flatMap(({ placement }) =>
      view.rollouts.approvals(placement).filter(({ version }) => version === oid),
    )) as OfChange,
};

type OfLine = Resolver<LineStage>;
const Stage = {
  working: (({ working }, _, context) => optional(working, context)) as OfLine,
  passed: (({ passed }, _, context) => optional(passed, context)) as OfLine,
};
const Pause = { cause: (({ cause }) => wordOf(cause)) as Resolver<{ readonly cause: string }> };

/** What a placement has of rollouts. */
export const placementRollouts = {
  strategy: (({ document }, _, { view }) =>
    view.rollouts.view(document.metadata.name)?.facts.strategy.name) as Resolver<EffectivePlacement>,
  stages: (({ document }, _, { view }) =>
    view.rollouts.lineStages(document.metadata.name)) as Resolver<EffectivePlacement>,
  rollouts: (({ document }, args, context) =>
    rolloutConnection(context.view.rollouts.rollouts(document.metadata.name), args, context)) as Resolver<
    EffectivePlacement,
    PageArguments & { filter?: Given<RolloutFilter> }
  >,
};

export const rolloutResolvers = {
  Rollout,
  RolloutStage,
  Gate,
  RolloutTarget,
  RolloutEvent,
  Change,
  Stage,
  Pause,
};
