import { bringsRejected, sourceOf } from './candidate.ts';
import { Draft } from './draft.ts';
import type { LineFacts } from './facts.ts';
import { few } from './failing.ts';
import type { Line, Stage, Target } from './state.ts';
import { hasEnded, isChanged, seeTarget } from './work.ts';

/** What stops a line or makes it wait at this moment, for people; empty when nothing is under way. */
export function waitingFor(line: Line, facts: LineFacts, now: number): string[] {
  const draft = new Draft(line, facts, now);
  const said: string[] = [];
  if (line.bus)
    said.push(`held: ${line.bus.lost.length} clusters were lost at once (the bus, not the clusters)`);
  for (const { by, cause, reason, stage } of line.pauses)
    said.push(`paused${stage === undefined ? '' : ` at ${stage}`} by ${by ?? cause}: ${reason}`);
  if (line.rollback) said.push(`rolling back ${line.rollback.version.slice(0, 7)}: ${line.rollback.reason}`);
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

/** Why a stage that is at rest does not take what is newer than what it has passed. */
function refusalOf(draft: Draft, at: number): string | undefined {
  const { stages, aborted, struck } = draft.line;
  const { name, work, passed } = stages[at]!;
  const next = sourceOf(draft, at);
  if (work || !next || draft.versions.order(next.revision) <= draft.versions.order(passed.at(-1)))
    return undefined;
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
  if (unfinished.length === 0 || !waiting.startsWith('waiting for') || waiting.includes('approv'))
    return waiting === '' ? '' : `${stage.name}: ${waiting}`;
  const shown = unfinished.map(({ name }) => {
    const target: Target | undefined = draft.target(name);
    const since = target === undefined ? '' : ` ${ago(now - target.since)}`;
    return `${name} ${target?.state ?? 'Waiting'}${since}`;
  });
  return `waiting for ${unfinished.length} of ${changed.length} clusters in ${stage.name}: ${few(shown)}`;
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
