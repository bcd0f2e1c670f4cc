import { clip } from '#proto/limits.ts';
import { ACTIONS, type Action, type ObjectStatus } from '#proto/messages.ts';
import { imagesOf } from '../core/images.ts';
import type { PlacementState } from './placement-state.ts';
import type { ApplyResult, PlacementSnapshot } from './ports.ts';
import type { Tracked } from './tracked.ts';

const MOST_MANAGERS = 10;
/** Images named per object. */
const MOST_IMAGES = 50;

/** What is known of a placement now. `now` in ms. */
export function snapshotOf(state: PlacementState, now: number): PlacementSnapshot {
  const counts = Object.fromEntries(ACTIONS.map((action) => [action, 0])) as Record<Action, number>;
  for (const { action } of state.results.values()) counts[action]++;
  const tracked = [...state.objects.values()];
  return {
    placement: state.name,
    applying: state.applying,
    removed: state.removed,
    objects: [...tracked.map((each) => statusOf(state, each)), ...unplaced(state)].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    ),
    drifts: tracked.flatMap((each) => each.drifts),
    corrected: state.corrected(now),
    counts,
    held: state.held,
    handing: state.handing,
    orphans: [...state.orphans].filter((id) => !state.wanted.has(id)).sort(),
    faults: state.fault ? [state.fault] : [],
  };
}

/** What became of its last apply. */
export function resultOf(state: PlacementState): ApplyResult {
  const results = [...state.results.values()];
  const { held, wouldHold, deferred } = state;
  const ok = !state.hasFailed && !held && !state.policy.hold;
  return { ok, results, held, ...(wouldHold && { wouldHold }), deferred };
}

function statusOf(state: PlacementState, tracked: Tracked): ObjectStatus {
  const { id, object, action, health, drift, error, takenFrom } = tracked;
  const images = imagesOf(object).slice(0, MOST_IMAGES);
  const source = state.assignment?.sources?.get(id);
  return {
    id,
    apiVersion: object.apiVersion,
    ...(action && { action }),
    health: health.health,
    ...(health.reason && { healthReason: clip(health.reason) }),
    assessed: health.assessed,
    drift,
    ...(images.length > 0 && { images }),
    ...(error && { error: clip(error.message), errorCode: error.code }),
    ...(source && { source }),
    ...(takenFrom.length > 0 && { takenFrom: takenFrom.slice(0, MOST_MANAGERS) }),
  };
}

const UNKNOWN = { health: 'UNKNOWN', assessed: false, drift: 'UNKNOWN' } as const;
const UNTOUCHED = { health: 'CURRENT', assessed: false, drift: 'NONE' } as const;

/** Wanted objects whose kind is not known or that cannot be placed, what could not be pruned, and under observe what would be. */
function unplaced(state: PlacementState): ObjectStatus[] {
  const isTold = (action: Action): boolean =>
    action === 'failed' || (state.policy.observe && action !== 'skipped');
  return [...state.results.values()]
    .filter(({ id, action }) => isTold(action) && !state.objects.has(id))
    .map(({ id, action, error }) => ({
      id,
      apiVersion: state.wanted.get(id) ?? '',
      action,
      ...(action === 'failed' ? UNKNOWN : UNTOUCHED),
      ...(error && { error: clip(error.message), errorCode: error.code }),
      ...(state.assignment?.sources?.has(id) && { source: state.assignment.sources.get(id)! }),
    }));
}
