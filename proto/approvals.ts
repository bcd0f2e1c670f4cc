import type { CommittedApproval } from './documents/common.ts';
import type { Fleet } from './documents/fleet.ts';
import type { Placement } from './documents/placement.ts';

const DAY_MS = 86_400_000;

/**
 * Approvals that commits give for a placement: its own list and, for one that is gone, those of the Fleet that name it. Hub and
 * agent read both at the newest verified head.
 */
export function committedApprovals(
  placement: string,
  fleet: Fleet | undefined,
  document: Placement | undefined,
): CommittedApproval[] {
  return [
    ...(document?.spec.approvals ?? []),
    ...(fleet?.spec.approvals ?? []).filter((approval) => approval.placement === placement),
  ];
}

/** An approval counts until the end of its day (UTC); `now` in Unix ms. */
export const isInForce = ({ until }: CommittedApproval, now: number): boolean =>
  until === undefined || now < Date.parse(until) + DAY_MS;
