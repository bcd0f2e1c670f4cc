import type { Fault } from '#proto/faults.ts';
import { aboutObject, displayId } from '#proto/inventory.ts';
import { clip, LIMITS } from '#proto/limits.ts';
import type { DriftState, HealthState, SyncState } from '#proto/messages.ts';
import {
  type Axis,
  driftAxis,
  healthAxis,
  type Since,
  type SyncFacts,
  sinceOf,
  syncAxis,
} from './core/axes.ts';
import { isPassing } from './core/passing.ts';
import type { StatusContent } from './core/status.ts';
import type { PlacementSnapshot } from './engine/ports.ts';
import type { PlacementView } from './placement-ports.ts';

/** A status as the hub wants it, and when to look again though nothing happens (Unix ms; a health that must not last). */
export type Reported = { content: StatusContent; lookAgainAt: number | undefined };

const MOST_FAULTS = 50;

/**
 * Turns what one placement and its engine know into its status. Remembers since when each axis is as it is; everything else follows
 * from its inputs.
 */
export class PlacementReport {
  #sync: Since<SyncState> | undefined;
  #drift: Since<DriftState> | undefined;
  #health: Since<HealthState> | undefined;
  /** Since when it is not Current, without interruption; Unix ms. */
  #progressingSince: number | undefined;

