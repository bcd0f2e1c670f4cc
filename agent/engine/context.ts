import type { Wants } from '../core/wants.ts';
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
  /** What each is to have once its newest assignment is applied; others respect it before that. */
  readonly wants: Wants;
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
