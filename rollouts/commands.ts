import type { Strategy } from '#proto/stages.ts';
import { Draft } from './draft.ts';
import type { LineEvent } from './events.ts';
import type { LineFacts } from './facts.ts';
import { abort, beginRollback, changedBy, few, isRegressed, pause } from './failing.ts';
import { gateKey, validApprovals } from './gates.ts';
import { isAmong } from './membership.ts';
import { type Phase, phaseOf } from './phase.ts';
import { isRejected } from './replan.ts';
import { type Line, SKIPS, type Skip, type Stage, type Whom } from './state.ts';

/** Who asks, and why; `expectedPhase` guards against deciding about something that has moved on meanwhile. */
export type Order = {
  readonly by: string;
  readonly reason?: string;
  readonly expectedPhase?: Phase;
  /** The version that is meant; the newest one that is under way where none is named. */
  readonly version?: string;
};
export type Command = Order &
  (
    | { readonly kind: 'pause'; readonly until?: number }
    | { readonly kind: 'resume' }
    | {
        readonly kind: 'approve' | 'deny';
        readonly stage: string;
        readonly groups: readonly string[];
        /** Under which whoever asks commits, besides the name: for gates with `notAuthor`. */
        readonly emails?: readonly string[];
      }
    | { readonly kind: 'retry' }
    | { readonly kind: 'abort' }
    | { readonly kind: 'rollback' }
    | { readonly kind: 'expedite'; readonly stages: readonly string[]; readonly skips?: readonly Skip[] }
    | { readonly kind: 'pin'; readonly whom: Whom; readonly revision: string; readonly until?: number }
    | { readonly kind: 'unpin'; readonly whom: Whom }
  );

export const REFUSALS = [
  'unknown-placement',
  'unknown-stage',
  'unknown-version',
  'unknown-cluster',
  'wrong-phase',
  'finished',
  'nothing-waits',
  'not-in-group',
  'own-commit',
  'already-approved',
  'nothing-paused',
  'already-paused',
  'nothing-to-do',
  'expired',
] as const;
export type RefusalCode = (typeof REFUSALS)[number];
export type Refused = { readonly refused: { readonly code: RefusalCode; readonly message: string } };
export type Done = { readonly line: Line; readonly events: readonly LineEvent[] };

const refuse = (code: RefusalCode, message: string): Refused => ({ refused: { code, message } });
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
      abort(draft, version);
      draft.event({ what: 'aborted', revision: version, ...who(order) });
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

const who = ({ by, reason }: Order) => ({ by, ...(reason !== undefined && { reason }) });

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

function stageNamed({ line, facts }: Draft, name: string): Stage | Refused {
  const names = facts.strategy.stages.map((stage) => stage.name);
  return (
    line.stages.find((stage) => stage.name === name) ??
    refuse('unknown-stage', `${facts.placement} has no stage ${name}; it has ${names.join(', ')}`)
  );
}

function decide(draft: Draft, order: Extract<Command, { kind: 'approve' | 'deny' }>): Refused | undefined {
  const stage = stageNamed(draft, order.stage);
  if ('refused' in stage) return stage;
  const { work, name } = stage;
  const { placement, strategy } = draft.facts;
  if (!work)
    return refuse('nothing-waits', `${name} of ${placement} works on nothing that could be approved`);
  if (order.version !== undefined && order.version !== work.version)
    return refuse('nothing-waits', `${name} of ${placement} works on ${work.version.slice(0, 12)}`);
  const open = approvalGates(strategy, stage).filter(({ key }) => work.gates[key]?.openedAt === undefined);
  if (open.length === 0) return refuse('nothing-waits', `no gate of ${name} waits for an approval`);
  const mine = open.filter(({ spec }) => spec.groups.some((group) => order.groups.includes(group)));
  if (mine.length === 0) {
    const groups = [...new Set(open.flatMap(({ spec }) => spec.groups))].join(' or ');
    return refuse('not-in-group', `${order.by} is in none of the groups that may: ${groups}`);
  }
  if (order.kind === 'deny') {
    draft.event({ what: 'denied', stage: name, revision: work.version, gate: mine[0]!.key, ...who(order) });
    abort(draft, work.version);
    return undefined;
  }
  const before = stage.passed.at(-1);
  const authors = draft.versions.authors(before, work.version);
  const given = mine.find(
    ({ spec, key }) =>
      !validApprovals(draft, spec, work.gates[key]?.approvals ?? []).some(({ by }) => by === order.by),
  );
  if (!given) return refuse('already-approved', `${order.by} has approved this already`);
  const names = [order.by, ...(order.emails ?? [])].map((name) => name.toLowerCase());
  if (given.spec.notAuthor && [...authors].some((author) => names.includes(author.toLowerCase())))
    return refuse('own-commit', `${order.by} wrote one of the commits: somebody else has to approve`);
  const gate = work.gates[given.key] ?? {};
  const approval = {
    by: order.by,
    groups: order.groups,
    ...(order.reason !== undefined && { reason: order.reason }),
    at: draft.now,
    atHub: draft.hub,
  };
  const others = (gate.approvals ?? []).filter(({ by }) => by !== order.by);
  draft.setWork(name, {
    gates: { ...work.gates, [given.key]: { ...gate, approvals: [...others, approval] } },
  });
  draft.event({ what: 'approved', stage: name, revision: work.version, gate: given.key, ...who(order) });
  return undefined;
}

