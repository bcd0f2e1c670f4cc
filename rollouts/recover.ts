import { type FleetEvent, lineFacts } from './advance.ts';
import { Draft, nextAttempt, readFrom } from './draft.ts';
import type { FleetFacts, PlacementFacts, Report } from './facts.ts';
import { pause } from './failing.ts';
import { isRejected } from './rejected.ts';
import { replan } from './replan.ts';
import { EMPTY_LINE, type FleetState, type Line, type Run, type Stage } from './state.ts';
import { isBusy } from './target-table.ts';
import { blockedBy, isOf, pinOf } from './work.ts';

/** A version as an agent names it. */
export type Named = { readonly revision: string; readonly digest: string };

/** What an agent has of a placement, whoever told it to. */
export type Had = {
  /** As it echoes it. */
  readonly attempt: number;
  readonly phase: Report['phase'];
  /** What it applied last, whole. */
  readonly applied?: Named;
  /** What it was last told to apply; absent or equal where nothing is under way. */
  readonly attempted?: Named;
};

/** A cluster whose agent has accepted a document that saved state does not know, once all that it reports was heard. */
export type Ahead = {
  /** Saved state knows an older document of this cluster. */
  readonly known: boolean;
  /** By placement. */
  readonly has: ReadonlyMap<string, Had>;
};

/** What was saved and could not be read: whole lines, or what belongs to none (clock, freezes, holds). */
export type Unread = { readonly lines: ReadonlySet<string>; readonly fleet: boolean };

export type Recovery = { readonly state: FleetState; readonly events: readonly FleetEvent[] };

/**
 * In so much hub time every agent that lives has said hello: where the first of them know more than a state that is younger than
 * this, that state is not the first one of the fleet.
 */
const YOUNG = 15 * 60_000;
/** Attempts are Unix milliseconds of hubs: what is further ahead than this was made up. */
const FUTURE = 86_400_000;
const LOST = 'the hub has lost its state and took up what agents report; `flotilla hub resume` goes on';
const RESTORED = 'the hub was restored from a backup; `flotilla hub resume` goes on';
const UNREADABLE =
  'what the hub has saved of this line cannot be read, and it took up what agents have; `flotilla hub resume` goes on';
const FLEET_UNREADABLE =
  'what the hub has saved of freezes and holds cannot be read: look whether they are to be ordered again; `flotilla hub resume` goes on';
const OLDER =
  'agents were told more than the hub has saved, and it took up what they report; `flotilla hub resume` goes on';

/**
 * Takes up what agents have that saved state does not know of: state was lost, or an older one was restored (design/20, "Staying
 * alive"; ADR 15). Targets have what is reported, whatever that is, so that no workload changes; what a stage has passed is
 * read from its members; lines in doubt are paused with cause `recovered` until a person resumes. To be called before each
 * `advance`, on the same facts: without anybody ahead it costs nothing, and while a line is paused for it, versions that were read
 * meanwhile are taken into account. Lines that are `unread` are lost alone. Pure; gives back its input where nothing
 * changes.
 */
