import { type Draft, nextAttempt } from './draft.ts';
import type { Version } from './facts.ts';
import { end } from './failing.ts';
import { bringsRejected } from './rejected.ts';
import { failedIn } from './replan.ts';
import type { Pause, Stage, Work } from './state.ts';
import { isBusy } from './target-table.ts';
import { countsOf, isChanged, neededEvidence, survey } from './work.ts';

/** Pauses that hold a stage: of the line, of the stage itself, or of one before it. */
export function pausesOver(draft: Draft, stage: Stage): Pause[] {
  const order = new Map(draft.line.stages.map(({ name }, at) => [name, at]));
  const at = order.get(stage.name) ?? 0;
  return draft.line.pauses.filter(
    (pause) => pause.stage === undefined || (order.get(pause.stage) ?? 0) <= at,
  );
}

/** Where a stage takes its versions from: what the stage before has passed last, or the head. */
export function sourceOf(draft: Draft, at: number): Version | undefined {
  return at === 0 ? draft.versions.head : draft.versions.get(draft.line.stages[at - 1]!.passed.at(-1));
}

/** What a stage may take next (design/30, rule 1): what its source has, if it may have it. */
function candidateOf(draft: Draft, at: number): Version | undefined {
  const { stages, aborted, struck } = draft.line;
  const stage = stages[at]!;
  const version = sourceOf(draft, at);
  if (!version || aborted.includes(version.revision) || struck.includes(version.revision)) return undefined;
  const order = draft.versions.order(version.revision);
  const last = Math.max(
    ...[stage.work?.version, stage.passed.at(-1)].map((one) => draft.versions.order(one)),
  );
  if (order <= last || bringsRejected(draft, version)) return undefined;
  return version;
}

/**
 * What came and was overtaken before the first stage could take it is over: that stage takes nothing but the head. Told and
 * remembered, so that a commit that was to change something is never without a trace.
 */
export function noteOvertaken(draft: Draft): void {
  const { head } = draft.versions;
  const [first] = draft.line.stages;
  const last = draft.versions.order(head?.revision);
  const begun = Math.max(
    ...[first?.work?.version, first?.passed.at(-1)].map((one) => draft.versions.order(one)),
  );
  if (!head || begun < 0 || last - begun < 2) return;
  const { ended, pauses, rollback, struck, aborted } = draft.line;
  const named = [...ended, ...pauses].map(({ version }) => version);
  const known = [...named, ...struck, ...aborted, rollback?.version].map((one) => draft.versions.order(one));
  // The order of stages may have been another one.
  const taken = draft.line.stages.flatMap(({ work, passed }) => (work ? [...passed, work.version] : passed));
  for (const { revision } of draft.facts.versions.slice(Math.max(begun, ...known) + 1, last)) {
    if (taken.includes(revision)) continue;
    end(draft, revision, 'Superseded');
    draft.event({ what: 'superseded', revision, reason: `${head.revision.slice(0, 7)} is newer` });
  }
}

/** Lets a stage take its candidate, if it has one and may (rule 2). True when it did. */
export function takeCandidate(draft: Draft, at: number): boolean {
  const stage = draft.line.stages[at]!;
  const version = candidateOf(draft, at);
  if (!version) return false;
  const { work } = stage;
  const pauses = pausesOver(draft, stage);
  const failed = pauses.filter((one) => one.cause === 'failure' && one.stage === stage.name);
  // Held by something that this candidate does not end.
  if (pauses.some((one) => !failed.includes(one))) return false;
  const revert = isRevert(draft, stage, version);
  if (failed.length > 0 && !changesFailure(draft, stage, failed, version)) return false;
  if (work && failed.length === 0 && !revert && !yields(draft, stage, work)) return false;
  if (work) {
    const counts = countsOf(draft, stage, work);
    draft.event({ what: 'superseded', stage: stage.name, revision: work.version, counts });
    end(draft, work.version, 'Superseded');
  }
  if (failed.length > 0) {
    draft.update({ pauses: draft.line.pauses.filter((one) => !failed.includes(one)) });
    draft.event({ what: 'resumed', stage: stage.name, reason: 'a newer version changes what failed' });
  }
  begin(draft, stage, version, revert);
  return true;
}

