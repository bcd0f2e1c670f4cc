import { pausesOver } from './candidate.ts';
import { type Draft, publishedDigest } from './draft.ts';
import type { Version } from './facts.ts';
import { waitsAtGates } from './gates.ts';
import type { Member } from './membership.ts';
import { isBarred, isRejected, isRejectedOf } from './rejected.ts';
import { goingBack, wantsBack } from './rollback.ts';
import type { Purpose, Run, Stage, Work } from './state.ts';
import { isBusy } from './target-table.ts';
import { openingFor } from './windows.ts';
import { blockedBy, hasEnded, isAtRest, isChanged, isLost, pinOf, runOf, seeTarget } from './work.ts';

type Wish = { cluster: Member; version: Version; purpose: Purpose };

/**
 * Starts what may start in a stage, unhealthy clusters first (design/30, rules 3 and 5). Returns why the stage's own targets do not
 * start, where that is for all the same.
 */
export function start(draft: Draft, stage: Stage): string | undefined {
  const pauses = pausesOver(draft, stage);
  const held = draft.line.bus ? 'too many clusters were lost at once' : undefined;
  const back = goingBack(draft);
  const backing = back?.stage.name === stage.name ? back : undefined;
  const holding = pauses.find(({ cause }) => !(backing && (cause === 'failure' || cause === 'regression')));
  const paused = holding && `paused by ${holding.by ?? holding.cause}: ${holding.reason}`;
  if (held !== undefined || paused !== undefined) return held ?? paused;

  const wishes: Wish[] = [];
  if (backing) wishes.push(...wishesBack(draft, backing));
  else wishes.push(...catchUps(draft, stage));
  const waits = backing ? undefined : wishesOfWork(draft, stage, wishes);
  let free = wishes.length > 0 ? freeSlots(draft, stage.name) : 0;
  wishes.sort((a, b) => Number(isWell(draft, a.cluster.name)) - Number(isWell(draft, b.cluster.name)));
  for (const { cluster, version, purpose } of wishes) {
    const ownsSlot = isBusy(draft.target(cluster.name)?.run);
    if (!ownsSlot && free <= 0) continue;
    if (!ownsSlot) free -= 1;
    const was = draft.target(cluster.name)?.run;
    const wasCurrent = was !== undefined && isWell(draft, cluster.name);
    draft.publish(cluster.name, version, {
      purpose,
      ...(wasCurrent && { wasCurrent: true }),
      ...(purpose === 'rollout' && isUnhealthy(draft, stage, cluster.name) && { excused: 'unhealthy' }),
    });
    noteStart(draft, stage.name, purpose);
  }
  // While something is at work, that is what is waited for.
  const isAtWork = waits !== undefined && freeSlots(draft, stage.name) < draft.maxConcurrent(stage.name);
  return isAtWork ? undefined : waits;
}

const freeSlots = (draft: Draft, stage: string): number =>
  draft.maxConcurrent(stage) - draft.table.busyOf(stage);

/** Gives pinned clusters what they are pinned to: without gates, in a slot, unless something is paused or frozen. */
export function startPins(draft: Draft): void {
  if (draft.line.pins.length === 0 || draft.line.bus) return;
  for (const stage of draft.line.stages) {
    if (pausesOver(draft, stage).length > 0) continue;
    let free = freeSlots(draft, stage.name);
    for (const { name } of draft.members(stage.name)) {
      const target = draft.target(name);
      const version = target && draft.versions.get(pinOf(draft, name)?.version);
      const wanted = version?.contents.get(name)?.digest;
      if (!target || !version || wanted === undefined) continue;
      if (wanted === target.run?.digest && target.run.phase !== 'stopped') continue;
      if (isAway(draft, name) || isBarred(draft, name, version)) continue;
      if (draft.facts.blockedBy(name) !== undefined || draft.facts.frozenBy(name) !== undefined) continue;
      if (!isBusy(target.run) && free-- <= 0) continue;
      draft.publish(name, version, { purpose: 'pin' });
    }
  }
}

function noteStart(draft: Draft, name: string, purpose: Purpose): void {
  const work = draft.stage(name)?.work;
  if (!work || purpose !== 'rollout' || work.startedAt !== undefined) return;
  draft.setWork(name, { startedAt: draft.now });
  draft.event({ what: 'stageStarted', stage: name, revision: work.version });
}

const isWell = (draft: Draft, cluster: string): boolean => {
  const run = draft.target(cluster)?.run;
  return run === undefined || (run.phase === 'current' && !run.worse) || run.phase === 'removed';
};

