import { changesFailure, pausesOver, sourceOf } from './candidate.ts';
import { Draft } from './draft.ts';
import type { LineFacts } from './facts.ts';
import { few, isRegressed } from './failing.ts';
import { lacksApproval } from './gates.ts';
import { bringsRejected } from './rejected.ts';
import type { Line, Pause, Stage, Target } from './state.ts';
import { hasEnded, isChanged, seeTarget } from './work.ts';

/** What ends a pause; one that was recovered says so itself. */
const WAYS_OUT: Readonly<Record<Pause['cause'], string>> = {
  operator: '; resume ends it',
  failure: '; a commit that changes what failed goes on, or retry, or resume',
  regression: '; resume accepts it, rollback goes back',
  rollback: '; resume goes on',
  recovered: '',
};

/** What stops a line or makes it wait at this moment, for people; empty when nothing is under way. */
export function waitingFor(line: Line, facts: LineFacts, now: number): string[] {
  const draft = new Draft(line, facts, now);
  const said = stops(line, line.pauses, now);
  for (const stage of line.stages) {
    const words = stage.work && wordsOf(draft, stage, now);
    if (words) said.push(words);
  }
  for (const at of line.stages.keys()) {
    const words = refusalOf(draft, at);
    if (words) said.push(words);
  }
  return said;
}

/** What a version that is under way waits for; never empty, so that none waits without a stated reason. */
export function versionWaitsFor(line: Line, facts: LineFacts, now: number, version: string): string[] {
  const draft = new Draft(line, facts, now);
  const at = placeOf(line, version);
  const stage = line.stages[at];
  const said = stops(line, pausesOn(draft, version), now);
  const words =
    stage &&
    (stage.work?.version === version ? wordsOf(draft, stage, now) : pendingWords(draft, at, version));
  if (words) said.push(words);
  return said.length > 0 ? said : ['waiting for the hub to look at it'];
}

/** The pauses that hold a version where it is, its own first. */
export function pausesOn(draft: Draft, version: string): Pause[] {
  const { stages, pauses } = draft.line;
  const stage = stages[placeOf(draft.line, version)];
  const over = stage ? pausesOver(draft, stage) : pauses;
  const own = pauses.filter((pause) => pause.version === version);
  return [...own, ...over.filter((pause) => !own.includes(pause))];
}

/** The stage that works on a version, else the first that has not passed it. */
function placeOf({ stages }: Line, version: string): number {
  const at = stages.findIndex(({ work }) => work?.version === version);
  return at >= 0 ? at : stages.findIndex(({ passed }) => !passed.includes(version));
}

function stops({ bus, rollback }: Line, pauses: Line['pauses'], now: number): string[] {
  const said: string[] = [];
  if (bus)
    said.push(
      `held: ${bus.lost.length} clusters were lost at once (the bus, not the clusters); goes on when they are back, or with resume`,
    );
  for (const pause of pauses) said.push(pauseWords(pause, now));
  if (rollback)
    said.push(
      `rolling back ${rollback.version.slice(0, 7)}: ${rollback.reason}; nothing new is taken until that ends`,
    );
  return said;
}

function pauseWords({ by, cause, reason, stage, until }: Pause, now: number): string {
  const where = stage === undefined ? '' : ` at ${stage}`;
  const end = until === undefined ? WAYS_OUT[cause] : `; ends by itself in ${ago(until - now)}`;
  return `paused${where} by ${by ?? cause}: ${reason}${end}`;
}

/** What a version waits for that no stage works on. */
function pendingWords(draft: Draft, at: number, version: string): string | undefined {
  const stage = draft.line.stages[at]!;
  const { name, work } = stage;
  // What is taken back, or was and is paused for that, waits for nothing else.
  if (isGoingBack(draft, version) || isRegressed(draft, version)) return undefined;
  const source = sourceOf(draft, at);
  if (source && draft.versions.order(source.revision) > draft.versions.order(version))
    return `${name} takes ${version.slice(0, 7)} no more: ${source.revision.slice(0, 7)} is newer`;
  const refusal = refusalOf(draft, at);
  if (refusal || !work) return refusal;
  const failed = pausesOver(draft, stage).filter((one) => one.cause === 'failure' && one.stage === name);
  const isHeld = failed.length > 0 && source?.revision === version;
  const changesNothing = isHeld && !changesFailure(draft, stage, failed, source);
  return changesNothing
    ? `${name} works on ${work.version.slice(0, 7)} first: ${version.slice(0, 7)} does not change what failed`
    : `${name} works on ${work.version.slice(0, 7)} first`;
}

const isGoingBack = ({ line }: Draft, version: string): boolean => line.rollback?.version === version;

/** Why a stage that is at rest does not take what is newer than what it has passed. */
function refusalOf(draft: Draft, at: number): string | undefined {
  const { stages, aborted, struck } = draft.line;
  const { name, work, passed } = stages[at]!;
  const next = sourceOf(draft, at);
  if (work || !next || draft.versions.order(next.revision) <= draft.versions.order(passed.at(-1)))
    return undefined;
  if (isGoingBack(draft, next.revision) || isRegressed(draft, next.revision)) return undefined;
  const version = `${at === 0 ? '' : `${name}: `}${next.revision.slice(0, 7)}`;
  if (aborted.includes(next.revision)) return `${version} was aborted; retry or a newer commit goes on`;
  if (struck.includes(next.revision)) return `${version} was rolled back; retry or a newer commit goes on`;
  if (bringsRejected(draft, next))
    return `${version} brings content that was rejected; retry or a commit that changes it goes on`;
  return undefined;
}

/** "waiting for 3 of 40 clusters in early: prod-eu-7 Applying 2m, …" */
function wordsOf(draft: Draft, stage: Stage, now: number): string {
  const work = stage.work!;
  const changed = draft.members(stage.name).filter((member) => isChanged(draft, stage, work, member));
  const unfinished = changed.filter((member) => !hasEnded(seeTarget(draft, work, member)));
  const { waiting = '' } = work;
  // Told of the line already.
  if (/^(paused by|held:|too many clusters)/.test(waiting)) return '';
  if (unfinished.length === 0 || !waiting.startsWith('waiting for') || waiting.includes('approv'))
    return waiting === '' || waiting.startsWith(`no evidence in ${stage.name}`)
      ? waiting
      : `${stage.name}: ${waiting}`;
  const shown = unfinished.map(({ name }) => {
    const target: Target | undefined = draft.target(name);
    const since = target === undefined ? '' : ` ${ago(now - target.since)}`;
    const state = target?.state ?? 'Waiting';
    const failing = target?.run?.failingHub === undefined ? undefined : 'reports failure';
    const note = state === 'Waiting' ? draft.facts.frozenBy(name) : failing;
    return `${name} ${state}${since}${note === undefined ? '' : ` (${note})`}`;
  });
  const lacking = lacksApproval(draft, stage);
  const also = lacking === undefined ? '' : `; and for ${lacking}`;
  return `waiting for ${unfinished.length} of ${changed.length} clusters in ${stage.name}: ${few(shown)}${also}`;
}

/** Whole units, the largest two at most: 45s, 2m, 1h 5m. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 || hours >= 24 ? `${hours}h` : `${hours}h ${minutes % 60}m`;
}