/** Whether a working stage gives way to what is newer. */
function yields(draft: Draft, stage: Stage, work: Work): boolean {
  if (work.waiting !== undefined && draft.versions.order(work.version) < 0) return true;
  const version = draft.versions.get(work.version);
  if (version && bringsRejected(draft, version)) return true;
  const looked = survey(draft, stage, work);
  if (!looked.started) return true;
  if (looked.unfinished.some((name) => isBusy(draft.target(name)?.run))) return false;
  // Who waits, waits behind that gate.
  if (Object.values(work.gates).some(({ answer }) => answer && answer.says !== 'yes')) return true;
  return looked.unfinished.length === 0 && looked.evidence < neededEvidence(draft, looked.changed);
}

/** Whether a version gives something else to a cluster whose failure paused its stage, also where another stage was at it then. */
export function changesFailure(
  draft: Draft,
  stage: Stage,
  pauses: readonly Pause[],
  version: Version,
): boolean {
  const { work } = stage;
  const bad = work
    ? survey(draft, stage, work).bad
    : pauses.flatMap((pause) => failedIn(draft, stage, pause.version).map(({ name }) => name));
  return bad.some((name) => {
    const digest = draft.target(name)?.run?.digest ?? null;
    return (version.contents.get(name)?.digest ?? null) !== digest;
  });
}

/** Equal, on every cluster of the stage, to something that the stage has passed. */
function isRevert(draft: Draft, stage: Stage, version: Version): boolean {
  const members = draft.members(stage.name);
  return stage.passed.some((one) => {
    if (draft.versions.order(one) < 0) return false;
    const differing = draft.versions.differing(one, version.revision);
    return differing.size === 0 || !members.some(({ name }) => differing.has(name));
  });
}

function begin(draft: Draft, stage: Stage, version: Version, revert: boolean): void {
  const first = takeOver(draft, stage, version);
  // No two works have the same: what was asked or told of one of them is not taken for the other.
  const own = nextAttempt(draft.line.attempt, draft.now - 1);
  draft.update({ attempt: own });
  const work: Work = {
    version: version.revision,
    floor: Math.min(own, (first ?? Number.POSITIVE_INFINITY) - 1),
    ...(first !== undefined && { startedAt: draft.now }),
    since: draft.now,
    sinceHub: draft.hub,
    revert,
    hadChanges: false,
    departed: 0,
    gates: {},
    skips: [],
  };
  for (const { name } of draft.members(stage.name)) {
    const target = draft.target(name);
    const wanted = version.contents.has(name);
    if (!target && wanted) draft.setTarget(name, { stage: stage.name, state: 'Waiting', since: draft.now });
    // A new version goes over who joined before it. What somebody keeps is kept until it is started there, or has passed.
    if (target?.late !== undefined) {
      const { late: _late, ...rest } = target;
      draft.setTarget(name, rest);
    }
  }
  draft.setStage(stage.name, { work, since: draft.now });
  draft.update({ ended: draft.line.ended.filter((one) => one.version !== version.revision) });
  const hadChanges = draft
    .members(stage.name)
    .some((member) => isChanged(draft, { ...stage, work }, work, member));
  draft.setWork(stage.name, { hadChanges });
  draft.event({
    what: 'stageTook',
    stage: stage.name,
    revision: version.revision,
    ...(revert && { reason: 'a revert' }),
  });
  if (first !== undefined)
    draft.event({
      what: 'stageStarted',
      stage: stage.name,
      revision: version.revision,
      reason: 'with what agents had of it when state was lost',
    });
}

/**
 * After state was lost (recover.ts), attempts of this very version that agents were found with are attempts of this work: what is
 * done is done, and nothing is told twice. Returns the first of them; undefined where there is none.
 */
function takeOver(draft: Draft, stage: Stage, version: Version): number | undefined {
  let first: number | undefined;
  for (const { name } of draft.members(stage.name)) {
    const { kept, run } = draft.target(name) ?? {};
    if (kept !== 'recovered' || run?.revision !== version.revision) continue;
    if (run.digest === null || run.digest !== version.contents.get(name)?.digest) continue;
    draft.setRun(name, { ...run, purpose: 'rollout' });
    first = Math.min(first ?? run.attempt, run.attempt);
  }
  return first;
}