function approvalGates(strategy: Strategy, { name }: Stage) {
  const spec = strategy.stages.find((stage) => stage.name === name);
  return (['before', 'after'] as const).flatMap((when) =>
    (spec?.[when] ?? []).flatMap(({ approval }, index) =>
      approval ? [{ key: gateKey(when, index), spec: approval }] : [],
    ),
  );
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
    pauses: draft.line.pauses.filter(({ cause }) => cause !== 'failure'),
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
  const reason = order.reason ?? `ordered by ${order.by}`;
  beginRollback(draft, version, changedBy(draft, version), { reason, by: order.by });
  return undefined;
}

function expedite(draft: Draft, order: Extract<Command, { kind: 'expedite' }>): Refused | undefined {
  const stages = order.stages.map((name) => stageNamed(draft, name));
  for (const stage of stages) if ('refused' in stage) return stage;
  const { version } = order;
  const working = (stages as Stage[]).filter(
    ({ work }) => work && (version === undefined || work.version === version),
  );
  const what = version === undefined ? 'nothing' : `something else than ${version.slice(0, 12)}, or nothing`;
  if (working.length === 0)
    return refuse('nothing-waits', `${few(order.stages)} of ${draft.facts.placement} works on ${what}`);
  for (const { name, work } of working) {
    draft.setWork(name, { skips: [...new Set([...work!.skips, ...(order.skips ?? SKIPS)])] });
    draft.event({ what: 'expedited', stage: name, revision: work!.version, ...who(order) });
  }
  return undefined;
}

function pin(draft: Draft, order: Extract<Command, { kind: 'pin' }>): Refused | undefined {
  const { placement, clusters } = draft.facts;
  if (draft.versions.order(order.revision) < 0)
    return refuse(
      'unknown-version',
      `${order.revision.slice(0, 12)} is no version of ${placement} on the branch`,
    );
  if ('cluster' in order.whom && !draft.membership.byName.has(order.whom.cluster))
    return refuse('unknown-cluster', `there is no cluster ${order.whom.cluster}`);
  if (order.until !== undefined && order.until <= draft.now)
    return refuse('expired', 'the pin would be over before it began');
  if (clusters.length === 0) return refuse('unknown-cluster', 'there is no cluster');
  const refusal = allRejected(draft, order);
  if (refusal) return refusal;
  const same = JSON.stringify(order.whom);
  const others = draft.line.pins.filter(({ whom }) => JSON.stringify(whom) !== same);
  const made = {
    whom: order.whom,
    version: order.revision,
    by: order.by,
    reason: order.reason ?? 'no reason given',
    ...(order.until !== undefined && { until: order.until }),
  };
  draft.update({ pins: [made, ...others] });
  draft.event({ what: 'pinned', ...named(order.whom), revision: order.revision, ...who(order) });
  return undefined;
}

/** A pin that no cluster would follow: what was rejected somewhere starts there only after `retry`. */
function allRejected(draft: Draft, { whom, revision }: Extract<Command, { kind: 'pin' }>) {
  const { placement, clusters } = draft.facts;
  const digestOf = (name: string) => draft.versions.content(revision, name)?.digest;
  const given = clusters.filter((one) => isAmong(whom, one) && digestOf(one.name) !== undefined);
  if (given.length === 0 || given.some(({ name }) => !isRejected(draft, name, digestOf(name)!))) return;
  const [names, short] = [few(given.map(({ name }) => name)), revision.slice(0, 7)];
  return refuse(
    'nothing-to-do',
    `what ${short} gives ${names} was rejected there; \`flotilla rollout retry ${placement}@${short}\` lifts that`,
  );
}

function unpin(draft: Draft, order: Extract<Command, { kind: 'unpin' }>): Refused | undefined {
  const same = JSON.stringify(order.whom);
  const others = draft.line.pins.filter(({ whom }) => JSON.stringify(whom) !== same);
  if (others.length === draft.line.pins.length)
    return refuse('nothing-to-do', `there is no such pin on ${draft.facts.placement}`);
  draft.update({ pins: others });
  draft.event({ what: 'unpinned', ...named(order.whom), ...who(order) });
  return undefined;
}

const named = (whom: Whom) => ('cluster' in whom ? { cluster: whom.cluster } : {});
