import { committedApprovals, isInForce } from '#proto/approvals.ts';
import { guardsOf } from '#proto/assignment.ts';
import { type ApprovingCommit, approvingCommit, howToApprove } from '#proto/removals.ts';
import type { HubState, IndexSnapshot, PlacementRemovals } from '../types.ts';
import type { ProblemRow } from './problems.ts';
import { problemId } from './problems.ts';

export const APPROVAL_KINDS = ['REMOVAL'] as const;
export const APPROVAL_STATES = ['PENDING', 'EXPIRED'] as const;

/** A deletion that waits for an approval, and the commit that gives it. */
export type ApprovalRow = {
  readonly kind: (typeof APPROVAL_KINDS)[number];
  /** EXPIRED: it was approved until a day that is over. */
  readonly state: (typeof APPROVAL_STATES)[number];
  readonly placement: string;
  /** The clusters that would lose it, sorted. */
  readonly clusters: readonly string[];
  readonly setHash: string;
  readonly requestedAt: number;
  /** What would go, how much of what, and why that is not done at once. */
  readonly reason: string;
  /** The first half of that. */
  readonly summary: string;
  readonly commit: ApprovingCommit;
};

/** Every deletion that waits, by placement. `now` in Unix milliseconds. */
export function approvalsOf(state: HubState, index: IndexSnapshot | undefined, now: number): ApprovalRow[] {
  return Object.keys(state.removals)
    .sort()
    .flatMap((placement) => approvalOf(placement, state.removals[placement], index, now) ?? []);
}

function approvalOf(
  placement: string,
  removals: PlacementRemovals | undefined,
  index: IndexSnapshot | undefined,
  now: number,
): ApprovalRow | undefined {
  const { held } = removals ?? {};
  if (!held) return undefined;
  const known = index?.placements.get(placement);
  const given = committedApprovals(placement, index?.fleet?.document, known?.document);
  const expired = given.some((one) => one.removal === held.setHash && !isInForce(one, now));
  return {
    kind: 'REMOVAL',
    state: expired ? 'EXPIRED' : 'PENDING',
    placement,
    clusters: held.clusters,
    setHash: held.setHash,
    requestedAt: held.since,
    summary: whatLeaves(held),
    reason: `${whatLeaves(held)}: ${whyItLeaves(placement, index)}; ${whyItIsHeld(held, index)}`,
    commit: approvingCommit(placement, known?.file, held.setHash, now),
  };
}

type Held = NonNullable<PlacementRemovals['held']>;

function whatLeaves({ leaving, left, of }: Held): string {
  const before = left > 0 ? `, after ${left} that left since the last approval` : '';
  return `${leaving} of ${of} assignments would be removed${before}`;
}

function whyItLeaves(placement: string, index: IndexSnapshot | undefined): string {
  if (!index) return 'Git no longer gives them the placement';
  if (index.placements.has(placement)) return 'the placement no longer selects these clusters';
  return index.placements.size === 0
    ? 'the repository has no placement any more'
    : 'the placement is gone in Git';
}

function whyItIsHeld({ leaving, left, of }: Held, index: IndexSnapshot | undefined): string {
  const fleet = index?.fleet?.document;
  const most = fleet && guardsOf(fleet).maxAssignmentsRemoved;
  if (most !== undefined && leaving + left > most * of)
    return `more than ${Math.round(most * 1_000) / 10}% (guards.maxAssignmentsRemoved) takes an approval`;
  return 'that takes an approval';
}

/** In words, for one of the assignments that it is about. */
export const heldReason = ({ summary, setHash }: ApprovalRow): string =>
  `held until removal ${setHash} is approved: ${summary}`;

export function problemOfApproval(approval: ApprovalRow): ProblemRow {
  const { placement, reason, state, commit, requestedAt } = approval;
  const over = state === 'EXPIRED' ? ' (its approval has expired)' : '';
  const message = `placement ${placement}: ${reason}; until then they run on as they are${over}`;
  return {
    id: problemId('removal-held', message, { placement }),
    code: 'removal-held',
    severity: 'ERROR',
    message,
    suggestion: howToApprove(commit),
    source: { file: commit.path },
    cluster: undefined,
    placement,
    since: requestedAt,
  };
}
