import type { IndexSnapshot } from '../types.ts';
import type { AssignmentRow } from './assignment.ts';

export type Lag = { readonly commits: number; readonly seconds: number };

/** Commits of the branch and the position of each, 0 being the head. */
export type History = {
  readonly position: ReadonlyMap<string, number>;
  readonly commits: IndexSnapshot['commits'];
};

export const historyOf = ({ commits }: IndexSnapshot): History => ({
  commits,
  position: new Map(commits.map(({ oid }, index) => [oid, index])),
});

/**
 * How far what is applied lies behind what Git asks for: content decides, so equal digests never lag. Otherwise the commits of the
 * branch since the applied revision, and the seconds since the first of those commits. Undefined while nothing is
 * applied, or where the history that the hub keeps does not reach back. `wanted` is the digest that Git asks for.
 */
export function lagOf(
  { applied }: AssignmentRow,
  wanted: string | undefined,
  history: History,
  now: number,
): Lag | undefined {
  if (!applied) return undefined;
  if (wanted === applied.digest) return { commits: 0, seconds: 0 };
  const commits = history.position.get(applied.revision);
  if (commits === undefined) return undefined;
  const next = history.commits[commits - 1];
  if (!next) return { commits: 0, seconds: 0 };
  return { commits, seconds: Math.max(0, Math.floor(now / 1_000) - next.committer.at) };
}
