import { hashOf } from './canonical.ts';

/** What Git takes away from a placement at once, in numbers of assignments. */
export type Departure = {
  readonly leaving: number;
  /** How many go on without them. */
  readonly staying: number;
  /** How many were let go without an approval since the last one. */
  readonly left: number;
  /** How many were assigned before, those that left since the last approval among them. */
  readonly of: number;
};

/** What a person adds to the fleet repo: `item` to the list `field` of the document at `path`. */
export type ApprovingCommit = { readonly path: string; readonly field: string; readonly item: string };

/** An approval that is proposed counts for so long. */
const PROPOSED_MS = 7 * 86_400_000;

/**
 * Names a set of assignments of a placement: the same set has the same name, on every hub and at any time. It begins with a letter,
 * because people write it into YAML, where `12345678901e4567` would be a number.
 */
export function removalSetHash(placement: string, clusters: readonly string[]): string {
  return `r${hashOf('flotilla-removal-set-v1', { placement, clusters: clusters.toSorted() }).slice(0, 15)}`;
}

/**
 * Whether a departure waits for an approval (ADR 0006). `most` is `guards.maxAssignmentsRemoved`, a share; `emptied` says that the
 * repository has no placement at all, which alone is never believed.
 *
 * Laws: one assignment that is not the last never waits; what waits goes on waiting when more of the same leave.
 */
export function needsApproval(
  { leaving, staying, left, of }: Departure,
  most: number,
  emptied: boolean,
): boolean {
  if (leaving === 0) return false;
  if (emptied) return true;
  // The smallest shares are exact to far more digits than a count has.
  const allowed = Math.floor(most * of + 1e-9);
  const isSingle = leaving === 1 && staying > 0;
  return !isSingle && leaving + left > allowed;
}

/** The commit that lets a set go: into the placement's own document or, where that is gone, into the Fleet's. `now` in Unix ms. */
export function approvingCommit(
  placement: string,
  file: string | undefined,
  setHash: string,
  now: number,
): ApprovingCommit {
  const until = new Date(now + PROPOSED_MS).toISOString().slice(0, 10);
  const names = file === undefined ? `placement: ${placement}, ` : '';
  return {
    path: file ?? 'flotilla.yaml',
    field: 'spec.approvals',
    item: `{ ${names}removal: ${setHash}, until: ${until} }`,
  };
}

export const howToApprove = ({ path, field, item }: ApprovingCommit): string =>
  `to approve, commit ${item} to ${field} in ${path}; to keep them, bring back what selected them`;
