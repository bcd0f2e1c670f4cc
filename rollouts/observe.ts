import { clustersOf } from '#proto/stages.ts';
import type { Draft } from './draft.ts';
import type { Report } from './facts.ts';
import type { Run, Stage } from './state.ts';
import { isBusy } from './target-table.ts';
import { blockedBy, isLost, isOf } from './work.ts';

/** A report of failure has to stand for so long, in hub time. */
const FAILED_FOR = 60_000;
/** Losses of clusters within so much hub time are taken together. */
export const BUS_SPAN = 5 * 60_000;

/** Takes in what agents have said, and what their silence means (design/30, rules 4, 5 and 9). */
export function observe(draft: Draft): void {
  const { reports } = draft.facts;
  const unheard: string[] = [];
  const { names } = draft.table;
  for (let at = 0; at < names.length; at++) {
    const cluster = names[at]!;
    const report = reports.get(cluster) ?? null;
    // Most clusters, most of the time: nobody has said anything since.
    if (draft.table.heard[at] === report) continue;
    const { run } = draft.table.list[at]!;
    if (!run) continue;
    const judged = judge(draft, cluster, run, report ?? undefined);
    if (judged !== run) draft.setRun(cluster, judged);
    else if (run.phase === 'current' && !run.worse && !run.regressed) draft.table.heard[at] = report;
    if (judged.regressed) draft.hasRegressed = true;
    if (judged.phase === 'published' && draft.facts.silent.has(cluster)) unheard.push(cluster);
  }
  for (const cluster of unheard) recall(draft, cluster);
}

function judge(draft: Draft, cluster: string, was: Run, report: Report | undefined): Run {
  if (was.phase === 'removed') return was;
  // Most clusters, most of the time.
  if (was.phase === 'current' && !was.worse && report?.phase === 'current' && report.attempt === was.attempt)
    if (report.digest === was.digest) return was;
  let run = was;
  // A pin does not stand in its own way.
  const blocking = run.purpose === 'pin' ? draft.facts.blockedBy : (name: string) => blockedBy(draft, name);
  if (isBusy(run) && blocking(cluster) !== undefined) run = { ...run, phase: 'stopped' };
  // What was stopped is no evidence, whatever it says: it gets a new attempt when it may move again.
  if (report?.attempt === run.attempt && run.phase !== 'stopped') run = hear(draft, cluster, run, report);
  run = judgeTime(draft, cluster, run, report);
  return run;
}

type Told = 'started' | 'current' | 'failed' | 'removed' | 'rolledBack';

function tell(draft: Draft, what: Told, cluster: string, run: Run) {
  const reason = what === 'failed' && run.failure !== undefined ? { reason: run.failure } : {};
  const stage = draft.target(cluster)?.stage;
  draft.event({ what, cluster, ...(stage && { stage }), revision: run.revision, ...reason });
}

/** Reports for this attempt. */
function hear(draft: Draft, cluster: string, was: Run, report: Report): Run {
  let run = was;
  if (run.phase === 'published') {
    run = { ...run, phase: 'started' };
    if (run.purpose !== 'recall') tell(draft, 'started', cluster, run);
  }
  if (run.digest === null) {
    if (report.phase !== 'removed') return hearTrouble(draft, run, report);
    const gone: Run = { ...run, phase: 'removed', currentHub: draft.hub };
    tell(draft, run.purpose === 'rollback' ? 'rolledBack' : 'removed', cluster, gone);
    return gone;
  }
  if (report.phase !== 'current' || report.digest !== run.digest) return hearTrouble(draft, run, report);
  if (run.phase === 'current' && !run.worse) return run;
  const { worse, failingHub: _failing, verifying: _verifying, failure: _failure, ...rest } = run;
  const current: Run = {
    ...rest,
    phase: 'current',
    currentHub: draft.hub,
    reachedHub: rest.reachedHub ?? draft.hub,
  };
  if (run.phase !== 'current') {
    if (run.purpose !== 'recall')
      tell(draft, run.purpose === 'rollback' ? 'rolledBack' : 'current', cluster, current);
  } else if (worse) draft.event({ what: 'recovered', cluster, revision: run.revision });
  return current;
}

/** Anything but Current. */
function hearTrouble(draft: Draft, run: Run, report: Report): Run {
  if (run.phase === 'current')
    return run.worse ? run : { ...run, worse: { ms: 0, sinceHub: draft.hub }, ...withMessage(report) };
  if (run.phase !== 'started') return run;
  if (report.phase === 'failed')
    return run.failingHub === undefined ? { ...run, failingHub: draft.hub, ...withMessage(report) } : run;
  const verifying = report.phase === 'verifying';
  if (run.failingHub === undefined && (run.verifying ?? false) === verifying) return run;
  const { failingHub: _failing, verifying: _verifying, failure: _failure, ...rest } = run;
  return verifying ? { ...rest, verifying: true } : rest;
}

const withMessage = ({ message }: Report) => (message === undefined ? {} : { failure: message });

