import { milliseconds } from '#proto/documents/common.ts';
import type { GateSpec } from '#proto/documents/strategy.ts';
import type { Stage as StageSpec } from '#proto/stages.ts';
import { gateKey, validApprovals, type When } from '#rollouts/gates.ts';
import { REVERT } from '#rollouts/passing.ts';
import type { Approval, Gate, Skip, Stage, Work } from '#rollouts/state.ts';
import { openingFor } from '#rollouts/windows.ts';
import { survey } from '#rollouts/work.ts';
import { type Clock, isOver, type LineView, standingOf } from './line-view.ts';
import type { GateMemory, StageMemory } from './memory.ts';

export const GATE_KINDS = ['SOAK', 'APPROVAL', 'WINDOW', 'WEBHOOK'] as const;
/**
 * WAITING: the stage waits at it now. CLOSED: its turn has not come. SKIPPED: nobody waits for it, because somebody said so, a revert
 * needs none, or nothing changes there. DENIED: a person or a webhook said no.
 */
export const GATE_STATES = ['WAITING', 'OPEN', 'CLOSED', 'SKIPPED', 'DENIED'] as const;

/** A condition of a stage, as it stands for one version. */
export type GateRow = {
  readonly key: string;
  readonly kind: (typeof GATE_KINDS)[number];
  readonly when: When;
  readonly state: (typeof GATE_STATES)[number];
  /** Unix milliseconds at which it opens by itself, if all goes on as it is. */
  readonly opensAt: number | undefined;
  readonly message: string | undefined;
};

export function gatesOf(view: LineView, version: string, stage: Stage, clock: Clock): GateRow[] {
  const spec = view.facts.strategy.stages.find(({ name }) => name === stage.name);
  if (!spec) return [];
  const windows = windowOf(view, version, stage, clock.now);
  const listed = (when: When) =>
    spec[when].map((gate, index) =>
      rowOf(view, version, stage, { gate, key: gateKey(when, index), when }, clock),
    );
  return [...(windows ? [windows] : []), ...listed('before'), ...listed('after')];
}

type At = { readonly gate: GateSpec; readonly key: string; readonly when: When };

const kindOf = ({ soak, approval }: GateSpec): GateRow['kind'] =>
  soak !== undefined ? 'SOAK' : approval ? 'APPROVAL' : 'WEBHOOK';
const SKIP_OF: Record<GateRow['kind'], Skip> = {
  SOAK: 'soak',
  APPROVAL: 'approval',
  WINDOW: 'window',
  WEBHOOK: 'webhook',
};

function rowOf(
  view: LineView,
  version: string,
  stage: Stage,
  { gate, key, when }: At,
  clock: Clock,
): GateRow {
  const kind = kindOf(gate);
  const row = (state: GateRow['state'], message?: string, opensAt?: number): GateRow => ({
    key,
    kind,
    when,
    state,
    opensAt,
    message,
  });
  const { work } = stage;
  if (work?.version !== version) {
    const was = view.remember(version)?.stages.get(stage.name);
    const isPassed = was?.passedAt !== undefined || stage.passed.includes(version);
    const gateWas = was?.gates.get(key);
    if (isPassed && was?.ungated !== undefined) return row('SKIPPED', ungatedWords(was.ungated));
    if (isPassed && was?.skips.has(SKIP_OF[kind]) && !isEarlier(gateWas, was, kind))
      return row('SKIPPED', EXPEDITED);
    if (isPassed) return row('OPEN');
    if (gateWas?.refused !== undefined) return row('DENIED', gateWas.refused);
    return row(gateWas?.openedAt !== undefined ? 'OPEN' : 'CLOSED');
  }
  if (work.revert) return row('SKIPPED', ungatedWords(REVERT));
  if (work.skips.includes(SKIP_OF[kind])) {
    const was = view.remember(version)?.stages.get(stage.name);
    return isEarlier(was?.gates.get(key), was, kind) ? row('OPEN') : row('SKIPPED', EXPEDITED);
  }
  if (gate.soak !== undefined) {
    const ends = soakEnd(view, stage, work, gate.soak, clock);
    if (ends === undefined) return row('CLOSED', `soaks for ${gate.soak}`);
    return row(ends <= clock.now ? 'OPEN' : 'WAITING', `soaks for ${gate.soak}`, ends);
  }
  const known = work.gates[key];
  if (!known) return row('CLOSED');
  if (known.openedAt !== undefined) return row('OPEN');
  if (!gate.approval) return row(known.answer?.says === 'no' ? 'DENIED' : 'WAITING', answered(gate, known));
  const valid = validApprovals(view.at(clock), gate.approval, known.approvals ?? []);
  // Given and not used yet: what the stage waits for is something else.
  const isGiven = valid.length >= (gate.approval.count ?? 1);
  return row(isGiven ? 'OPEN' : 'WAITING', given(gate.approval, valid));
}

