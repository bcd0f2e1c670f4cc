import { committedApprovals, isInForce } from '#proto/approvals.ts';
import { guardsOf } from '#proto/assignment.ts';
import type { CommittedApproval } from '#proto/documents/common.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import { type Departure, needsApproval, removalSetHash } from '#proto/removals.ts';
import type { HeldRemoval, IndexSnapshot } from './types.ts';

/** What Git takes away from a placement at once, and what it is measured by. */
export type Leaving = Omit<Departure, 'leaving'> & {
  readonly placement: string;
  /** Clusters whose assignment is no longer in Git and about which nothing is decided yet. */
  readonly clusters: readonly string[];
  /** Clusters that it is being removed from already. */
  readonly removing: readonly string[];
};

/** What Git says about letting go: `guards.maxAssignmentsRemoved` as a share, and the approvals of the placement. */
export type GuardPolicy = {
  readonly most: number;
  /** The repository has no placement at all: that alone is never believed. */
  readonly emptied: boolean;
  readonly approvals: readonly CommittedApproval[];
};

export type Verdict =
  | { readonly verdict: 'passed' | 'approved' }
  | { readonly verdict: 'held'; readonly held: HeldRemoval };

/** Read at the newest verified head, effective at once. */
export function guardPolicyOf(index: IndexSnapshot, fleet: Fleet, placement: string): GuardPolicy {
  const document = index.placements.get(placement)?.document;
  return {
    most: guardsOf(fleet).maxAssignmentsRemoved,
    emptied: index.placements.size === 0,
    approvals: committedApprovals(placement, fleet, document),
  };
}

/**
 * Whether assignments that Git no longer has are let go, or wait for an approval (design/10, ADR 0006).
 *
 * Laws: measured by everything that left since the last approval, so that many small removals are one large one; one assignment
 * that is not the last is always let go; an approval counts for exactly the set that it names, and while it is in force; a set that
 * is held stays measured by what it was measured by when it was first held, whoever joins meanwhile.
 */
export function judgeRemoval(
  { placement, clusters, removing, staying, left, of }: Leaving,
  { most, emptied, approvals }: GuardPolicy,
  before: HeldRemoval | undefined,
  now: number,
): Verdict {
  const setHash = removalSetHash(placement, clusters);
  // Part of an approved set may be on its way, and the rest of it not be saved, when a hub dies.
  const names = [setHash, removalSetHash(placement, [...clusters, ...removing])];
  const isApproved = approvals.some(
    (one) => one.removal !== undefined && names.includes(one.removal) && isInForce(one, now),
  );
  if (isApproved) return { verdict: 'approved' };
  const against = before?.of ?? of;
  const leaving = clusters.length;
  if (!needsApproval({ leaving, staying, left, of: against }, most, emptied)) return { verdict: 'passed' };
  const since = before?.setHash === setHash ? before.since : now;
  return { verdict: 'held', held: { setHash, since, leaving, left, of: against } };
}