export function recover(
  state: FleetState,
  facts: FleetFacts,
  ahead: ReadonlyMap<string, Ahead>,
  now: number,
  unread?: Unread,
): Recovery {
  if (ahead.size === 0 && !isRecovered(state) && !unread) return { state, events: [] };
  const isNew = unread?.fleet || (state.recovered === undefined && isLost(state, facts, ahead, now));
  const recovered = state.recovered ?? (isNew ? { since: now } : undefined);
  const lines: Record<string, Line> = {};
  const events: FleetEvent[] = [];
  const silent = new Map(Object.entries(state.silent).map(([cluster, { hub }]) => [cluster, hub]));
  for (const [placement, { versions }] of facts.placements) {
    const was = state.lines[placement];
    const has = ownOf(placement, ahead);
    // Deleted in Git, and nobody is known to have it.
    if (!was && has.size === 0 && (versions.at(-1)?.contents.size ?? 0) === 0) continue;
    const isDoubted = [...has].some(
      ([cluster, { attempt }]) =>
        ahead.get(cluster)!.known && attempt > (was?.targets[cluster]?.run?.attempt ?? 0),
    );
    const isUnread = unread?.lines.has(placement) ?? false;
    const isLostToo = inForce(recovered) && (isNew || !was);
    const lost = unread?.fleet ? FLEET_UNREADABLE : LOST;
    const reason = isUnread ? UNREADABLE : isLostToo ? lost : isDoubted ? OLDER : undefined;
    const isSeen = was && seen.get(was) === versions;
    if (reason === undefined && has.size === 0 && (!isHeld(was) || isSeen)) continue;
    const draft = new Draft(was ?? EMPTY_LINE, lineFacts(state, facts, placement, silent), now);
    recoverLine(draft, has, reason);
    seen.set(draft.line, draft.facts.versions);
    if (draft.line === was) continue;
    lines[placement] = draft.line;
    for (const event of draft.events) events.push({ ...event, placement });
  }
  if (!isNew && Object.keys(lines).length === 0) return { state, events };
  const next = { ...state, lines: { ...state.lines, ...lines } };
  return { state: recovered ? { ...next, recovered } : next, events };
}

/** What a backup is put back as: whatever has happened since, nothing moves before a person has looked. */
export function restored(state: FleetState, now: number): FleetState {
  const held = { cause: 'recovered' as const, reason: RESTORED, since: now };
  const lines = Object.entries(state.lines).map(([placement, line]): [string, Line] => [
    placement,
    isHeld(line) ? line : { ...line, pauses: [...line.pauses, held] },
  ]);
  return { ...state, lines: Object.fromEntries(lines), recovered: { since: now } };
}

/** Line → versions by which it was looked at: a memory for a start in which very many report one after the other. */
const seen = new WeakMap<Line, PlacementFacts['versions']>();

/** Whether anything is paused because state was lost, or is to be. */
export const isRecovered = ({ recovered, lines }: FleetState): boolean =>
  inForce(recovered) || Object.values(lines).some(isHeld);

const inForce = (recovered: FleetState['recovered']): boolean =>
  recovered !== undefined && recovered.over === undefined;

const isHeld = (line: Line | undefined): boolean =>
  line?.pauses.some(({ cause }) => cause === 'recovered') ?? false;

/** A state that has just begun, and an agent that was told something before. */
function isLost(
  { clock }: FleetState,
  { counting }: FleetFacts,
  ahead: ReadonlyMap<string, Ahead>,
  now: number,
): boolean {
  const age = clock.hub + (clock.running && counting ? now - clock.at : 0);
  return age < YOUNG && [...ahead.values()].some(({ known }) => !known);
}

function ownOf(placement: string, ahead: ReadonlyMap<string, Ahead>): Map<string, Had> {
  const own = new Map<string, Had>();
  for (const [cluster, { has }] of ahead) {
    const had = has.get(placement);
    if (had) own.set(cluster, had);
  }
  return own;
}

function recoverLine(draft: Draft, has: ReadonlyMap<string, Had>, reason: string | undefined): void {
  if (reason !== undefined) {
    if (!isHeld(draft.line)) pause(draft, { cause: 'recovered', reason, since: draft.now });
    // What was under way has moved on without this hub, or with another one: it is taken anew, gates included.
    for (const { name, work } of draft.line.stages) if (work) draft.endWork(name);
  }
  replan(draft);
  for (const [cluster, had] of has) takeUp(draft, cluster, had);
  if (isHeld(draft.line)) nameVersions(draft);
  if (isHeld(draft.line)) readPassed(draft);
  keepNewer(draft, isHeld(draft.line) ? undefined : has);
}

