import { isDeepStrictEqual } from 'node:util';
import { FlotillaError } from '#proto/faults.ts';
import { noteOvertaken, takeCandidate } from './candidate.ts';
import { Draft } from './draft.ts';
import type { LineEvent, WebhookRequest } from './events.ts';
import type { LineFacts } from './facts.ts';
import { failWork, judgeRegressions, verdict } from './failing.ts';
import { hearWebhooks } from './gates.ts';
import type { Member } from './membership.ts';
import { observe, watchBus } from './observe.ts';
import { passStage } from './passing.ts';
import { planMembers, rememberPlan, replan, standOf } from './replan.ts';
import { stepRollback } from './rollback.ts';
import { start, startPins } from './starting.ts';
import type { Line, Stage, Target } from './state.ts';
import { isAtRest, isChanged, isOf, rest, seeIdle, seeTarget, survey } from './work.ts';

export type LineStep = {
  readonly line: Line;
  readonly events: readonly LineEvent[];
  /** To be asked until their answers are among the facts; repeated by every step. */
  readonly requests: readonly WebhookRequest[];
  /** Unix milliseconds at which time alone may change something, while hub time runs; Infinity for never. */
  readonly wakeAt: number;
};

/**
 * One step of a placement's line (design/30): pure, total, idempotent on its own result and on that read back from JSON. `now` is
 * Unix milliseconds. Where nothing changes, the line is the object that was handed in. `givenUp`: it may be written to.
 */
export function advanceLine(line: Line, facts: LineFacts, now: number, givenUp = false): LineStep {
  const draft = new Draft(line, facts, now, givenUp);
  expire(draft);
  replan(draft);
  const stand = standOf(draft);
  noteOvertaken(draft);
  watchBus(draft);
  observe(draft);
  hearWebhooks(draft);
  startPins(draft);
  // What a stage has just taken may have failed already: attempts that were taken over are judged like its own.
  untilStill(draft, () => {
    judge(draft);
    const hasTaken = !draft.line.rollback && move(draft);
    if (!hasTaken) return false;
    observe(draft);
    // What was taken may have ended the pause that held them.
    startPins(draft);
    return true;
  });
  for (const { name } of draft.line.stages) {
    const waits = start(draft, draft.stage(name)!);
    const work = draft.stage(name)?.work;
    if (waits !== undefined && work && work.waiting !== waits) draft.setWork(name, { waiting: waits });
  }
  nameStates(draft);
  rememberPlan(draft, stand);
  const after = !draft.hasChangedTargets && isSame(line, draft.line) ? line : draft.line;
  return { line: after, events: draft.events, requests: draft.requests, wakeAt: draft.wakeAt };
}

/** What a step has set and set back is no news. */
const isSame = ({ targets: _was, ...was }: Line, { targets: _is, ...is }: Line): boolean =>
  isDeepStrictEqual(was, is);

/** What a person has ordered for a time ends by the hub's clock. */
function expire(draft: Draft): void {
  const lasts = ({ until }: { readonly until?: number }) => until === undefined || !draft.past(until);
  const { pauses, pins } = draft.line;
  const [stay, pinned] = [pauses.filter(lasts), pins.filter(lasts)];
  if (stay.length < pauses.length) {
    draft.update({ pauses: stay });
    draft.event({ what: 'resumed', reason: 'the pause has expired' });
  }
  if (pinned.length < pins.length) {
    draft.update({ pins: pinned });
    draft.event({ what: 'unpinned', reason: 'the pin has expired' });
  }
}

/** Nothing is judged while a rollback is under way: when one ends in this step, what waited for it is judged in this step. */
function judge(draft: Draft): void {
  untilStill(draft, () => {
    const { struck } = draft.line;
    judgeStages(draft);
    if (draft.line.struck !== struck) planMembers(draft);
    const wasGoingBack = draft.line.rollback !== undefined;
    stepRollback(draft);
    return wasGoingBack && draft.line.rollback === undefined;
  });
}

function judgeStages(draft: Draft): void {
  if (draft.line.bus) return;
  for (const { name } of draft.line.stages) {
    if (draft.line.rollback) return;
    const stage = draft.stage(name)!;
    if (!stage.work || draft.line.pauses.some((one) => one.cause === 'failure' && one.stage === name))
      continue;
    const looked = survey(draft, stage, stage.work);
    const reason = verdict(draft, stage, looked);
    if (reason !== undefined) failWork(draft, stage, looked, reason);
  }
  if (!draft.line.rollback) judgeRegressions(draft);
}

/** Passing a stage can give the next one a candidate, and free the stage for its own: until nothing moves. Tells whether a stage took something. */
function move(draft: Draft): boolean {
  let hasTaken = false;
  untilStill(draft, () => {
    let moved = false;
    for (const [at, { name }] of draft.line.stages.entries()) {
      if (takeCandidate(draft, at)) {
        moved = true;
        hasTaken = true;
      }
      if (passStage(draft, name)) moved = true;
    }
    return moved;
  });
  return hasTaken;
}

/** More often than that nothing moves in one step: versions only get newer, and rollbacks reject something each. */
const MOST_MOVES = 1_000;

/** A hub that says what is wrong is better than one that hangs. */
function untilStill({ facts, line }: Draft, moves: () => boolean): void {
  for (let times = 0; moves(); times++)
    if (times > MOST_MOVES)
      throw new FlotillaError(
        'internal',
        `the line of ${facts.placement} comes to no rest: ${stagesOf(line)}`,
      );
}

const stagesOf = ({ stages }: Line): string =>
  stages.map(({ name, work, passed }) => `${name} ${work?.version ?? passed.at(-1)}`).join(', ');

/** What is Current by the present work, or with none on what has passed, most are: nothing else can be said of it. */
function isNamed(
  draft: Draft,
  { state, run, reason }: Target,
  { work, passed }: Stage,
  member: Member,
): boolean {
  if (state !== 'Current' || reason !== undefined || run?.phase !== 'current') return false;
  if (work) return isOf(run, work) && !run.again && !run.worse;
  const last = passed.at(-1);
  return last !== undefined && run.revision === last && run.digest === draft.digestOf(last, member);
}

/** Every target's state, and since when. */
function nameStates(draft: Draft): void {
  for (const stage of draft.line.stages) {
    const { work } = stage;
    if (isAtRest(draft, stage)) continue;
    let settled = true;
    for (const member of draft.members(stage.name)) {
      const target = draft.targetOf(member);
      if (!target) continue;
      if (isNamed(draft, target, stage, member)) continue;
      settled = false;
      const { name } = member;
      const changed = work && isChanged(draft, stage, work, member);
      const idle = changed ? undefined : seeIdle(draft, stage, member);
      const unchanged = work && idle?.state === 'Current' ? { state: 'Unchanged' as const } : idle;
      const { state, reason } = changed ? seeTarget(draft, work, member) : unchanged!;
      if (state === target.state && reason === target.reason) continue;
      const { reason: _was, ...rest } = target;
      const since = state === target.state ? target.since : draft.now;
      draft.setTarget(name, { ...rest, state, since, ...(reason !== undefined && { reason }) });
      if (state === target.state) continue;
      if (state === 'Offline' || state === 'Blocked')
        draft.event({
          what: state === 'Offline' ? 'offline' : 'blocked',
          cluster: name,
          stage: stage.name,
          ...(work && { revision: work.version }),
          ...(reason !== undefined && { reason }),
        });
    }
    if (settled && !work) rest(draft, stage);
  }
}
