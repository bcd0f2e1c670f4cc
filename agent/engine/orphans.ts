import { OWNER_LABEL, ourFields } from '../core/managed-fields.ts';
import type { ObjectMeta } from '../core/object.ts';
import { objectPolicy } from '../core/object-policy.ts';
import type { Context } from './context.ts';
import { metaOf } from './live.ts';
import type { PlacementState } from './placement-state.ts';

/**
 * Finds, of the kinds that are watched, what we once applied for a placement and what nothing names any more: somebody deleted its
 * inventory while no agent ran, and Git dropped it before the next one came. Nobody looks after such an object; it is told, and never
 * deleted: only an inventory says what may be. No request is made.
 */
export function findOrphans(context: Context): void {
  const found = new Map<string, Set<string>>();
  for (const [name, state] of context.placements) if (isSettled(state)) found.set(name, new Set());
  for (const [id, live] of context.index.entries()) {
    const placement = live.labels[OWNER_LABEL];
    const orphans = placement === undefined ? undefined : found.get(placement);
    if (!orphans || isNamed(context, placement!, id) || !isAbandoned(metaOf(live))) continue;
    orphans.add(id);
  }
  for (const [name, orphans] of found) {
    const state = context.placements.get(name)!;
    const isNews = orphans.size !== state.orphans.size || [...orphans].some((id) => !state.orphans.has(id));
    state.orphans = orphans;
    if (isNews) context.listener.changed(name);
  }
}

/** Everything that it wants and no longer wants has been looked at, beside neighbours that are known; and nothing is left on purpose. */
function isSettled(state: PlacementState): boolean {
  const { assignment, retired, applying, deferred, fault, policy } = state;
  return assignment !== undefined && !retired && !applying && !deferred && !fault && policy.prune;
}

/** By what Git wants or an inventory, of whichever placement; or the last apply has told what became of it. */
function isNamed({ placements, wants, book }: Context, placement: string, id: string): boolean {
  if (wants.of(placement).has(id) || wants.rival(placement, id) !== undefined) return true;
  if (placements.get(placement)?.results.has(id)) return true;
  return book.placements().some((name) => book.of(name).has(id));
}

/** Written by us, not by who copied the labels of what we wrote; and nobody keeps it by an annotation. */
function isAbandoned(live: ObjectMeta): boolean {
  const { prune, reconcile, apply } = objectPolicy(live);
  if (live.deletionTimestamp !== undefined || !prune || !reconcile || apply === 'ignore') return false;
  return ourFields(live.managedFields) !== undefined;
}