const EXPEDITED = 'skipped by expedite';
const ungatedWords = (reason: string): string => (reason === REVERT ? 'a revert needs none' : reason);

/** It had opened by itself before an order let the stage go without it. */
function isEarlier(
  gate: GateMemory | undefined,
  stage: StageMemory | undefined,
  kind: GateRow['kind'],
): boolean {
  const skippedAt = stage?.skips.get(SKIP_OF[kind]);
  return gate?.openedAt !== undefined && skippedAt !== undefined && gate.openedAt < skippedAt;
}

/** When a soak is over, if hub time runs until then; undefined while something is still to become Current. */
function soakEnd(
  view: LineView,
  stage: Stage,
  work: Work,
  soak: string,
  { now, hub }: Clock,
): number | undefined {
  const looked = survey(view.draft, stage, work);
  if (looked.unfinished.length > 0 || looked.lastCurrentHub === 0) return undefined;
  return now + looked.lastCurrentHub + milliseconds(soak) - hub;
}

function given(spec: NonNullable<GateSpec['approval']>, valid: readonly Approval[]): string {
  const by = valid.length > 0 ? `, by ${valid.map((one) => one.by).join(', ')}` : '';
  const author = spec.notAuthor ? '; not by an author of the commits' : '';
  return `${valid.length} of ${spec.count ?? 1} given${by}; ${spec.groups.join(' or ')} may${author}`;
}

function answered({ webhook }: GateSpec, { answer }: Gate): string {
  const { host } = new URL(webhook!.url);
  const why = answer?.message ? `: ${answer.message}` : '';
  if (!answer) return `waiting for ${host}`;
  return `${host} ${answer.says === 'no' ? 'says no' : answer.says === 'yes' ? 'says yes' : 'does not answer'}${why}`;
}

/** The windows that bind the clusters of a stage, as one condition before it. */
function windowOf(view: LineView, version: string, stage: Stage, now: number): GateRow | undefined {
  const { windows } = view.facts.strategy;
  if (windows.length === 0) return undefined;
  const openings = view.draft
    .members(stage.name)
    .map((cluster) => openingFor(windows, cluster, now))
    .filter(({ until }) => Number.isFinite(until));
  if (openings.length === 0) return undefined;
  const closed = openings.filter(({ open }) => !open);
  const row = {
    key: 'window',
    kind: 'WINDOW',
    when: 'before',
    opensAt: undefined,
    message: undefined,
  } as const;
  const isPast = standingOf(view, stage, version) !== 'working' || isOver(view.phase(version));
  if (isPast) {
    if (!stage.passed.includes(version)) return { ...row, state: 'CLOSED' };
    const was = view.remember(version)?.stages.get(stage.name);
    if (was?.ungated !== undefined) return { ...row, state: 'SKIPPED', message: ungatedWords(was.ungated) };
    return was?.skips.has('window')
      ? { ...row, state: 'SKIPPED', message: EXPEDITED }
      : { ...row, state: 'OPEN' };
  }
  if (stage.work?.revert) return { ...row, state: 'SKIPPED', message: ungatedWords(REVERT) };
  if (stage.work?.skips.includes('window')) return { ...row, state: 'SKIPPED', message: EXPEDITED };
  if (closed.length === 0) return { ...row, state: 'OPEN' };
  const message =
    closed.length === openings.length
      ? 'closed'
      : `closed for ${closed.length} of ${openings.length} clusters`;
  return { ...row, state: 'WAITING', opensAt: Math.min(...closed.map(({ until }) => until)), message };
}

/** The spec of an approval gate by its key; undefined for any other. */
export function approvalSpec({ before, after }: StageSpec, key: string): GateSpec['approval'] {
  const [when, index] = key.split('/') as [When, string];
  return (when === 'before' ? before : after)[Number(index)]?.approval;
}
