import type { OtherPlacements } from '../core/plan.ts';
import type { KubeClient } from '../kube/client.ts';
import type { FirstContact } from './contact.ts';
import type { InventoryBook } from './inventory-book.ts';
import type { LiveIndex } from './live.ts';
import type { Looks } from './looks.ts';
import type { PlacementState } from './placement-state.ts';
import type { Lanes } from './pool.ts';
import type { Clock, Listener, Marker } from './ports.ts';
import type { Tracked } from './tracked.ts';
import type { Watches } from './watches.ts';
import type { WorkQueue } from './work-queue.ts';

/** What the parts of one engine share. */
export type Context = {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly listener: Listener;
  readonly marker: Marker;
  /** Ends everything. */
  readonly life: AbortSignal;
  readonly index: LiveIndex;
  readonly contact: FirstContact;
  readonly looks: Looks;
  readonly book: InventoryBook;
  readonly watches: Watches;
  /** Objects that something happened to; `inspect.ts` looks at them. */
  readonly inspections: WorkQueue<Tracked>;
  /** One writer per object at a time, by id. */
  readonly lanes: Lanes;
  readonly placements: Map<string, PlacementState>;
  /** Has what was noted in the inventory of a placement written soon. */
  readonly flushLater: (placement: string) => void;
  /** A placement that hands objects over looks again whether they have been taken. */
  readonly againSoon: (placement: string) => void;
  /** Who has an object in force; an object has one owner. */
  readonly owners: Map<string, Tracked>;
};

export const stateOf = (context: Context, tracked: Tracked): PlacementState =>
  context.placements.get(tracked.placement)!;

/** Whether the record is still the one in force. */
export const isInForce = (context: Context, tracked: Tracked): boolean =>
  context.owners.get(tracked.id) === tracked;

/** What placements are to have, as it is when it is asked for: nothing is gathered, however many there are. */
export const wantsOf = (context: Context, counts: (state: PlacementState) => boolean): OtherPlacements => ({
  get(name) {
    const state = context.placements.get(name);
    return state && counts(state) ? state.wants : undefined;
  },
  *[Symbol.iterator]() {
    for (const state of context.placements.values()) if (counts(state)) yield [state.name, state.wants];
  },
});
