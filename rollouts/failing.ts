import { type Draft, publishedDigest } from './draft.ts';
import type { LineEvent } from './events.ts';
import { takeBack } from './observe.ts';
import type { Ended, Pause, Stage } from './state.ts';
import { countsOf, neededEvidence, passedDigest, type Survey } from './work.ts';

/** How many ended rollouts a line remembers. */
const MOST_ENDED = 50;

/** The failure of what a stage works on, in words; undefined while it has not failed (design/30, rule 7). */
export function verdict(
  draft: Draft,
  stage: Stage,
  { changed, bad, failures, failed, unfinished, evidence }: Survey,
) {
  const most = draft.maxFailed(stage.name);
  if (failures.length > most)
    return `${failures.length} failed in ${stage.name}, ${most} allowed: ${few(failures)}`;
  if (failed === 0 || unfinished.length > 0 || evidence >= neededEvidence(draft, changed)) return undefined;
  return `nothing became Current in ${stage.name}, and ${few(bad)} failed`;
}

/** Carries out `failure.action` for a stage whose work has failed. */
export function failWork(draft: Draft, stage: Stage, { bad }: Survey, reason: string): void {
  const version = stage.work!.version;
  if (draft.facts.strategy.failure.action === 'pause') {
    pause(draft, { cause: 'failure', stage: stage.name, version, reason, since: draft.now });
    return;
  }
  const failed = bad.filter((name) => draft.target(name)?.run?.excused !== 'accepted');
  const digests = failed.map((name) => [name, publishedDigest(draft.target(name)?.run)] as const);
  beginRollback(draft, version, digests, { reason });
}

/** Targets that left Current after their stage had passed: beyond the budget that is a failure of the version. */
export function judgeRegressions(draft: Draft): void {
  if (!draft.hasRegressed) return;
  for (const [at, stage] of draft.line.stages.entries()) {
    const byVersion = new Map<string, string[]>();
    for (const member of draft.members(stage.name)) {
      const { name } = member;
      const run = draft.targetOf(member)?.run;
      if (!run?.regressed || run.excused || run.phase !== 'failed' || stage.work?.version === run.revision)
        continue;
      byVersion.set(run.revision, [...(byVersion.get(run.revision) ?? []), name]);
    }
    for (const [version, names] of byVersion) {
      // A pause holds this stage and later ones; stages before it keep what they have passed.
      const held = draft.line.stages.slice(at);
      const isPause = draft.facts.strategy.failure.action === 'pause';
      const concerned = isPause ? held : draft.line.stages;
      if (names.length <= draft.maxFailed(stage.name) || !isPassed(concerned, version)) continue;
      const reason = `${names.length} of ${stage.name} left Current: ${few(names)}`;
      if (!isPause) {
        beginRollback(
          draft,
          version,
          names.map((name) => [name, publishedDigest(draft.target(name)?.run)] as const),
          { reason },
        );
        return;
      }
      const struck = strike(draft, [version], held);
      pause(draft, { cause: 'regression', stage: stage.name, version, reason, since: draft.now, struck });
    }
  }
}

const isPassed = (stages: readonly Stage[], version: string) =>
  stages.some(({ passed }) => passed.includes(version));

/** It left Current after stages had passed it, and nobody has decided yet what is to become of it. */
export const isRegressed = ({ line }: Pick<Draft, 'line'>, version: string): boolean =>
  line.pauses.some((one) => one.cause === 'regression' && one.version === version);

export function pause(draft: Draft, pause: Pause): void {
  draft.update({ pauses: [...draft.line.pauses, pause] });
  const { stage, version, reason, by } = pause;
  draft.event({
    what: 'paused',
    ...(stage && { stage }),
    ...(version && { revision: version }),
    reason,
    ...(by && { by }),
  });
}

/** Takes versions from what stages have passed; tells the stages that had one. */
function strike(draft: Draft, versions: readonly string[], stages = draft.line.stages): string[] {
  const had = stages.filter(({ passed }) => passed.some((one) => versions.includes(one)));
  for (const { name, passed } of had)
    draft.setStage(name, { passed: passed.filter((one) => !versions.includes(one)) });
  draft.update({ struck: [...new Set([...draft.line.struck, ...versions])].slice(-MOST_ENDED) });
  return had.map(({ name }) => name);
}

/**
 * Rejects digests, strikes every version that gives them, and has all stages that such a version touched go back, from the last to
 * the first.
 */
