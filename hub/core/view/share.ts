import type { AssignmentRow } from './assignment.ts';
import type { Axis } from './axes.ts';
import type { StatusView } from './headline.ts';

/** What two assignments of a cluster have alike is kept once: of a fleet that is well, or silent, that is nearly all. */
export function shareStatus(row: AssignmentRow, neighbour: AssignmentRow | undefined): AssignmentRow {
  if (!neighbour) return row;
  const [own, other] = [row.status, neighbour.status];
  const status: StatusView = {
    connectivity: alike(own.connectivity, other.connectivity),
    sync: alike(own.sync, other.sync),
    drift: alike(own.drift, other.drift),
    health: alike(own.health, other.health),
    headline: alike(own.headline, other.headline),
  };
  const all = (Object.keys(status) as (keyof StatusView)[]).every((axis) => status[axis] === other[axis]);
  return { ...row, status: all ? other : status };
}

/** The other of two where they say the same. */
export function alike<S extends string>(own: Axis<S>, other: Axis<S>): Axis<S> {
  return own.state === other.state && own.since === other.since && own.reason === other.reason ? other : own;
}
