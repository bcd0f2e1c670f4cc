import { type Draft, publishedDigest } from './draft.ts';
import type { StateCounts } from './events.ts';
import { isAmong, type Member } from './membership.ts';
import { isBarred } from './rejected.ts';
import type { Run, Stage, Target, TargetState, Work } from './state.ts';
import { isBusy } from './target-table.ts';

/**
 * Whether a member of a stage is a target of what the stage works on: its digest differs from what the stage last passed for it,
 * or from what was last published to it. Who joined while the stage worked is none (design/30, rule 12).
 */
export function isChanged(draft: Draft, stage: Stage, work: Work, member: Member): boolean {
  const target = draft.targetOf(member);
  if (target?.late === work.floor || keepsOver(draft, target, work.version)) return false;
  const digest = draft.digestOf(work.version, member);
  if (digest === undefined) return false;
  return digest !== givenBefore(draft, stage, member) || digest !== startingDigest(target, work);
}

/** What a stage has passed last for a member, whatever that has; what it has where that is not known any more. */
function givenBefore(draft: Draft, stage: Stage, member: Member): string | null {
  const passed = draft.lastPassed(stage);
  if (passed === undefined) return null;
  const digest = draft.givenBy(passed, member);
  return digest === undefined ? publishedDigest(draft.targetOf(member)?.run) : digest;
}

/** Whether a member has something newer than a version, and keeps it until its stage passes something as new (rule 12). */
export const keepsOver = (draft: Draft, target: Target | undefined, version: string): boolean =>
  target?.kept !== undefined &&
  target.kept !== 'aborted' &&
  draft.versions.order(target.run?.revision) > draft.versions.order(version);

/** What was published before this work; its own runs do not make their targets unchanged. */
function startingDigest(target: Target | undefined, work: Work): string | null | undefined {
  const run = target?.run;
  return run && isOf(run, work) ? undefined : publishedDigest(run);
}

/** What a member is to have by what its stage has passed; what it has, where it is to keep that. */
export function passedDigest(draft: Draft, stage: Stage, member: Member): string | null {
  const passed = draft.lastPassed(stage);
  if (passed === undefined) return null;
  const digest = draft.digestOf(passed, member);
  return digest === undefined ? publishedDigest(draft.targetOf(member)?.run) : digest;
}

/** Whether an attempt belongs to a stage's present work. */
export const isOf = (run: Run, work: Work): boolean =>
  run.purpose === 'rollout' && run.revision === work.version && run.attempt > work.floor;

/** The member's attempt of this work, if it has one that still counts. */
export function runOf(target: Target | undefined, work: Work): Run | undefined {
  const run = target?.run;
  return run && isOf(run, work) && !run.again ? run : undefined;
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
  if (!pin) return undefined;
  const words = `pinned by ${pin.by}: ${pin.reason}`;
  const version = draft.versions.get(pin.version);
  const isThere = version?.contents.get(cluster)?.digest === publishedDigest(draft.target(cluster)?.run);
  if (!version || isThere || !isBarred(draft, cluster, version)) return { version: pin.version, words };
  const but = `${pin.version.slice(0, 7)} was rejected: it stays at what it has`;
  return { version: pin.version, words: `${words} (${but})` };
}

/** Unreachable for `offline.after` of hub time, and no bus hold: it is taken for lost. */
export function isLost(draft: Draft, cluster: string): boolean {
  const since = draft.facts.silent.get(cluster);
  if (since === undefined || draft.line.bus) return false;
  return draft.due(since + draft.facts.strategy.offline.afterMs);
}

/** Whether all members are known to be Current on what their stage has passed last, and the stage works on nothing. */
export const isAtRest = (draft: Draft, { name, work, passed }: Stage): boolean =>
  !work && passed.length > 0 && draft.table.isAtRest(name, draft.versions.get(passed.at(-1)));

/** Remembers that, until a target of the stage changes. */
export function rest(draft: Draft, { name, passed }: Stage): void {
  const last = draft.versions.get(passed.at(-1));
  if (last) draft.table.rest(name, last);
}

export type Seen = { readonly state: TargetState; readonly reason?: string };

