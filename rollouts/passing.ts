import { pausesOver } from './candidate.ts';
import type { Draft } from './draft.ts';
import type { Content } from './facts.ts';
import { end, few } from './failing.ts';
import { waitsAtGates } from './gates.ts';
import { concerns } from './replan.ts';
import type { Run, Stage, Work } from './state.ts';
import { isBusy } from './target-table.ts';
import { countsOf, neededEvidence, type Survey, survey } from './work.ts';

/** Passed versions that are kept for going back to, at least. */
const LEAST_KEPT = 5;

/** Why a stage passes without its gates, in the event that tells it. */
export const NOTHING_CHANGES = 'nothing changes here';
export const REVERT = 'a revert';

/** Lets a stage pass what it works on, if it may (design/30, rule 6). True when it did. */
export function passStage(draft: Draft, name: string): boolean {
  const stage = draft.stage(name)!;
  const { work } = stage;
  if (!work || draft.versions.order(work.version) < 0) return false;
  const looked = survey(draft, stage, work);
  if (looked.changed > 0 && !work.hadChanges) draft.setWork(name, { hadChanges: true });
  const waits = whyNotPassed(draft, stage, work, looked);
  if (waits === undefined) {
    pass(draft, stage, work, looked);
    return true;
  }
  if (work.waiting !== waits) draft.setWork(name, { waiting: waits });
  return false;
}

function whyNotPassed(draft: Draft, stage: Stage, work: Work, looked: Survey): string | undefined {
  const [pause] = pausesOver(draft, stage);
  if (pause) return `paused by ${pause.by ?? pause.cause}: ${pause.reason}`;
  if (draft.line.bus) return 'held: too many clusters were lost at once (the bus, not the clusters)';
  if (looked.changed === 0 && !work.hadChanges) return undefined;
  if (looked.changed === 0 && work.revert) return undefined;
  const { unfinished, changed, evidence } = looked;
  if (unfinished.length > 0)
    return `waiting for ${unfinished.length} of ${changed} clusters in ${stage.name}: ${few(unfinished)}`;
  const needed = neededEvidence(draft, changed);
  if (evidence < needed && !work.skips.includes('evidence')) return withoutEvidence(stage, looked, needed);
  return waitsAtGates(draft, stage, 'after', looked);
}

function withoutEvidence({ name }: Stage, { away, evidence }: Survey, needed: number): string {
  const far = `no evidence in ${name}: ${evidence} of ${needed} became Current`;
  if (away.length === 0) return `${far}; a newer version or expedite goes on`;
  const byReason = Map.groupBy(away, ({ why }) => why);
  const reasons = [...byReason].map(([why, some]) => `${few(some.map((one) => one.name))} ${why}`);
  return `${far}: ${few(reasons)}; it goes on when that ends, with a newer version, or by expedite`;
}

function pass(draft: Draft, stage: Stage, work: Work, { changed }: Survey): void {
  const { name } = stage;
  const counts = countsOf(draft, stage, work);
  draft.endWork(name);
  const passed = [...stage.passed.filter((one) => one !== work.version), work.version];
  draft.setStage(name, { passed, passedAt: draft.now, since: draft.now });
  trim(draft);
  nameMembers(draft, stage, work.version);
  const reason = changed === 0 ? NOTHING_CHANGES : work.revert ? REVERT : undefined;
  draft.event({
    what: 'stagePassed',
    stage: name,
    revision: work.version,
    counts,
    ...(reason && { reason }),
  });
  if (changed === 0) draft.event({ what: 'unchanged', stage: name, revision: work.version });
  if (draft.line.stages.at(-1)?.name !== name) return;
  end(draft, work.version, 'Succeeded');
  draft.event({ what: 'succeeded', revision: work.version });
}

/** Keeps what is passed back to the oldest version that any stage still runs. */
function trim(draft: Draft): void {
  const orders = draft.line.stages.map((stage) => draft.versions.order(stage.passed.at(-1)));
  const oldest = Math.min(...orders);
  for (const stage of draft.line.stages) {
    const from = stage.passed.findLastIndex((one) => draft.versions.order(one) <= oldest);
    const keep = Math.min(Math.max(0, from), Math.max(0, stage.passed.length - LEAST_KEPT));
    if (keep > 0) draft.setStage(stage.name, { passed: stage.passed.slice(keep) });
  }
}

/** The members that it left alone take its name; who was removed is forgotten; what was left by an operator is over. */
function nameMembers(draft: Draft, stage: Stage, version: string): void {
  const { contents } = draft.versions.get(version)!;
  for (const { name } of draft.members(stage.name)) {
    const target = draft.target(name);
    if (!target) continue;
    const { run } = target;
    const content = contents.get(name);
    if (!content) {
      const isOver = !run || run.phase === 'removed';
      if (isOver && !concerns(draft, draft.stage(stage.name)!, name)) draft.dropTarget(name);
      continue;
    }
    const { late: _late, kept, ...rest } = target;
    const newer = run && draft.versions.order(run.revision) > draft.versions.order(version);
    const same = run?.digest === content.digest && run.phase !== 'failed' && run.purpose !== 'pin';
    const renamed = same && !isBusy(run) && !isNamedBy(run, version, content);
    const run2 = renamed ? rename(run, version, content) : run;
    const stillKept = kept !== undefined && kept !== 'aborted' && newer ? { kept } : {};
    if (renamed || target.late !== undefined || (kept && !stillKept.kept)) {
      draft.setTarget(name, { ...rest, ...stillKept, ...(run2 && { run: run2 }) });
    }
  }
}

const isNamedBy = (run: Run, version: string, { entryRevision, revision }: Content): boolean =>
  run.revision === version && run.entryRevision === entryRevision && run.readAt === revision;

function rename({ readAt: _old, ...run }: Run, version: string, content: Content): Run {
  const { entryRevision, revision: readAt } = content;
  return { ...run, revision: version, entryRevision, ...(readAt !== undefined && { readAt }) };
}
