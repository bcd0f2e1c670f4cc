import { displayId } from '#proto/inventory.ts';
import type { DriftState, HealthState, ObjectStatus, SyncState } from '#proto/messages.ts';

/** One axis without `since`, which is when its state was entered. */
export type Axis<S> = { state: S; reason?: string };
export type Since<S> = Axis<S> & { since: string };

/** Keeps `since` while the state stays; the reason may change. Times are RFC 3339. */
export function sinceOf<S>(before: Since<S> | undefined, now: Axis<S>, at: string): Since<S> {
  return { ...now, since: before?.state === now.state ? before.since : at };
}

/** From worst to best: the worst object speaks for the placement. */
const WORST_FIRST: readonly HealthState[] = [
  'FAILED',
  'NOT_FOUND',
  'TERMINATING',
  'IN_PROGRESS',
  'UNKNOWN',
  'CURRENT',
];

/**
 * Health of a placement: that of its worst object, with a reason that names it. Objects without a rule do not count. What is still
 * in progress after `timeoutMs` has failed (design/30, rule 4). `progressingFor` is how long the placement has not been Current, ms.
 */
export function healthAxis(
  objects: readonly ObjectStatus[],
  progressingFor: number,
  timeoutMs: number,
): Axis<HealthState> {
  const judged = objects.filter((object) => object.assessed || object.health !== 'CURRENT');
  const [worst, ...others] = judged.toSorted((a, b) => rank(a.health) - rank(b.health));
  if (!worst || worst.health === 'CURRENT') return { state: 'CURRENT' };
  const alike = others.filter((object) => object.health === worst.health).length;
  const reason = `${displayId(worst.id)}: ${worst.healthReason ?? worst.health}${alike > 0 ? ` (and ${alike} more)` : ''}`;
  const late =
    rank(worst.health) > rank('FAILED') && worst.health !== 'UNKNOWN' && progressingFor >= timeoutMs;
  if (!late) return { state: worst.health, reason };
  return { state: 'FAILED', reason: `not Current after ${Math.round(timeoutMs / 1000)} s: ${reason}` };
}

const rank = (health: HealthState) => WORST_FIRST.indexOf(health);

/** Drift of a placement. `checked` is false before the first comparison with live state. */
export function driftAxis(
  objects: readonly ObjectStatus[],
  drifts: number,
  checked: boolean,
): Axis<DriftState> {
  const errors = objects.filter((object) => object.drift === 'ERROR');
  const [broken] = errors;
  if (drifts > 0)
    return { state: 'DRIFTED', reason: `${drifts} ${drifts === 1 ? 'field differs' : 'fields differ'}` };
  if (broken)
    return { state: 'ERROR', reason: `${displayId(broken.id)}: ${broken.error ?? 'cannot be compared'}` };
  return { state: checked ? 'NONE' : 'UNKNOWN' };
}

/** What the sync axis is decided from; reasons are words for people. */
export type SyncFacts = {
  /** Writing is switched off: by a commit, by the hub, or because the entry is gone. */
  stopped: { state: 'SUSPENDED' | 'HELD'; reason: string } | undefined;
  /** Everything of the placement is being taken away. */
  removing: boolean;
  /** What keeps the wanted version from being started. */
  obstacle: { message: string; transient: boolean } | undefined;
  /** What is waited for before the wanted version is started; empty while it is being prepared. */
  waiting: string | undefined;
  applying: boolean;
  /** The first object that cannot be applied. */
  failed: string | undefined;
  /** Deletions that wait for an approval. */
  held: string | undefined;
  /** What it no longer wants and another placement has not taken yet. */
  handing: string | undefined;
  /** The wanted version is what runs. */
  current: boolean;
  /** In observe mode: what would be done, empty for nothing. */
  observed: string | undefined;
};

/** The sync axis: the first that is so, in the order in which a person would want to know it. */
export function syncAxis(facts: SyncFacts): Axis<SyncState> {
  if (facts.stopped) return facts.stopped;
  if (facts.obstacle) {
    return { state: facts.obstacle.transient ? 'PENDING' : 'FAILED', reason: facts.obstacle.message };
  }
  if (facts.waiting !== undefined) return { state: 'PENDING', reason: facts.waiting };
  if (facts.applying) return { state: 'APPLYING', ...(facts.removing && { reason: 'removing' }) };
  if (facts.failed !== undefined) return { state: 'FAILED', reason: facts.failed };
  if (facts.held !== undefined) return { state: 'AWAITING_APPROVAL', reason: facts.held };
  if (facts.observed !== undefined) {
    return facts.observed === ''
      ? { state: 'SYNCED' }
      : { state: 'PENDING', reason: `observe: ${facts.observed}` };
  }
  const handing = facts.handing !== undefined && { reason: facts.handing };
  if (facts.removing && handing) return { state: 'APPLYING', ...handing };
  return { state: facts.current ? 'SYNCED' : 'PENDING', ...handing };
}