/** Where a changed member of a stage's work stands. */
export function seeTarget(draft: Draft, work: Work, member: Member): Seen {
  const cluster = member.name;
  const run = runOf(draft.targetOf(member), work);
  const blocked = blockedBy(draft, cluster);
  if (run && run.phase !== 'stopped') {
    if (run.phase === 'failed') return { state: 'Failed', ...(run.failure && { reason: run.failure }) };
    if (run.phase === 'removed') return SEEN.Removed;
    if (run.phase === 'current' && !run.worse) return SEEN.Current;
    if (run.phase === 'current' && blocked === undefined) return SEEN.Verifying;
    if (blocked === undefined)
      return run.phase === 'started' && run.verifying ? SEEN.Verifying : SEEN.Applying;
  }
  if (blocked !== undefined) return { state: 'Blocked', reason: blocked };
  if (isLost(draft, cluster)) return { state: 'Offline', reason: 'unreachable' };
  const version = draft.versions.get(work.version);
  const dependency = version && draft.facts.dependency(cluster, version);
  if (dependency?.is === 'blocked' && !work.revert) return { state: 'Blocked', reason: dependency.reason };
  return SEEN.Waiting;
}

/** What there is no reason to give for; one of each, for very many targets. */
const SEEN = {
  Waiting: { state: 'Waiting' },
  Applying: { state: 'Applying' },
  Verifying: { state: 'Verifying' },
  Current: { state: 'Current' },
  Removed: { state: 'Removed' },
} as const satisfies Record<string, Seen>;

/** Where a member that is no target of any work stands. */
export function seeIdle(draft: Draft, stage: Stage, member: Member): Seen {
  const run = draft.targetOf(member)?.run;
  if (!run) return SEEN.Waiting;
  const keeps = hasNothingBefore(draft, stage, member) ? [NOTHING_BEFORE] : [];
  if (run.phase === 'failed') return withReason('Failed', [run.failure, ...keeps]);
  if (run.phase === 'removed') return SEEN.Removed;
  const blocked = blockedBy(draft, member.name);
  if (blocked !== undefined && run.phase !== 'current') return { state: 'Blocked', reason: blocked };
  if (isBusy(run)) return run.verifying ? SEEN.Verifying : SEEN.Applying;
  const behind = seeBehind(draft, stage, member);
  if (behind) return behind;
  return withReason(run.phase === 'stopped' ? 'Waiting' : 'Current', keeps);
}

const NOTHING_BEFORE = 'nothing to go back to; what it has stays until a commit takes it away';

function withReason(state: TargetState, said: readonly (string | undefined)[]): Seen {
  const reason = said.filter((one) => one !== undefined).join('; ');
  return reason === '' ? { state } : { state, reason };
}

/** Whether a member keeps something younger than what its stage has passed, which gives it nothing. */
export function hasNothingBefore(draft: Draft, stage: Stage, member: Member): boolean {
  const target = draft.targetOf(member);
  const passed = draft.lastPassed(stage);
  if (!target?.run || target.kept || passed === undefined || publishedDigest(target.run) === null)
    return false;
  const { versions } = draft;
  return versions.order(target.run.revision) > versions.order(passed) && isNothing(draft, passed, member);
}

const isNothing = ({ versions }: Draft, revision: string, { name }: Member): boolean =>
  versions.get(revision)?.contents.has(name) === false;

/** A member to be brought to what its stage has passed, and why it is not there. */
function seeBehind(draft: Draft, stage: Stage, member: Member): Seen | undefined {
  const { name } = member;
  const target = draft.targetOf(member);
  const passed = draft.versions.get(draft.lastPassed(stage));
  if (!passed || target?.kept || pinOf(draft, name)) return undefined;
  if (passedDigest(draft, stage, member) === publishedDigest(target?.run)) return undefined;
  const blocked = draft.facts.blockedBy(name);
  if (blocked !== undefined) return { state: 'Blocked', reason: blocked };
  if (isLost(draft, name)) return { state: 'Offline', reason: 'unreachable' };
  const dependency = draft.facts.dependency(name, passed);
  if (dependency.is === 'ready') return isLeftOver(draft, target) ? LEFT_OVER : SEEN.Waiting;
  return { state: dependency.is === 'blocked' ? 'Blocked' : 'Waiting', reason: dependency.reason };
}