/** The cluster is to have what it has. */
function takeUp(draft: Draft, cluster: string, { attempt, phase, applied, attempted }: Had): void {
  const stage = draft.membership.stageOf.get(cluster);
  const target = draft.target(cluster);
  if (stage === undefined || attempt <= (target?.run?.attempt ?? 0)) return;
  const isMadeUp = attempt > draft.now + FUTURE;
  const run = { attempt: isMadeUp ? nextAttempt(draft.line.attempt, draft.now) : attempt };
  draft.update({ attempt: Math.max(draft.line.attempt, run.attempt) });
  const taken = { purpose: 'catch-up' as const, publishedHub: draft.hub };
  const set = (made: Run) => {
    const { run: _old, kept: _kept, late: _late, ...rest } = target ?? {};
    draft.setTarget(cluster, { state: 'Waiting', since: draft.now, ...rest, stage, run: made });
  };
  if (phase === 'removed') {
    // Of what is not there and was not known nothing needs to be remembered.
    if (target?.run) set({ ...target.run, ...run, ...taken, digest: null, phase: 'removed' });
    return;
  }
  const isUnderWay = attempted !== undefined && attempted.digest !== applied?.digest;
  const named = isUnderWay ? attempted : applied;
  if (!named) return;
  const reached = { phase: 'current' as const, currentHub: draft.hub, reachedHub: draft.hub };
  const begun = { phase: isMadeUp ? ('published' as const) : ('started' as const) };
  set({ ...named, entryRevision: named.revision, ...run, ...taken, ...(isUnderWay ? begun : reached) });
}

/** An agent is told where to read; a version may have another name. As soon as it is known, the run is called by it. */
function nameVersions(draft: Draft): void {
  for (const [cluster, { run }] of Object.entries(draft.line.targets)) {
    if (!run || run.digest === null || run.purpose !== 'catch-up') continue;
    const version =
      draft.versions.get(run.revision) ??
      draft.facts.versions.findLast(({ contents }) => contents.get(cluster)?.revision === run.revision);
    const content = version?.contents.get(cluster);
    if (!version || content?.digest !== run.digest) continue;
    const { readAt, entryRevision } = readFrom(version, content);
    const isNamed = run.revision === version.revision && run.entryRevision === entryRevision;
    if (isNamed && run.readAt === readAt) continue;
    const { readAt: _old, ...rest } = run;
    const named = { ...rest, revision: version.revision, entryRevision };
    draft.setRun(cluster, readAt === undefined ? named : { ...named, readAt });
  }
}

/** What the stages have passed, as far as it can be seen from what their members have. */
function readPassed(draft: Draft): void {
  const { stages } = draft.line;
  const common = stages.map((stage) => mostCommon(draft, appliedIn(draft, stage)));
  for (const [at, stage] of stages.entries()) {
    const passed = passedBy(draft, at, common);
    if (passed === undefined || passed === stage.passed.at(-1)) continue;
    const order = draft.versions.order(passed);
    if (order < 0 && stage.passed.length > 0) continue; // known better as soon as the version is read
    const before = stage.passed.filter((one) => draft.versions.order(one) < order);
    draft.setStage(stage.name, { passed: [...before, passed], passedAt: draft.now, since: draft.now });
  }
}

/**
 * The most common version of a stage, where it can have passed it: a later stage has mostly come to it, too, or all members have
 * it and no gate stood after it. If not, the line stood here, and what its members had before (or what the next stage has)
 * is what has passed: the stage takes the version anew, and its gates are asked anew. In the last stage only those count
 * who are well on what they had before: nobody else gets anything by what it passes.
 */
