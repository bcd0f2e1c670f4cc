import { publishedDigest } from '#rollouts/draft.ts';
import type { Stage, TargetState } from '#rollouts/state.ts';
import { blockedBy, hasNothingBefore, isChanged, isOf, isUnchanged } from '#rollouts/work.ts';
import { type LineView, standingOf } from './line-view.ts';

/** One cluster of a rollout. Times are Unix milliseconds. */
export type TargetRow = {
  readonly cluster: string;
  readonly stage: string;
  readonly state: TargetState;
  /** The newest start of this version there; undefined while there was none, or it is not known any more. */
  readonly attempt: number | undefined;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly message: string | undefined;
};

const ENDED: readonly TargetState[] = ['Current', 'Failed', 'Removed', 'Offline', 'Blocked'];

/**
 * The clusters that a version concerns in a stage. Where the stage has gone on to something else: as the events tell that it ended
 * there, so far as they are remembered.
 */
export function targetsOf(view: LineView, version: string, stage: Stage): readonly TargetRow[] {
  return view.once(`targets ${version} ${stage.name}`, () => {
    switch (standingOf(view, stage, version)) {
      case 'working':
        return working(view, version, stage);
      case 'passed':
        return passed(view, version, stage);
      case 'ahead':
        return ahead(view, version, stage);
      case 'gone':
        return remembered(view, version, stage);
    }
  });
}

function working({ draft, remember }: LineView, version: string, stage: Stage): TargetRow[] {
  const work = stage.work!;
  const memory = remember(version);
  const rows: TargetRow[] = [];
  for (const member of draft.members(stage.name)) {
    const { name } = member;
    const target = draft.targetOf(member);
    if (!target || target.late === work.floor) continue;
    const own = { cluster: name, stage: stage.name };
    if (!isChanged(draft, stage, work, member)) {
      if (isUnchanged(draft, work, member)) rows.push(unchanged(own, target));
      continue;
    }
    const run = target.run && isOf(target.run, work) ? target.run : undefined;
    rows.push({
      ...own,
      state: target.state,
      attempt: run?.attempt,
      startedAt: run && (memory?.targets.get(name)?.startedAt ?? run.attempt),
      finishedAt: ENDED.includes(target.state) ? target.since : undefined,
      // What an agent reports is told at once, though it has to stand for a while before it counts.
      message: target.reason ?? run?.failure,
    });
  }
  return rows;
}

type Own = { readonly cluster: string; readonly stage: string };

/** Listed and never waited for, also where it is not well. */
function unchanged(own: Own, { state, reason }: { state: TargetState; reason?: string }): TargetRow {
  const isWell = state === 'Current' || state === 'Unchanged';
  const message = isWell ? undefined : `unhealthy before: ${reason ?? state}`;
  return { ...own, state: 'Unchanged', ...NOTHING, message };
}

const NOTHING = { attempt: undefined, startedAt: undefined, finishedAt: undefined, message: undefined };

function passed(view: LineView, version: string, stage: Stage): TargetRow[] {
  const { draft } = view;
  const memory = view.remember(version);
  const before = stage.passed.at(-2);
  const rows: TargetRow[] = [];
  for (const member of draft.members(stage.name)) {
    const { name } = member;
    const own = { cluster: name, stage: stage.name };
    const digest = draft.digestOf(version, member) ?? null;
    const was = before === undefined ? null : (draft.digestOf(before, member) ?? null);
    const target = draft.targetOf(member);
    if (digest === was && before !== undefined) {
      if (digest !== null) rows.push(unchanged(own, target ?? { state: 'Unchanged' }));
      continue;
    }
    if (digest === null && was === null) continue;
    const run = target?.run;
    if (digest === null && !run) {
      const known = memory?.targets.get(name);
      rows.push({ ...own, ...NOTHING, ...known, state: 'Removed' });
    } else if (publishedDigest(run) === digest) {
      rows.push({
        ...own,
        state: target!.state,
        attempt: run!.attempt,
        startedAt: memory?.targets.get(name)?.startedAt ?? run!.attempt,
        finishedAt: target!.since,
        message: target!.reason,
      });
    } else {
      const away = draft.facts.silent.has(name) ? 'Offline' : undefined;
      const message = blockedBy(draft, name);
      const state = message === undefined ? (away ?? 'Waiting') : 'Blocked';
      rows.push({ ...own, ...NOTHING, state, message });
    }
  }
  return rows;
}

function ahead({ draft }: LineView, version: string, stage: Stage): TargetRow[] {
  const base = stage.work?.version ?? stage.passed.at(-1);
  const rows: TargetRow[] = [];
  for (const member of draft.members(stage.name)) {
    const digest = draft.digestOf(version, member) ?? null;
    const was = base === undefined ? null : (draft.digestOf(base, member) ?? null);
    const state = digest !== was ? 'Waiting' : digest === null ? undefined : 'Unchanged';
    if (state) rows.push({ cluster: member.name, stage: stage.name, state, ...NOTHING });
  }
  return rows;
}

/** Under the stage that a cluster is in now, so that none is listed twice. */
function remembered({ remember, draft }: LineView, version: string, stage: Stage): TargetRow[] {
  const { name } = stage;
  const rows = new Map<string, TargetRow>();
  for (const [cluster, { stage: was, state, ...times }] of remember(version)?.targets ?? []) {
    const now = draft.membership.stageOf.get(cluster) ?? was;
    if (now === name) rows.set(cluster, { ...NOTHING, ...times, cluster, stage: name, state });
  }
  // Who could not go back is listed as it stands, whatever is remembered of it.
  for (const member of draft.members(name)) {
    const { run, state, reason } = draft.targetOf(member) ?? {};
    if (run?.revision !== version || !state || !hasNothingBefore(draft, stage, member)) continue;
    const times = rows.get(member.name) ?? { ...NOTHING, attempt: run.attempt, startedAt: run.attempt };
    rows.set(member.name, { ...times, cluster: member.name, stage: name, state, message: reason });
  }
  return [...rows.values()];
}
