import { planGates } from './asked-gates.ts';
import type { Draft } from './draft.ts';
import type { Member } from './membership.ts';
import { isRejected } from './rejected.ts';
import type { Pause, Stage, Target } from './state.ts';
import { isBusy } from './target-table.ts';
import { isOf } from './work.ts';

/**
 * Brings stages and targets in line with strategy and labels of the newest head, before anything is started (design/30, rules 11
 * and 12): stage state is kept by name, nothing goes backwards, and neither a joiner nor a leaver reopens or aborts anything.
 */
export function replan(draft: Draft): void {
  planStages(draft);
  planGates(draft);
  if (planned.get(draft.line.targets)?.isStill(draft)) return;
  dropLeavers(draft);
  planMembers(draft);
  movePauses(draft);
}

/**
 * What targets were planned for, as long as they are the same object: a memory that changes no decision, for a step after each of
 * very many reports. State that was read back is planned anew.
 */
class Planned {
  readonly #membership: Draft['membership'];
  readonly #unreadable: ReadonlySet<string>;
  readonly #versions: Draft['versions'];
  readonly #stages: string;

  constructor(draft: Draft) {
    this.#membership = draft.membership;
    this.#unreadable = draft.facts.unreadable;
    this.#versions = draft.versions;
    this.#stages = standOf(draft);
  }

  isStill(draft: Draft): boolean {
    return (
      this.#membership === draft.membership &&
      this.#unreadable === draft.facts.unreadable &&
      this.#versions === draft.versions &&
      this.#stages === standOf(draft)
    );
  }
}
const planned = new WeakMap<object, Planned>();

export const standOf = ({ line }: Draft): string =>
  line.stages.map(({ name, work, passed }) => `${name} ${work?.version} ${passed.at(-1)}`).join('\n');

/** At the end of a step: its targets were planned, unless stages moved since. */
export function rememberPlan(draft: Draft, stand: string): void {
  if (stand === standOf(draft)) planned.set(draft.line.targets, new Planned(draft));
  else planned.delete(draft.line.targets);
}

/** Again after versions were struck: who was removed may be selected by what is passed now. */
export function planMembers(draft: Draft): void {
  for (const [cluster, stage] of draft.membership.stageOf) planMember(draft, cluster, stage);
}

function planStages(draft: Draft): void {
  const { stages } = draft.line;
  const wanted = draft.facts.strategy.stages.map(({ name }) => name);
  if (wanted.length === stages.length && wanted.every((name, at) => stages[at]?.name === name)) return;
  const known = new Map(stages.map((stage) => [stage.name, stage]));
  const planned = wanted.map((name, at): Stage => {
    const was = known.get(name);
    if (was) return was;
    const after = wanted.slice(at + 1).find((later) => known.has(later));
    const from = after === undefined ? oldestOf(draft, name, known) : known.get(after)?.passed.at(-1);
    return { name, passed: from === undefined ? [] : [from], since: draft.now };
  });
  draft.update({ stages: planned });
  if (draft.line.rollback) planRollback(draft, draft.line.rollback.stages);
}

/** Stages go back from the last to the first, in today's order. */
function planRollback(draft: Draft, names: readonly string[]): void {
  const { rollback, stages } = draft.line;
  const touched = stages.map(({ name }) => name).filter((name) => names.includes(name));
  if (rollback) draft.update({ rollback: { ...rollback, stages: touched.reverse() } });
}

/** What the stages have passed that the members of a new last stage come from: the oldest of it. */
function oldestOf(draft: Draft, name: string, known: ReadonlyMap<string, Stage>): string | undefined {
  const sources = new Set(draft.members(name).map((member) => draft.target(member.name)?.stage));
  const passed = [...known.values()]
    .filter((stage) => sources.size === 0 || sources.has(stage.name))
    .map((stage) => stage.passed.at(-1));
  if (passed.includes(undefined)) return undefined;
  const order = (revision: string | undefined) => draft.versions.order(revision);
  return passed.sort((a, b) => order(a) - order(b))[0];
}

/** A failure whose stage is gone is one of the stage that its clusters have come to; with nobody left of them it is over. */
function movePauses(draft: Draft): void {
  const { stages, pauses } = draft.line;
  const isGone = ({ cause, stage }: Pause) =>
    cause === 'failure' && !stages.some(({ name }) => name === stage);
  if (!pauses.some(isGone)) return;
  const planned = pauses.flatMap((pause) => {
    if (!isGone(pause)) return pause;
    const to = stages.find((stage) => failedIn(draft, stage, pause.version).length > 0);
    return to ? { ...pause, stage: to.name } : [];
  });
  draft.update({ pauses: planned });
  if (planned.length < pauses.length)
    draft.event({ what: 'resumed', reason: 'the clusters that failed are in no stage any more' });
}

/** Members that stand failed on a version. */
export const failedIn = (draft: Draft, { name }: Stage, version: string | undefined): readonly Member[] =>
  draft.members(name).filter((member) => {
    const run = draft.targetOf(member)?.run;
    return run?.phase === 'failed' && run.revision === version;
  });

function dropLeavers(draft: Draft): void {
  const { targets } = draft.line;
  for (const cluster in targets) {
    const target = targets[cluster]!;
    if (draft.membership.stageOf.has(cluster) || draft.facts.unreadable.has(cluster)) continue;
    rememberEvidence(draft, target);
    draft.dropTarget(cluster);
    draft.event({ what: 'left', cluster, stage: target.stage });
  }
}

/** Who became Current by a stage's work has shown that it works, also once it is elsewhere. */
function rememberEvidence(draft: Draft, { stage, run }: Target): void {
  const work = draft.stage(stage)?.work;
  if (!work || !run || !isOf(run, work) || run.phase !== 'current') return;
  const departedHub = Math.max(work.departedHub ?? 0, run.currentHub ?? 0);
  draft.setWork(stage, { departed: work.departed + 1, departedHub });
}

function planMember(draft: Draft, cluster: string, name: string): void {
  const target = draft.target(cluster);
  if (target?.stage === name) return;
  const stage = draft.stage(name)!;
  const passed = draft.lastPassed(stage);
  const late = stage.work && passed !== undefined ? { late: stage.work.floor } : {};
  if (!target) {
    if (!concerns(draft, stage, cluster)) return;
    const isNew = draft.line.stages.some(({ passed: any }) => any.length > 0);
    draft.setTarget(cluster, { stage: name, state: 'Waiting', since: draft.now, ...late });
    if (isNew) draft.event({ what: 'joined', cluster, stage: name });
    return;
  }
  rememberEvidence(draft, target);
  const { late: _late, kept: _kept, ...rest } = target;
  const { run } = target;
  const newer = run && draft.versions.order(run.revision) > draft.versions.order(passed);
  const back = draft.line.rollback;
  const goesBack = back !== undefined && run !== undefined && draft.line.struck.includes(run.revision);
  if (goesBack) planRollback(draft, [...back.stages, name]);
  const keeps =
    newer && !goesBack && !isRejected(draft, cluster, run.digest) && (isBusy(run) || run.phase === 'current');
  const moved: Target = { ...rest, stage: name, ...late };
  draft.setTarget(cluster, keeps ? { ...moved, kept: 'relabelled' } : moved);
  draft.event({ what: 'relabelled', cluster, stage: name });
}

/** Whether any version that the line knows of gives the cluster something. */
export function concerns(draft: Draft, stage: Stage, cluster: string): boolean {
  const known = [draft.versions.head?.revision, stage.work?.version, draft.lastPassed(stage)];
  return known.some((revision) => draft.versions.content(revision, cluster) !== undefined);
}
