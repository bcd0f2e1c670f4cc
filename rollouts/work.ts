import { type Draft, isBusy, publishedDigest } from './draft.ts';
import { isAmong } from './membership.ts';
import type { Run, Stage, Target, TargetState, Work } from './state.ts';

/**
 * Whether a member of a stage is a target of what the stage works on: its digest differs from what the stage last passed for it,
 * or from what was last published to it. Who joined while the stage worked is none (design/30, rule 12).
 */
export function isChanged(draft: Draft, stage: Stage, work: Work, cluster: string): boolean {
  const target = draft.target(cluster);
  if (target?.late === work.floor) return false;
  const digest = draft.versions.content(work.version, cluster)?.digest ?? null;
  if (draft.versions.order(work.version) < 0) return false;
  return digest !== passedDigest(draft, stage, cluster) || digest !== startingDigest(target, work);
}

/** What was published before this work; its own runs do not make their targets unchanged. */
function startingDigest(target: Target | undefined, work: Work): string | null | undefined {
  const run = target?.run;
  return run && isOf(run, work) ? undefined : publishedDigest(run);
}

/** What a stage last passed for a cluster; what was published where that is not known any more. */
export function passedDigest(draft: Draft, stage: Stage, cluster: string): string | null {
  const passed = draft.lastPassed(stage);
  if (passed === undefined) return null;
  const version = draft.versions.get(passed);
  return version
    ? (version.contents.get(cluster)?.digest ?? null)
    : publishedDigest(draft.target(cluster)?.run);
}

/** Whether an attempt belongs to a stage's present work. */
export const isOf = (run: Run, work: Work): boolean =>
  run.purpose === 'rollout' && run.revision === work.version && run.attempt > work.floor;

/** The member's attempt of this work, if it has one that still counts. */
export function runOf(target: Target | undefined, work: Work): Run | undefined {
  const run = target?.run;
  return run && isOf(run, work) && !run.again ? run : undefined;
}

/** Changed members of a stage's work, in the order in which they start. */
export function changedMembers(draft: Draft, stage: Stage, work: Work): string[] {
  return draft
    .members(stage.name)
    .map(({ name }) => name)
    .filter((name) => isChanged(draft, stage, work, name));
}

/** Why nothing may be done on a cluster: held, suspended, pinned …; undefined where something may. */
export function blockedBy(draft: Draft, cluster: string): string | undefined {
  return pinOf(draft, cluster)?.words ?? draft.facts.blockedBy(cluster);
}

export function pinOf(draft: Draft, cluster: string): { version: string; words: string } | undefined {
  const { pins } = draft.line;
  if (pins.length === 0) return undefined;
  const known = draft.membership.byName.get(cluster);
  const pin = known && pins.find(({ whom }) => isAmong(whom, known));
  return pin && { version: pin.version, words: `pinned by ${pin.by}: ${pin.reason}` };
}

/** Unreachable for `offline.after` of hub time, and no bus hold: it is taken for lost. */
export function isLost(draft: Draft, cluster: string): boolean {
  const since = draft.facts.silent.get(cluster);
  if (since === undefined || draft.line.bus) return false;
  return draft.due(since + draft.facts.strategy.offline.afterMs);
}

export type Seen = { readonly state: TargetState; readonly reason?: string };

/** Where a changed member of a stage's work stands. */
export function seeTarget(draft: Draft, work: Work, cluster: string): Seen {
  const run = runOf(draft.target(cluster), work);
  const blocked = blockedBy(draft, cluster);
  if (run && run.phase !== 'stopped') {
    if (run.phase === 'failed') return { state: 'Failed', ...(run.failure && { reason: run.failure }) };
    if (run.phase === 'removed') return { state: 'Removed' };
    if (run.phase === 'current') return { state: run.worse ? 'Verifying' : 'Current' };
    if (blocked === undefined)
      return { state: run.phase === 'started' && run.verifying ? 'Verifying' : 'Applying' };
  }
  if (blocked !== undefined) return { state: 'Blocked', reason: blocked };
  if (isLost(draft, cluster)) return { state: 'Offline', reason: 'unreachable' };
  const version = draft.versions.get(work.version);
  const dependency = version && draft.facts.dependency(cluster, version);
  if (dependency?.is === 'blocked' && !work.revert) return { state: 'Blocked', reason: dependency.reason };
  return { state: 'Waiting' };
}

/** Where a member that is no target of any work stands. */
export function seeIdle(draft: Draft, cluster: string): Seen {
  const run = draft.target(cluster)?.run;
  if (!run) return { state: 'Waiting' };
  if (run.phase === 'failed') return { state: 'Failed', ...(run.failure && { reason: run.failure }) };
  if (run.phase === 'removed') return { state: 'Removed' };
  const blocked = blockedBy(draft, cluster);
  if (blocked !== undefined && run.phase !== 'current') return { state: 'Blocked', reason: blocked };
  if (isBusy(run)) return { state: run.verifying ? 'Verifying' : 'Applying' };
  return { state: 'Current' };
}

/** Targets that nobody waits for any more. */
export const hasEnded = ({ state }: Seen): boolean =>
  state !== 'Waiting' && state !== 'Applying' && state !== 'Verifying';

/** One look at all changed members of a stage's work. */
export type Survey = {
  readonly seen: ReadonlyMap<string, Seen>;
  /** Became Current by an attempt of this work, and are. */
  readonly evidence: number;
  /** Failures that count. */
  readonly failures: readonly string[];
  readonly failed: number;
  readonly unfinished: readonly string[];
  /** Hub time at which the last target became Current. */
  readonly lastCurrentHub: number;
  /** An attempt of this work was echoed somewhere. */
  readonly started: boolean;
};

export function survey(draft: Draft, stage: Stage, work: Work): Survey {
  const seen = new Map<string, Seen>();
  const failures: string[] = [];
  const unfinished: string[] = [];
  let [evidence, failed, lastCurrentHub, started] = [work.departed, 0, 0, false];
  for (const { name } of draft.members(stage.name)) {
    if (!isChanged(draft, stage, work, name)) continue;
    const one = seeTarget(draft, work, name);
    seen.set(name, one);
    const run = runOf(draft.target(name), work);
    if (run && run.phase !== 'published') started = true;
    if (!hasEnded(one)) unfinished.push(name);
    if (one.state === 'Current' || one.state === 'Removed') evidence += 1;
    if (run?.currentHub !== undefined && one.state === 'Current')
      lastCurrentHub = Math.max(lastCurrentHub, run.currentHub);
    if (one.state !== 'Failed' || run?.excused === 'accepted') continue;
    failed += 1;
    if (run?.excused === undefined) failures.push(name);
  }
  return { seen, evidence, failures, failed, unfinished, lastCurrentHub, started };
}

/** How many targets have to be Current by it before a stage passes. */
export function neededEvidence(draft: Draft, changed: number): number {
  return Math.max(1, Math.min(draft.facts.strategy.failure.minCurrent, changed));
}
