import { decide } from './approving.ts';
import { Draft, publishedDigest } from './draft.ts';
import type { LineEvent } from './events.ts';
import { expedite } from './expediting.ts';
import type { LineFacts } from './facts.ts';
import { abort, beginRollback, changedBy, isRegressed, pause } from './failing.ts';
import { type Command, type Order, type Refused, refuse, who } from './order.ts';
import { type Phase, phaseOf } from './phase.ts';
import { pin, unpin } from './pinning.ts';
import type { Line } from './state.ts';

type Done = { readonly line: Line; readonly events: readonly LineEvent[] };

const LIVE: readonly Phase[] = ['Running', 'Soaking', 'AwaitingApproval', 'Paused', 'RollingBack', 'Pending'];

/**
 * What a person orders about a line (design/30, rule 13). Either it is done, as a new line that the next `advance` acts upon, or it
 * is refused with a reason and nothing is changed.
 */
export function command(line: Line, facts: LineFacts, order: Command, now: number): Done | Refused {
  const draft = new Draft(line, facts, now);
  const version = order.version ?? underWay(draft);
  const phase = version === undefined ? undefined : phaseOf(line, facts.strategy, draft.versions, version);
  if (order.expectedPhase !== undefined && order.expectedPhase !== phase)
    return refuse('wrong-phase', `${facts.placement} is ${phase ?? 'idle'}, not ${order.expectedPhase}`);
  if (order.version !== undefined && draft.versions.order(order.version) < 0)
    return refuse('unknown-version', `${order.version.slice(0, 12)} is no version of ${facts.placement}`);
  const refused = carryOut(draft, order, version, phase);
  return refused ?? { line: draft.line, events: draft.events };
}

/** The newest version that some stage works on or that goes back; else the head's. */
function underWay({ line, versions }: Draft): string | undefined {
  if (line.rollback) return line.rollback.version;
  const works = line.stages.flatMap(({ work }) => (work ? [work.version] : []));
  const paused = line.pauses.flatMap(({ version }) => (version === undefined ? [] : [version]));
  const all = [...works, ...paused].sort((a, b) => versions.order(b) - versions.order(a));
  return all[0] ?? versions.head?.revision;
}

function carryOut(
  draft: Draft,
  order: Command,
  version: string | undefined,
  phase: Phase | undefined,
): Refused | undefined {
  const { placement } = draft.facts;
  const isLive = phase !== undefined && LIVE.includes(phase);
  const finished = () => {
    const which = order.version === undefined ? 'nothing' : `nothing in ${order.version.slice(0, 7)}`;
    return refuse('finished', `${which} of ${placement} is under way: it is ${phase ?? 'idle'}`);
  };
  // Who names a version means that one, and not what its line has gone on to.
  const isOther = order.version !== undefined && !isLive;
  switch (order.kind) {
    case 'pause':
      if (isOther) return finished();
      return orderPause(draft, order);
    case 'resume':
      // A line at rest may be paused, and one whose rollback has ended.
      if (isOther && version !== underWay(draft) && !draft.line.pauses.some((one) => one.version === version))
        return finished();
      return resume(draft, order);
    case 'approve':
    case 'deny':
      return decide(draft, order);
    case 'retry':
      return version === undefined ? finished() : retry(draft, order, version);
    case 'abort':
      if (!isLive || phase === 'RollingBack' || version === undefined) return finished();
      draft.event({ what: 'aborted', ...abort(draft, version), revision: version, ...who(order) });
      return undefined;
    case 'rollback':
      return rollback(draft, order, version, phase);
    case 'expedite':
      if (isOther) return finished();
      return expedite(draft, order);
    case 'pin':
      return pin(draft, order);
    case 'unpin':
      return unpin(draft, order);
    default:
      order satisfies never;
      return undefined;
  }
}

function orderPause(draft: Draft, order: Extract<Command, { kind: 'pause' }>): Refused | undefined {
  if (draft.line.pauses.some(({ cause }) => cause === 'operator'))
    return refuse('already-paused', `${draft.facts.placement} is paused already`);
  if (order.until !== undefined && order.until <= draft.now)
    return refuse('expired', 'the pause would be over before it began');
  pause(draft, {
    cause: 'operator',
    by: order.by,
    reason: order.reason ?? 'no reason given',
    since: draft.now,
    ...(order.until !== undefined && { until: order.until }),
  });
  return undefined;
}

