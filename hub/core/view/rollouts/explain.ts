import { formatSelector } from '#proto/selector.ts';
import { isRegressed } from '#rollouts/failing.ts';
import type { Run, Stage } from '#rollouts/state.ts';
import { ago, versionWaitsFor } from '#rollouts/words.ts';
import { blockedBy, isChanged, pinOf } from '#rollouts/work.ts';
import { type Clock, isOver, type LineView } from './line-view.ts';

/** Why a cluster has the version that it has, why not the newer one, and what is awaited. */
export type ExplanationRow = {
  readonly cluster: string;
  readonly placement: string;
  readonly stage: string | undefined;
  readonly desired: Named | undefined;
  /** What the head of the branch gives it, where that is something else. */
  readonly candidate: Named | undefined;
  /** In order: whole sentences. */
  readonly steps: readonly string[];
  readonly waitingFor: readonly string[];
};
type Named = { readonly revision: string; readonly digest: string };

const short = (revision: string): string => revision.slice(0, 7);

export function explain(view: LineView, cluster: string, clock: Clock): ExplanationRow {
  const { placement, facts, versions, line } = view;
  const draft = view.at(clock);
  const entry = draft.membership.byName.get(cluster);
  const name = draft.membership.stageOf.get(cluster);
  const stage = line.stages.find((one) => one.name === name);
  const head = versions.head;
  const wanted = head?.contents.get(cluster);
  const run = draft.target(cluster)?.run;
  const desired = run && run.digest !== null ? { revision: run.revision, digest: run.digest } : undefined;
  const differs = wanted !== undefined && wanted.digest !== desired?.digest;
  const steps: string[] = [];
  const waitingFor: string[] = [];
  const row = { cluster, placement, stage: name, desired, steps, waitingFor };

  if (!entry || !stage) {
    steps.push(
      entry
        ? `no stage of ${strategyName(view)} takes ${cluster}: its labels match none of their selectors`
        : `${cluster} is in no rollout: its entry is gone, cannot be read, or says \`decommission: prune\``,
    );
    return { ...row, candidate: undefined };
  }
  steps.push(memberWords(view, stage));
  steps.push(desiredWords(view, stage, cluster, run, clock));
  const leaves = head !== undefined && wanted === undefined && run !== undefined && run.digest !== null;
  if (!differs && !leaves) {
    if (wanted)
      steps.push(`that is what ${short(head!.revision)}, the newest version of ${placement}, gives it`);
    else steps.push(`the newest version of ${placement} does not select it`);
  } else {
    const version = nextFor(view, cluster);
    steps.push(newerWords(view, stage, cluster, version));
    for (const words of stopsOf(view, cluster, clock)) waitingFor.push(words);
    if (!isOver(view.phase(version)))
      waitingFor.push(...versionWaitsFor(line, { ...facts, hub: clock.hub }, clock.now, version));
  }
  const candidate = differs ? { revision: nextFor(view, cluster), digest: wanted.digest } : undefined;
  return { ...row, candidate, waitingFor: [...new Set(waitingFor)] };
}

const strategyName = ({ facts }: LineView): string =>
  facts.strategy.name === undefined ? 'the one stage of all' : `strategy ${facts.strategy.name}`;

function memberWords(view: LineView, { name }: Stage): string {
  const { stages } = view.facts.strategy;
  const at = stages.findIndex((stage) => stage.name === name);
  const selector = formatSelector(stages[at]!.selector);
  const place = stages.length === 1 ? 'the only stage' : `stage ${at + 1} of ${stages.length}`;
  const why = selector === '' ? 'it takes all that are left' : `its labels match ${selector}`;
  return `it is in ${name}, ${place} of ${strategyName(view)}: ${why}`;
}

/** Why it has what it has. */
function desiredWords(
  view: LineView,
  stage: Stage,
  cluster: string,
  run: Run | undefined,
  clock: Clock,
): string {
  const { line } = view;
  const target = view.draft.target(cluster);
  if (!run) return `nothing was given to it yet: ${stage.name} has passed no version that selects it`;
  const what = run.digest === null ? 'it is to remove the placement' : `it is to run ${short(run.revision)}`;
  const pin = pinOf(view.draft, cluster);
  if (pin) return `${what}: ${pin.words}`;
  if (target?.kept === 'relabelled')
    return `${what}, which is newer than what ${stage.name} has passed: it brought it along from the stage before, and keeps it`;
  if (target?.kept === 'aborted')
    return `${what}: ${short(run.revision)} was aborted, and what had started stays`;
  const since = target ? `, ${target.state} for ${ago(clock.now - target.since)}` : '';
  if (isRegressed(view, run.revision))
    return `${what}: ${stage.name} had passed that version, and does not count it as passed since it regressed`;
  if (run.purpose === 'rollback') return `${what}${since}: a rollback brought it back to that`;
  if (run.purpose === 'recall')
    return `${what}: it was out of reach when the newer version was published, and had not begun with it`;
  const member = view.draft.membership.memberOf.get(cluster);
  if (stage.work?.version === run.revision && member && isChanged(view.draft, stage, stage.work, member))
    return `${what}${since}: ${stage.name} works on that version`;
  const passed = stage.passed.at(-1);
  const isPassed = passed === run.revision;
  if (isPassed && stage.passedAt !== undefined)
    return `${what}${since}: ${stage.name} passed that version ${ago(clock.now - stage.passedAt)} ago`;
  return `${what}${since}${passed === undefined || isPassed || line.rollback ? '' : `; ${stage.name} has passed ${short(passed)}`}`;
}

/** The oldest version from the head back that gives the cluster what the head does. */
function nextFor({ facts, versions }: LineView, cluster: string): string {
  const wanted = versions.head!.contents.get(cluster)?.digest;
  let found = versions.head!;
  for (const version of facts.versions.toReversed()) {
    if (version.contents.get(cluster)?.digest !== wanted) break;
    found = version;
  }
  return found.revision;
}

/** Where the newer version is. */
function newerWords(view: LineView, stage: Stage, cluster: string, version: string): string {
  const { line } = view;
  const name = short(version);
  const phase = view.phase(version);
  if (line.rejected[cluster]?.includes(view.versions.content(version, cluster)?.digest ?? ''))
    return `${name} is newer, and gives it content that was rejected here`;
  if (line.aborted.includes(version)) return `${name} is newer, and was aborted`;
  if (isRegressed(view, version)) return `${name} is newer, and is paused after a regression`;
  if (line.struck.includes(version)) return `${name} is newer, and was rolled back`;
  if (stage.work?.version === version) return `${name} is newer, and ${stage.name} works on it (${phase})`;
  const at = line.stages.findIndex(({ work }) => work?.version === version);
  const own = line.stages.indexOf(stage);
  if (at >= 0 && at < own)
    return `${name} is newer, and is in ${line.stages[at]!.name} (${phase}): ${stage.name} takes it once it has passed there`;
  if (stage.work)
    return `${name} is newer, and comes after ${short(stage.work.version)}, which ${stage.name} works on`;
  return `${name} is newer (${phase})`;
}

/** What stops this cluster alone. */
function stopsOf(view: LineView, cluster: string, clock: Clock): string[] {
  const { facts } = view;
  const draft = view.at(clock);
  const silent = facts.silent.get(cluster);
  return [
    blockedBy(draft, cluster),
    facts.frozenBy(cluster),
    silent === undefined
      ? undefined
      : `waiting for the cluster to come back: silent for ${ago(clock.hub - silent)}`,
    draft.target(cluster)?.state === 'Blocked' ? draft.target(cluster)?.reason : undefined,
  ].filter((words) => words !== undefined);
}