  build(view: PlacementView, snapshot: PlacementSnapshot | undefined, epoch: number, now: number): Reported {
    const objects = snapshot?.objects ?? [];
    const timeoutMs = view.terms.policy?.health.timeoutMs ?? 300_000;
    const raw = healthAxis(objects, 0, Number.POSITIVE_INFINITY);
    if (raw.state === 'CURRENT') this.#progressingSince = undefined;
    else this.#progressingSince ??= now;
    const progressingFor = now - (this.#progressingSince ?? now);
    const at = new Date(now).toISOString();
    this.#sync = sinceOf(this.#sync, clipped(syncAxis(syncFacts(view, snapshot))), at);
    this.#drift = sinceOf(this.#drift, clipped(this.#driftOf(view, snapshot)), at);
    this.#health = sinceOf(this.#health, clipped(healthOf(view, snapshot, progressingFor, timeoutMs)), at);
    const drifts = (snapshot?.drifts ?? []).slice(0, LIMITS.drifts);
    const counts = snapshot?.counts;
    const content: StatusContent = {
      epoch,
      attempt: view.attempt,
      ...(view.attempted && { attempted: view.attempted }),
      ...(view.applied && !view.removed && { applied: view.applied }),
      ...(view.removed && { removed: true }),
      sync: this.#sync,
      drift: this.#drift,
      health: this.#health,
      counts: {
        objects: objects.length,
        created: counts?.created ?? 0,
        configured: counts?.configured ?? 0,
        unchanged: counts?.unchanged ?? 0,
        pruned: counts?.pruned ?? 0,
        skipped: counts?.skipped ?? 0,
        failed: counts?.failed ?? 0,
      },
      objects: objects.slice(0, LIMITS.objects),
      drifts,
      truncated: {
        objects: Math.max(0, objects.length - LIMITS.objects),
        drifts: (snapshot?.drifts.length ?? 0) - drifts.length,
      },
      faults: faultsOf(view, snapshot),
      ...(view.renderHash && !view.removed && { renderHash: view.renderHash }),
    };
    const late = this.#health.state === 'FAILED' || this.#progressingSince === undefined;
    return { content, lookAgainAt: late ? undefined : this.#progressingSince! + timeoutMs };
  }

  /** A new attempt gets the whole of `health.timeout`. */
  restart(): void {
    this.#progressingSince = undefined;
  }

  #driftOf(view: PlacementView, snapshot: PlacementSnapshot | undefined): Axis<DriftState> {
    if (view.removed || !snapshot) return { state: view.removed ? 'NONE' : 'UNKNOWN' };
    const known = snapshot.objects.some((object) => object.drift !== 'UNKNOWN');
    return driftAxis(snapshot.objects, snapshot.drifts.length, known);
  }
}

function healthOf(
  view: PlacementView,
  snapshot: PlacementSnapshot | undefined,
  progressingFor: number,
  timeoutMs: number,
): Axis<HealthState> {
  if (view.removed) return { state: 'CURRENT' };
  if (!snapshot || snapshot.objects.length === 0) return { state: 'UNKNOWN' };
  return healthAxis(snapshot.objects, progressingFor, timeoutMs);
}

function syncFacts(view: PlacementView, snapshot: PlacementSnapshot | undefined): SyncFacts {
  const { terms, obstacle, passing } = view;
  const about = view.starting ? undefined : snapshot;
  const failed = about?.objects.find((object) => object.error !== undefined);
  const fault = about?.faults[0];
  const stands = obstacle ?? (fault && isPassing(fault.code) ? fault : undefined);
  return {
    stopped: view.removed ? undefined : terms.stopped,
    removing: view.removing,
    obstacle: stands && { message: stands.message, transient: obstacle ? passing : true },
    waiting: view.waiting ?? (view.starting ? 'fetching and rendering' : undefined),
    applying: about?.applying ?? false,
    failed: failed?.error ? aboutObject(failed.id, failed.error) : fault?.message,
    held: about?.held && heldMessage(about.held),
    handing: view.removed ? undefined : about && handingMessage(about),
    current: view.current || view.removed,
    observed: terms.observe && about ? wouldDo(about) : undefined,
  };
}

const heldMessage = ({ reason, setHash }: NonNullable<PlacementSnapshot['held']>): string =>
  `${reason}; approve the set ${setHash} to let it go`;

/** The first by id speaks for all. */
function handingMessage({ handing }: PlacementSnapshot): string | undefined {
  const [first] = [...handing].sort(([a], [b]) => (a < b ? -1 : 1));
  if (!first) return undefined;
  const more = handing.size > 1 ? ` (and ${handing.size - 1} more)` : '';
  return `keeps ${displayId(first[0])}${more} until placement ${first[1]} has taken it over`;
}

/** In observe mode the counts of the last dry-run say what an apply would do. */
function wouldDo({ counts }: PlacementSnapshot): string {
  const parts = [
    counts.created > 0 && `would create ${counts.created}`,
    counts.configured > 0 && `would configure ${counts.configured}`,
    counts.pruned > 0 && `would prune ${counts.pruned}`,
  ];
  return parts.filter(Boolean).join(', ');
}

function faultsOf(view: PlacementView, snapshot: PlacementSnapshot | undefined): Fault[] {
  const held = snapshot?.held;
  const all = [
    ...(view.obstacle ? [view.obstacle] : []),
    ...view.notes,
    ...(snapshot?.faults ?? []),
    ...(held ? [{ code: 'prune-held' as const, message: heldMessage(held) }] : []),
    ...(snapshot && snapshot.orphans.length > 0 ? [orphaned(snapshot)] : []),
  ];
  return all.slice(0, MOST_FAULTS).map((fault) => ({ ...fault, message: clip(fault.message) }));
}

/** So many are named. */
const MOST_ORPHANS = 5;

function orphaned({ placement, orphans }: PlacementSnapshot): Fault {
  const named = orphans.slice(0, MOST_ORPHANS).map(displayId).join(', ');
  const more = orphans.length > MOST_ORPHANS ? ` and ${orphans.length - MOST_ORPHANS} more` : '';
  const what = `${named}${more}: applied for placement ${placement}, and named neither by Git nor by an inventory`;
  return {
    code: 'object-orphaned',
    message: `${what}; delete what is not needed, or bring it back into Git`,
  };
}

function clipped<S>(axis: Axis<S>): Axis<S> {
  return axis.reason === undefined ? axis : { ...axis, reason: clip(axis.reason) };
}
