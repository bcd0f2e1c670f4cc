import { hashOf } from '#proto/canonical.ts';
import { clip } from '#proto/limits.ts';
import type { FleetEvent } from '#rollouts/advance.ts';
import type { What } from '#rollouts/events.ts';
import type { FleetState, Freeze, Line, Run } from '#rollouts/state.ts';
import {
  type AppliedCounts,
  type ApplyEntry,
  type ApplyResult,
  type AuditEntry,
  named,
} from './audit-entry.ts';

/** What one step of the machine leaves behind; to be stored before the state that it led to. */
export type Trail = { readonly entries: readonly AuditEntry[]; readonly applies: readonly ApplyEntry[] };
export const NO_TRAIL: Trail = { entries: [], applies: [] };

/** What a removal that is held looks like from here. */
type Held = { readonly setHash: string; readonly leaving: number; readonly of: number };
export type Audited = {
  readonly fleet: FleetState;
  readonly removals: Readonly<Record<string, { readonly held?: Held } | undefined>>;
};

export type Step = {
  readonly before: Audited;
  readonly after: Audited;
  readonly events: readonly FleetEvent[];
  /** Unix milliseconds. */
  readonly now: number;
  /** What the agent counted in an attempt, if it has told. */
  readonly countsOf?:
    | ((placement: string, cluster: string, attempt: number) => AppliedCounts | undefined)
    | undefined;
};

/**
 * What is to be kept of a step. One entry for what happens to a stage or a line, one for each attempt that ended on a cluster: never one for
 * every cluster of a stage that moves, nor anything for an attempt that changed nothing. Ids follow from the state that the step began
 * with, so that a step that is repeated after a crash writes what it wrote before.
 */
export function trailOf(step: Step): Trail {
  const { events } = step;
  const applies = appliesOf(step);
  const entries = [
    ...events.flatMap((event) => ofLine(step, event)),
    ...removalsOf(step),
    ...expiriesOf(step),
  ];
  return entries.length + applies.length === 0 ? NO_TRAIL : { entries, applies };
}

/** What is the whole line's or a stage's and worth a line in a year; the rest is seen in attempts, or in other events. */
const UNTOLD: ReadonlySet<What> = new Set<What>(['unchanged']);

function ofLine({ before, now }: Step, event: FleetEvent): AuditEntry[] {
  const { what, cluster, placement, stage, gate, revision, reason, by, counts } = event;
  if (cluster !== undefined || placement === undefined || UNTOLD.has(what)) return [];
  const about = {
    action: what,
    placement,
    ...(stage !== undefined && { stage }),
    ...(gate !== undefined && { gate }),
    ...(revision !== undefined && { revision }),
    ...(reason !== undefined && { reason: clip(reason) }),
    ...(by !== undefined && { by }),
  };
  const id = idOf(about, momentOf(before.fleet.lines[placement], stage));
  return [{ id, at: now, kind: 'rollout', ...about, ...(counts && { counts }) }];
}

/** Tells one pass of a line from the next, by saved state alone. */
function momentOf(line: Line | undefined, stage: string | undefined) {
  const work = line?.stages.find(({ name }) => name === stage)?.work;
  // A gate may be asked again, and a line be paused again, without an attempt in between.
  return { attempt: line?.attempt ?? 0, floor: work?.floor ?? 0, gates: work?.gates, pauses: line?.pauses };
}

const idOf = (...parts: readonly unknown[]) => hashOf('flotilla-audit-v1', parts).slice(0, 32);

// ---- attempts

function appliesOf(step: Step): ApplyEntry[] {
  const ended = new Map<string, ApplyEntry>();
  for (const { what, placement, cluster, reason } of step.events) {
    if (placement === undefined || cluster === undefined) continue;
    const target = step.before.fleet.lines[placement]?.targets[cluster];
    const result = target?.run && resultOf(what, target.run);
    // An attempt ends once: what is published in the step in which it failed does not supersede it.
    if (!target?.run || !result || ended.has(`${placement}/${cluster}`)) continue;
    const { revision, digest, attempt, purpose } = target.run;
    const counts = result === 'superseded' ? undefined : step.countsOf?.(placement, cluster, attempt);
    ended.set(`${placement}/${cluster}`, {
      cluster,
      placement,
      stage: target.stage,
      revision,
      digest,
      attempt,
      purpose,
      // An attempt is numbered by the millisecond at which it was published, or the next free number.
      startedAt: Math.min(attempt, step.now),
      endedAt: step.now,
      result,
      ...(reason !== undefined && { message: clip(reason) }),
      ...(counts && { counts }),
    });
  }
  return [...ended.values()];
}

function resultOf(what: What, { phase, digest }: Run): ApplyResult | undefined {
  switch (what) {
    case 'current':
      return 'current';
    case 'rolledBack':
      return digest === null ? 'removed' : 'current';
    case 'removed':
    case 'failed':
    case 'regressed':
      return what;
    case 'published':
      // Nothing is written for an attempt before it is echoed: one that was not has changed nothing.
      if (phase === 'stopped') return 'stopped';
      return phase === 'started' ? 'superseded' : undefined;
    default:
      return undefined;
  }
}

// ---- removals

const MOST_NAMES = 50;

function removalsOf({ before, after, events, now }: Step): AuditEntry[] {
  const found: AuditEntry[] = [];
  const tell = (placement: string, about: Partial<AuditEntry> & { action: string }) => {
    const moment = momentOf(before.fleet.lines[placement], undefined);
    found.push({ id: idOf(placement, about, moment), at: now, kind: 'removal', placement, ...about });
  };
  if (before.removals !== after.removals) {
    for (const placement of new Set([...Object.keys(before.removals), ...Object.keys(after.removals)])) {
      const [was, is] = [before.removals[placement]?.held, after.removals[placement]?.held];
      if (was?.setHash === is?.setHash) continue;
      if (is)
        tell(placement, {
          action: 'removalHeld',
          reason: `${is.setHash}: ${is.leaving} of ${is.of} clusters`,
          count: is.leaving,
        });
      else if (was) tell(placement, { action: 'removalReleased', reason: was.setHash, count: was.leaving });
    }
  }
  const leaving = new Map<string, string[]>();
  for (const { what, placement, cluster } of events) {
    if (what !== 'published' || placement === undefined || cluster === undefined) continue;
    if (after.fleet.lines[placement]?.targets[cluster]?.run?.digest !== null) continue;
    leaving.set(placement, [...(leaving.get(placement) ?? []), cluster]);
  }
  for (const [placement, clusters] of leaving)
    tell(placement, {
      action: 'removalStarted',
      count: clusters.length,
      clusters: clusters.slice(0, MOST_NAMES),
    });
  return found;
}

// ---- what ends by itself

function expiriesOf({ before: { fleet: was }, after: { fleet: is }, now }: Step): AuditEntry[] {
  const found: AuditEntry[] = [];
  const tell = (action: string, ended: Omit<Freeze, 'whom'>, whom: Freeze['whom']) => {
    const { by, reason, until } = ended;
    found.push({
      id: idOf(action, ended, whom),
      at: now,
      kind: 'expiry',
      action,
      ...named(whom),
      reason: `${by}: ${clip(reason)}`,
      ...(until !== undefined && { until }),
    });
  };
  if (was.freezes !== is.freezes)
    for (const freeze of was.freezes)
      if (!is.freezes.includes(freeze)) tell('freezeEnded', freeze, freeze.whom);
  if (was.holds !== is.holds)
    for (const [cluster, hold] of Object.entries(was.holds))
      if (!is.holds[cluster]) tell('holdEnded', hold, { cluster });
  return found;
}