/** It has what its stage had passed and passed no more when that regressed elsewhere. */
const isLeftOver = ({ line }: Draft, target: Target | undefined): boolean =>
  line.pauses.some((one) => one.cause === 'regression' && one.version === target?.run?.revision);
const LEFT_OVER: Seen = {
  state: 'Waiting',
  reason: 'what it runs has regressed: resume accepts that, rollback goes back',
};

/** Targets that nobody waits for any more. */
export const hasEnded = ({ state }: Seen): boolean =>
  state !== 'Waiting' && state !== 'Applying' && state !== 'Verifying';

/** One look at all changed members of a stage's work. */
export type Survey = {
  readonly changed: number;
  /** All that failed, accepted ones included. */
  readonly bad: readonly string[];
  /** Offline or Blocked, and why. */
  readonly away: readonly { readonly name: string; readonly why: string }[];
  /** Became Current by an attempt of this work, and are. */
  readonly evidence: number;
  /** Failures that count. */
  readonly failures: readonly string[];
  readonly failed: number;
  readonly unfinished: readonly string[];
  /** Hub time at which the last target became Current, or was removed. */
  readonly lastCurrentHub: number;
  /** An attempt of this work was echoed somewhere. */
  readonly started: boolean;
};

const surveys = new WeakMap<Draft, Map<string, { changes: number; survey: Survey }>>();

/** Looks only once while nothing changes. */
export function survey(draft: Draft, stage: Stage, work: Work): Survey {
  let known = surveys.get(draft);
  if (!known) {
    known = new Map();
    surveys.set(draft, known);
  }
  const last = known.get(stage.name);
  if (last?.changes === draft.changes) return last.survey;
  const made = look(draft, stage, work);
  known.set(stage.name, { changes: draft.changes, survey: made });
  return made;
}

function look(draft: Draft, stage: Stage, work: Work): Survey {
  const bad: string[] = [];
  const failures: string[] = [];
  const unfinished: string[] = [];
  const away: { name: string; why: string }[] = [];
  let changed = 0;
  let [evidence, failed, lastCurrentHub, started] = [work.departed, 0, work.departedHub ?? 0, false];
  for (const member of draft.members(stage.name)) {
    if (!isChanged(draft, stage, work, member)) continue;
    const { name } = member;
    const one = seeTarget(draft, work, member);
    changed += 1;
    const run = runOf(draft.targetOf(member), work);
    if (run && run.phase !== 'published') started = true;
    if (!hasEnded(one)) unfinished.push(name);
    if (one.state === 'Current' || one.state === 'Removed') evidence += 1;
    if (run?.currentHub !== undefined && (one.state === 'Current' || one.state === 'Removed'))
      lastCurrentHub = Math.max(lastCurrentHub, run.currentHub);
    if (one.state === 'Offline' || one.state === 'Blocked') away.push({ name, why: one.reason ?? one.state });
    if (one.state === 'Failed') bad.push(name);
    if (one.state !== 'Failed' || run?.excused === 'accepted') continue;
    failed += 1;
    if (run?.excused === undefined) failures.push(name);
  }
  return { changed, bad, away, evidence, failures, failed, unfinished, lastCurrentHub, started };
}

/** How many clusters a stage's work leaves where, unchanged ones included; those that it has not come to are left out. */
export function countsOf(draft: Draft, stage: Stage, work: Work): StateCounts {
  const counts: Partial<Record<TargetState, number>> = {};
  for (const member of draft.members(stage.name)) {
    const state = isChanged(draft, stage, work, member)
      ? seeTarget(draft, work, member).state
      : isUnchanged(draft, work, member) && 'Unchanged';
    if (state && state !== 'Waiting') counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** Whether a version gives a member what it had before; who joined while its stage worked is not counted. */
export function isUnchanged(draft: Draft, work: Work, member: Member): boolean {
  const target = draft.targetOf(member);
  return target !== undefined && target.late !== work.floor && !!draft.digestOf(work.version, member);
}

/** How many targets have to be Current by it before a stage passes. */
export function neededEvidence(draft: Draft, changed: number): number {
  return Math.max(1, Math.min(draft.facts.strategy.failure.minCurrent, changed));
}