/** Not Current when the attempt begins, while what is published there is what its stage has passed (rule 4). */
function isUnhealthy(draft: Draft, stage: Stage, cluster: string): boolean {
  const run: Run | undefined = draft.target(cluster)?.run;
  if (!run || isWell(draft, cluster) || run.digest === null || run.purpose === 'recall') return false;
  const said = draft.facts.reports.get(cluster);
  const isTold = said?.attempt === run.attempt && said.phase !== 'current';
  if (!isTold || isRejected(draft, cluster, run.digest)) return false;
  if (run.purpose === 'rollout' && run.regressed && !run.excused) return false;
  return stage.passed.some((one) => draft.versions.content(one, cluster)?.digest === run.digest);
}

function wishesBack(draft: Draft, { stage, version }: { stage: Stage; version: Version }): Wish[] {
  return draft
    .members(stage.name)
    .filter((member) => wantsBack(draft, member, version) && mayMove(draft, member.name))
    .map((cluster) => ({ cluster, version, purpose: 'rollback' as const }));
}

/** Not within reach, or not known to be. */
const isAway = ({ facts }: Draft, cluster: string): boolean =>
  facts.silent.has(cluster) || (facts.unheard?.has(cluster) ?? false);

/** Reachable, not blocked and not frozen. */
function mayMove(draft: Draft, cluster: string): boolean {
  return (
    !isAway(draft, cluster) &&
    blockedBy(draft, cluster) === undefined &&
    draft.facts.frozenBy(cluster) === undefined
  );
}

/** Targets of the stage's work that wait, once gates and windows let them. */
function wishesOfWork(draft: Draft, stage: Stage, wishes: Wish[]): string | undefined {
  const { work } = draft.stage(stage.name)!;
  const version = work && draft.versions.get(work.version);
  if (!work || !version || draft.line.rollback) return undefined;
  const found: Member[] = [];
  for (const cluster of draft.members(stage.name)) {
    const { name } = cluster;
    const run = runOf(draft.targetOf(cluster), work);
    if ((run && run.phase !== 'stopped') || !isChanged(draft, stage, work, cluster)) continue;
    if (!hasEnded(seeTarget(draft, work, cluster)) && mayMove(draft, name)) found.push(cluster);
  }
  if (found.length === 0) return undefined;
  const gates = waitsAtGates(draft, stage, 'before', undefined);
  if (gates !== undefined) return gates;
  const { windows } = draft.facts.strategy;
  const free = work.revert || work.skips.includes('window') || windows.length === 0;
  let [closed, first] = [0, undefined as string | undefined];
  for (const cluster of found) {
    const opening = free ? undefined : openingFor(windows, cluster, draft.now);
    if (opening && !opening.open) {
      draft.past(opening.until);
      closed += 1;
      first ??= 'outside the window';
      continue;
    }
    const dependency = work.revert ? undefined : draft.facts.dependency(cluster.name, version);
    if (dependency && dependency.is !== 'ready') {
      first ??= `${cluster.name} ${dependency.reason}`;
      continue;
    }
    if (isRejectedOf(draft, cluster.name, version)) {
      first ??= `the content for ${cluster.name} was rejected; retry or a commit that changes it goes on`;
      continue;
    }
    wishes.push({ cluster, version, purpose: 'rollout' });
  }
  return closed === found.length || wishes.length === 0 ? first : undefined;
}

/** It has something newer than its stage has passed, and the stage is at a version that leaves it that: it does not go back first. */
function keepsNewer(draft: Draft, { version }: Work, member: Member, passed: Version): boolean {
  const run = draft.targetOf(member)?.run;
  if (!run || run.purpose === 'pin' || run.phase === 'failed' || isRejected(draft, member.name, run.digest))
    return false;
  const isNewer = draft.versions.order(run.revision) > draft.versions.order(passed.revision);
  return isNewer && draft.givenBy(version, member) === null && draft.digestOf(version, member) === undefined;
}

/** Members that run something else than their stage has passed, and are no targets of its work: joiners and who came back. */
function catchUps(draft: Draft, stage: Stage): Wish[] {
  if (draft.line.rollback || isAtRest(draft, stage)) return [];
  const found: Wish[] = [];
  const passed = draft.versions.get(draft.lastPassed(stage));
  const { work } = stage;
  for (const cluster of draft.members(stage.name)) {
    const { name } = cluster;
    const target = draft.targetOf(cluster);
    if (!target || !passed || target.kept || pinOf(draft, name)) continue;
    const wanted = draft.digestOf(passed.revision, cluster);
    const run = target.run;
    const isThere = wanted === publishedDigest(run) && run?.phase !== 'stopped';
    if (wanted === undefined || isThere || (wanted === null && run === undefined)) continue;
    if (work && (isChanged(draft, stage, work, cluster) || keepsNewer(draft, work, cluster, passed)))
      continue;
    if (isBusy(run) && run?.purpose === 'catch-up' && run.digest === wanted) continue;
    if (!mayMove(draft, name) || isLost(draft, name)) continue;
    if (draft.facts.dependency(name, passed).is !== 'ready') continue;
    found.push({ cluster, version: passed, purpose: 'catch-up' });
  }
  return found;
}