export function beginRollback(
  draft: Draft,
  version: string,
  digests: readonly (readonly [cluster: string, digest: string | null])[],
  { reason, by }: { reason: string; by?: string },
): void {
  const left = leftAt(draft, version);
  reject(draft, digests);
  const bad = draft.facts.versions
    .filter(
      ({ revision, contents }) =>
        revision === version ||
        digests.some(([name, digest]) => digest !== null && contents.get(name)?.digest === digest),
    )
    .map(({ revision }) => revision);
  const touched = new Set(strike(draft, bad));
  for (const stage of draft.line.stages) {
    if (stage.work && bad.includes(stage.work.version)) {
      touched.add(stage.name);
      draft.endWork(stage.name);
    }
    if (draft.members(stage.name).some((member) => bad.includes(draft.targetOf(member)?.run?.revision ?? '')))
      touched.add(stage.name);
  }
  const stages = draft.line.stages
    .map(({ name }) => name)
    .filter((name) => touched.has(name))
    .reverse();
  // What goes back needs no decision about its regression any more, and must not be given back by one.
  const pauses = draft.line.pauses.filter(
    (one) => one.cause !== 'failure' && !(one.cause === 'regression' && bad.includes(one.version ?? '')),
  );
  draft.update({
    pauses,
    rollback: {
      version,
      reason,
      since: draft.now,
      stages,
      floor: draft.line.attempt,
      stuck: [],
      ...(by && { by }),
    },
  });
  draft.event({ what: 'rollbackStarted', ...left, revision: version, reason, ...(by && { by }) });
}

/** A removal is never rejected. */
function reject(draft: Draft, digests: readonly (readonly [cluster: string, digest: string | null])[]): void {
  const rejected = { ...draft.line.rejected };
  for (const [cluster, digest] of digests) {
    if (digest === null || rejected[cluster]?.includes(digest)) continue;
    rejected[cluster] = [...(rejected[cluster] ?? []), digest];
  }
  draft.update({ rejected });
}

/** What a version changed, over all stages: cluster and digest. */
export function changedBy(draft: Draft, version: string): (readonly [string, string | null])[] {
  const index = draft.versions.order(version);
  const before = draft.facts.versions[index - 1]?.revision;
  const changed: (readonly [string, string | null])[] = [];
  for (const stage of draft.line.stages) {
    const base = stage.passed.findLast((one) => draft.versions.order(one) < index) ?? before;
    for (const { name } of draft.members(stage.name)) {
      const digest = draft.versions.content(version, name)?.digest ?? null;
      if (digest !== (draft.versions.content(base, name)?.digest ?? null)) changed.push([name, digest]);
    }
  }
  return changed;
}

/** Stops a version here: what it started stays until its stage passes something newer. Tells where it stood, and how far it was there. */
export function abort(draft: Draft, version: string): Left {
  const left = leftAt(draft, version);
  reject(draft, changedBy(draft, version));
  for (const stage of draft.line.stages) {
    if (stage.work?.version !== version) continue;
    for (const member of draft.members(stage.name)) {
      const { name } = member;
      const target = draft.targetOf(member);
      if (target?.run?.revision !== version) continue;
      if (target.run.phase === 'published') takeBack(draft, stage, name);
      else if (publishedDigest(target.run) !== passedDigest(draft, stage, member))
        draft.setTarget(name, { ...target, kept: 'aborted' });
    }
    draft.endWork(stage.name);
  }
  draft.update({
    aborted: [...draft.line.aborted.filter((one) => one !== version), version].slice(-MOST_ENDED),
    pauses: draft.line.pauses.filter((one) => one.cause !== 'failure' || one.version !== version),
  });
  end(draft, version, 'Aborted');
  return left;
}

/** The stage at work on a version, and how many of its clusters that has left where: for an event that ends the work. */
type Left = Pick<LineEvent, 'stage' | 'counts'>;
function leftAt(draft: Draft, version: string): Left {
  const stage = draft.line.stages.find(({ work }) => work?.version === version);
  return stage?.work ? { stage: stage.name, counts: countsOf(draft, stage, stage.work) } : {};
}

export function end(draft: Draft, version: string, how: Ended['how']): void {
  const others = draft.line.ended.filter((one) => one.version !== version);
  draft.update({ ended: [...others, { version, how, at: draft.now }].slice(-MOST_ENDED) });
}

/** Some names, and how many more. */
export function few(names: readonly string[], most = 3): string {
  const more = names.length - most;
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