function passedBy(draft: Draft, at: number, common: readonly (string | undefined)[]): string | undefined {
  const version = common[at];
  const later = common.slice(at + 1).filter((one) => one !== undefined);
  if (version === undefined) return later[0];
  const order = draft.versions.order(version);
  if (order < 0 || later.some((one) => draft.versions.order(one) >= order)) return version;
  const stage = draft.line.stages[at]!;
  const older = appliedIn(draft, stage).filter(({ revision }) => draft.versions.order(revision) < order);
  if (later.length === 0)
    return (
      mostCommon(
        draft,
        older.filter((one) => isWaiting(draft, one)),
      ) ?? version
    );
  const isGated = (draft.spec(stage.name)?.after.length ?? 0) > 0;
  if (!isGated && isWhole(draft, stage, version)) return version;
  return mostCommon(draft, older) ?? later[0];
}

/** Well, within reach and free: if its stage had come to an end, it would have got more. */
const isWaiting = (draft: Draft, { cluster, isWell }: Has): boolean =>
  isWell && !draft.facts.silent.has(cluster) && blockedBy(draft, cluster) === undefined;

/** Whether all whom a version gives something have it. */
function isWhole(draft: Draft, { name }: Stage, version: string): boolean {
  return draft.members(name).every(({ name: cluster }) => {
    const content = draft.versions.content(version, cluster);
    const run = draft.target(cluster)?.run;
    const has = run?.phase === 'current' && run.digest === content?.digest;
    return !content || has || blockedBy(draft, cluster) !== undefined;
  });
}

type Has = { readonly cluster: string; readonly revision: string; readonly isWell: boolean };

/** What the members of a stage have applied, as far as their stage may have passed it. */
function appliedIn(draft: Draft, { name }: Stage): Has[] {
  const { struck, aborted } = draft.line;
  return draft.members(name).flatMap(({ name: cluster }): Has[] => {
    const run = draft.target(cluster)?.run;
    if (!run || run.digest === null || pinOf(draft, cluster)) return [];
    const isReached = run.phase === 'current';
    const revision = isReached ? run.revision : revisionBefore(draft, cluster, run);
    const isOut = revision === undefined || struck.includes(revision) || aborted.includes(revision);
    if (isOut || (isReached && isRejected(draft, cluster, run.digest))) return [];
    return [
      { cluster, revision, isWell: isReached && draft.facts.reports.get(cluster)?.phase === 'current' },
    ];
  });
}

/** What a cluster had before an attempt that is under way; its reports tell by digest. */
function revisionBefore(draft: Draft, cluster: string, { revision }: Run): string | undefined {
  const digest = draft.facts.reports.get(cluster)?.digest;
  const before = draft.facts.versions.slice(0, Math.max(0, draft.versions.order(revision)));
  if (digest === undefined) return undefined;
  return before.findLast(({ contents }) => contents.get(cluster)?.digest === digest)?.revision;
}

/** The older one where two are as common. */
function mostCommon(draft: Draft, has: readonly Has[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { revision } of has) counts.set(revision, (counts.get(revision) ?? 0) + 1);
  const order = (revision: string) => draft.versions.order(revision);
  return [...counts].sort(([a, m], [b, n]) => n - m || order(a) - order(b))[0]?.[0];
}

/** Nothing goes backwards: who has something newer than its stage has passed keeps it until that passes something as new. */
function keepNewer(draft: Draft, only: ReadonlyMap<string, Had> | undefined): void {
  for (const cluster of only?.keys() ?? Object.keys(draft.line.targets)) {
    const target = draft.target(cluster);
    const stage = target && draft.stage(target.stage);
    const { run } = target ?? {};
    if (!target || !stage || !run || pinOf(draft, cluster)) continue;
    if (stage.work && isOf(run, stage.work)) continue;
    const newer = draft.versions.order(run.revision) > draft.versions.order(stage.passed.at(-1));
    const keeps =
      newer && (isBusy(run) || run.phase === 'current') && !isRejected(draft, cluster, run.digest);
    if (keeps === (target.kept === 'recovered') || (target.kept !== undefined && !keeps)) continue;
    const { kept: _kept, ...rest } = target;
    draft.setTarget(cluster, keeps ? { ...rest, kept: 'recovered' } : rest);
  }
}
