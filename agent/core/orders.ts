import type { DesiredAssignment, DesiredPayload, DesiredRemoval } from '#proto/messages.ts';

/** What the document in force says about one placement. */
export type Order =
  | { type: 'assigned'; assignment: DesiredAssignment }
  | { type: 'removed'; removal: Omit<DesiredRemoval, 'placement'> }
  /** It left the document without an order to remove it: kept, enforced, reported. */
  | { type: 'vanished' };

/**
 * One order per placement that the document names or that this cluster has. An assignment wins over a removal of the same name;
 * absence never removes anything.
 */
export function ordersOf(
  document: DesiredPayload | undefined,
  present: Iterable<string>,
): Map<string, Order> {
  const orders = new Map<string, Order>();
  for (const placement of present) orders.set(placement, { type: 'vanished' });
  for (const { placement, ...removal } of document?.removed ?? [])
    orders.set(placement, { type: 'removed', removal });
  for (const assignment of document?.assignments ?? [])
    orders.set(assignment.placement, { type: 'assigned', assignment });
  return orders;
}