/** What hub time says. While the bus is held nobody is judged lost. */
function judgeTime(draft: Draft, cluster: string, run: Run, report: Report | undefined): Run {
  const { progressDeadlineMs } = draft.facts.strategy;
  const silent = draft.facts.silent.has(cluster);
  if (run.phase === 'current') return run.worse ? watch(draft, cluster, run, run.worse, silent) : run;
  if (run.purpose === 'recall' || (run.phase !== 'published' && run.phase !== 'started')) return run;
  if (run.failingHub !== undefined && draft.due(run.failingHub + FAILED_FOR))
    return fail(draft, cluster, run, run.failure ?? 'the agent reports Failed');
  if (run.phase === 'started' && isLost(draft, cluster))
    return fail(draft, cluster, run, 'lost contact while applying');
  if (silent && (run.phase === 'published' || draft.line.bus)) return run;
  if (!draft.due(run.publishedHub + progressDeadlineMs)) return run;
  const told = report?.attempt === run.attempt && report.message ? `: ${report.message}` : '';
  return fail(draft, cluster, run, `not Current within the progress deadline${told}`);
}

function fail(draft: Draft, cluster: string, run: Run, failure: string): Run {
  const { failingHub: _failing, verifying: _verifying, ...rest } = run;
  const failed: Run = { ...rest, phase: 'failed', failure };
  tell(draft, 'failed', cluster, failed);
  return failed;
}

/**
 * Regression: reported not Current at a stretch, within the window, during a soak always. Silence is not counted, nor is the time in
 * which nothing may be written there: what an agent says that has been told to stand still is no verdict on the version.
 */
function watch(
  draft: Draft,
  cluster: string,
  run: Run,
  { ms, sinceHub }: NonNullable<Run['worse']>,
  silent: boolean,
): Run {
  const { progressDeadlineMs, regressionMs } = draft.facts.strategy;
  if (silent)
    return sinceHub === undefined
      ? run
      : { ...run, worse: { ms: ms + (draft.facts.silent.get(cluster) ?? draft.hub) - sinceHub } };
  if (draft.facts.blockedBy(cluster) !== undefined)
    return sinceHub === undefined ? run : { ...run, worse: { ms: ms + draft.hub - sinceHub } };
  // Silence and standing still end here; what was seen before them counts on.
  const since = sinceHub ?? draft.hub;
  const target = draft.target(cluster);
  const work = target && draft.stage(target.stage)?.work;
  const inWork = work !== undefined && isOf(run, work);
  const isWatched = inWork || since - ms <= (run.reachedHub ?? 0) + regressionMs;
  if (!isWatched || run.purpose !== 'rollout' || !draft.due(since + progressDeadlineMs - ms))
    return sinceHub === undefined ? { ...run, worse: { ms, sinceHub: since } } : run;
  const { worse: _worse, ...rest } = run;
  const why = run.failure === undefined ? '' : `: ${run.failure}`;
  const failure = `was Current, is not since${why}`;
  draft.event({
    what: 'regressed',
    cluster,
    ...(target && { stage: target.stage }),
    revision: run.revision,
    reason: failure,
  });
  return { ...rest, phase: 'failed', regressed: true, failure };
}

/** A document published and not echoed goes back to the passed version once its cluster is lost. */
function recall(draft: Draft, cluster: string): void {
  const target = draft.target(cluster);
  const stage = target && draft.stage(target.stage);
  if (!stage || !target.run || target.run.purpose === 'recall' || target.run.purpose === 'pin') return;
  if (isLost(draft, cluster)) takeBack(draft, stage, cluster);
}

/** What was not echoed has changed nothing: the cluster is given what its stage has passed. */
export function takeBack(draft: Draft, stage: Stage, cluster: string): void {
  const target = draft.target(cluster)!;
  const passed = draft.versions.get(draft.lastPassed(stage));
  draft.event({ what: 'recalled', cluster, stage: stage.name, revision: target.run!.revision });
  if (passed?.contents.has(cluster)) {
    draft.publish(cluster, passed, { purpose: 'recall' });
    return;
  }
  const { run: _taken, ...rest } = target;
  draft.setTarget(cluster, rest);
}

/** Whether so many clusters were lost at once that it is the bus, not the clusters; it lasts until they are back. */
export function watchBus(draft: Draft): void {
  const { bus, busAccepted = [] } = draft.line;
  const { connected, lost } = draft.facts.bus;
  const most = Math.max(2, clustersOf({ share: draft.facts.strategy.offline.maxShare }, connected));
  const unseen = lost.filter((cluster) => !busAccepted.includes(cluster));
  if (bus) {
    // Who is lost while it holds is lost with the others.
    const more = unseen.filter((cluster) => !bus.lost.includes(cluster));
    const away = [...bus.lost, ...more].filter((cluster) => draft.facts.silent.has(cluster));
    if (away.length > most) {
      if (more.length > 0) draft.update({ bus: { ...bus, lost: [...bus.lost, ...more] } });
      return;
    }
    const { bus: _over, ...rest } = draft.line;
    draft.replace(rest);
    draft.event({ what: 'busBack' });
  }
  if (unseen.length <= most) {
    const still = busAccepted.filter((cluster) => draft.facts.silent.has(cluster));
    if (still.length < busAccepted.length) draft.update({ busAccepted: still });
    return;
  }
  draft.update({ bus: { since: draft.now, lost: unseen } });
  draft.event({ what: 'busHeld', reason: `${unseen.length} of ${connected} clusters lost at once` });
}
