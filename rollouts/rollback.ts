import { type Draft, publishedDigest } from './draft.ts';
import type { Version } from './facts.ts';
import { end, few, pause } from './failing.ts';
import type { Member } from './membership.ts';
import { isRejected } from './rejected.ts';
import type { Rollback, Stage } from './state.ts';
import { isBusy } from './target-table.ts';
import { blockedBy, hasNothingBefore, isLost } from './work.ts';

/**
 * One step of a rollback (design/30, rule 7): the stages that the version touched go back one by one, from the last to the first,
 * each to its newest passed version. Gates, windows, dependencies and failure pauses do not count; slots and an operator's
 * pause do. Who had nothing before keeps what it has, because an agent takes away only what Git does (ADR 25).
 */
export function stepRollback(draft: Draft): void {
  for (;;) {
    const { rollback } = draft.line;
    if (!rollback) return;
    const [name] = rollback.stages;
    if (name === undefined) {
      finish(draft, rollback);
      return;
    }
    const stage = draft.stage(name);
    const target = stage && draft.versions.get(draft.lastPassed(stage));
    if (stage && target && !hasGoneBack(draft, rollback, stage, target)) return;
    const stuck =
      stage && isStuck(draft, rollback, stage, target) ? [...rollback.stuck, name] : rollback.stuck;
    draft.update({ rollback: { ...rollback, stages: rollback.stages.slice(1), stuck } });
  }
}

/** Whether nobody in a stage has anything to go back to, and somebody has what was rejected. */
function isStuck(draft: Draft, { floor }: Rollback, stage: Stage, version: Version | undefined): boolean {
  const members = draft.members(stage.name);
  if (!version) return members.some((member) => publishedDigest(draft.targetOf(member)?.run) !== null);
  const goesBack = members.some((member) => {
    const run = draft.targetOf(member)?.run;
    return (run?.purpose === 'rollback' && run.attempt > floor) || wantsBack(draft, member, version);
  });
  return (
    !goesBack &&
    members.some((member) => hasNothingBefore(draft, stage, member) && hasRejected(draft, member))
  );
}

/** Whether nothing in a stage is left to wait for; starts nothing by itself. */
function hasGoneBack(draft: Draft, rollback: Rollback, stage: Stage, version: Version): boolean {
  return draft.members(stage.name).every((member) => {
    const { name } = member;
    const run = draft.targetOf(member)?.run;
    if (run && run.purpose === 'rollback' && run.attempt > rollback.floor && isBusy(run)) return false;
    return !wantsBack(draft, member, version) || blockedBy(draft, name) !== undefined || isLost(draft, name);
  });
}

const hasRejected = (draft: Draft, member: Member) =>
  isRejected(draft, member.name, publishedDigest(draft.targetOf(member)?.run));

export function wantsBack(draft: Draft, member: Member, version: Version): boolean {
  const wanted = draft.digestOf(version.revision, member);
  return wanted !== undefined && publishedDigest(draft.targetOf(member)?.run) !== wanted;
}

/** The stage that goes back now, and to what. */
export function goingBack(draft: Draft): { stage: Stage; version: Version } | undefined {
  const name = draft.line.rollback?.stages[0];
  const stage = name === undefined ? undefined : draft.stage(name);
  const version = stage && draft.versions.get(draft.lastPassed(stage));
  return stage && version && { stage, version };
}

function finish(draft: Draft, { version, floor, stuck, reason }: Rollback): void {
  const { rollback: _over, ...rest } = draft.line;
  draft.replace(rest);
  end(draft, version, stuck.length > 0 ? 'Failed' : 'RolledBack');
  const keep = draft.line.stages.flatMap((stage) =>
    draft.members(stage.name).filter((member) => hasNothingBefore(draft, stage, member)),
  );
  const kept = `nothing to go back to for ${few(keep.map(({ name }) => name))}: what they have stays`;
  draft.event({ what: 'rollbackEnded', revision: version, ...(keep.length > 0 && { reason: kept }) });
  for (const stage of draft.line.stages) {
    const broken = draft
      .members(stage.name)
      .map(({ name }) => name)
      .filter((name) => {
        const run = draft.target(name)?.run;
        return run?.purpose === 'rollback' && run.attempt > floor && run.phase === 'failed' && run.wasCurrent;
      });
    if (broken.length > draft.maxFailed(stage.name))
      pause(draft, {
        cause: 'rollback',
        version,
        reason: `${few(broken)} of ${stage.name} had been Current and failed on the way back`,
        since: draft.now,
      });
  }
  if (stuck.length > 0)
    pause(draft, {
      cause: 'rollback',
      version,
      reason: `${few(stuck)} had nothing to go back to (${reason})`,
      since: draft.now,
    });
}