/** Accepts the failures and regressions known so far: they stay Failed, no longer counted nor waited for. */
function resume(draft: Draft, order: Order): Refused | undefined {
  const { pauses, bus } = draft.line;
  if (pauses.length === 0 && !bus) return refuse('nothing-paused', `${draft.facts.placement} is not paused`);
  for (const [cluster, target] of Object.entries(draft.line.targets)) {
    if (target.run?.phase === 'failed') draft.setRun(cluster, { ...target.run, excused: 'accepted' });
  }
  for (const { struck = [], version } of pauses) giveBack(draft, struck, version);
  const { bus: _over, ...rest } = draft.line;
  const busAccepted = bus ? [...draft.facts.silent.keys()] : rest.busAccepted;
  draft.replace({ ...rest, pauses: [], ...(busAccepted && { busAccepted }) });
  draft.event({ what: 'resumed', ...who(order) });
  return undefined;
}

/** Versions that a regression had struck are passed again. */
function giveBack(draft: Draft, stages: readonly string[], version: string | undefined): void {
  if (version === undefined || stages.length === 0) return;
  for (const name of stages) {
    const stage = draft.stage(name);
    if (!stage || stage.passed.includes(version)) continue;
    const passed = [...stage.passed, version];
    passed.sort((a, b) => draft.versions.order(a) - draft.versions.order(b));
    draft.setStage(name, { passed });
  }
  draft.update({ struck: draft.line.struck.filter((one) => one !== version) });
}

/** Failed targets get a new attempt, rejections are lifted, and the version and its gates start anew. */
function retry(draft: Draft, order: Order, version: string): Refused | undefined {
  if (draft.line.rollback) return refuse('wrong-phase', `${draft.facts.placement} is rolling back`);
  if (isRegressed(draft, version))
    return refuse(
      'wrong-phase',
      `${draft.facts.placement} is paused by a regression: resume accepts it, rollback goes back`,
    );
  const content = draft.versions.get(version)?.contents;
  const rejected = Object.fromEntries(
    Object.entries(draft.line.rejected).filter(
      ([cluster, digests]) => !digests.includes(content?.get(cluster)?.digest ?? ''),
    ),
  );
  const lifted = Object.keys(rejected).length < Object.keys(draft.line.rejected).length;
  const wasAborted = draft.line.aborted.includes(version);
  let again = 0;
  for (const stage of draft.line.stages) {
    for (const { name } of draft.members(stage.name)) {
      const run = draft.target(name)?.run;
      if (run?.phase !== 'failed' || run.revision !== version) continue;
      draft.setRun(name, { ...run, again: true });
      again += 1;
    }
    const { work } = stage;
    if (work?.version !== version) continue;
    const gates = Object.fromEntries(
      Object.entries(work.gates).map(([key, { round = 0 }]) => [key, { round: round + 1 }]),
    );
    if (Object.values(work.gates).some(({ answer }) => answer && answer.says !== 'yes')) again += 1;
    draft.setWork(stage.name, { gates, skips: [] });
  }
  if (again === 0 && !lifted && !wasAborted)
    return refuse('nothing-to-do', `nothing of ${draft.facts.placement} has failed or was rejected`);
  draft.update({
    rejected,
    aborted: draft.line.aborted.filter((one) => one !== version),
    struck: draft.line.struck.filter((one) => one !== version),
    pauses: draft.line.pauses.filter((one) => one.cause !== 'failure' || one.version !== version),
    ended: draft.line.ended.filter((one) => one.version !== version),
  });
  draft.event({ what: 'retried', revision: version, ...who(order) });
  return undefined;
}

/** By hand: everything that the version changed is rejected, and it goes back everywhere it came to. */
function rollback(
  draft: Draft,
  order: Order,
  version: string | undefined,
  phase: Phase | undefined,
): Refused | undefined {
  const { placement } = draft.facts;
  if (phase === 'RollingBack') return refuse('wrong-phase', `${placement} is rolling back already`);
  const touched =
    version !== undefined &&
    draft.line.stages.some(({ work, passed }) => work?.version === version || passed.includes(version));
  if (version === undefined || !touched) return refuse('finished', `no stage of ${placement} has taken it`);
  const changed = changedBy(draft, version);
  const isInForce =
    draft.line.stages.some(({ work }) => work?.version === version) ||
    changed.some(([cluster, digest]) => publishedDigest(draft.target(cluster)?.run) === digest);
  if (!isInForce)
    return refuse('finished', `nothing has what ${version.slice(0, 7)} changed in ${placement} any more`);
  const reason = order.reason ?? `ordered by ${order.by}`;
  beginRollback(draft, version, changed, { reason, by: order.by });
  return undefined;
}
