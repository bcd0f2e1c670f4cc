import { createBreather } from './breathe.ts';
import type { Commit } from './objects.ts';
import { parseCommit } from './parse.ts';
import type { Repository } from './repository.ts';

export type LogQuery = {
  readonly to: string;
  /** What can be reached from here is left out. */
  readonly from?: string;
  /** Only the line of first parents: one commit for each merge. */
  readonly firstParent?: boolean;
  /** At most so many, the newest. */
  readonly limit?: number;
};

export type CommitLog = {
  /** Newest first; a commit never stands after one of its ancestors. */
  readonly commits: readonly Commit[];
  /** False when the limit, or the depth to which history is here, cut the list. */
  readonly complete: boolean;
};

/** Lists commits that are in a repository, as `git log FROM..TO` does. Fetches nothing. */
export async function listCommits(
  repository: Repository,
  query: LogQuery,
  signal: AbortSignal,
): Promise<CommitLog> {
  const breathe = createBreather();
  const read = (oid: string): Commit | undefined => {
    const object = repository.read(oid);
    return object?.type === 'commit' ? parseCommit(oid, object.data) : undefined;
  };

  const excluded = new Set(query.from === undefined ? [] : [query.from]);
  for (const oid of excluded) {
    for (const parent of read(oid)?.parents ?? []) excluded.add(parent);
    await breathe(signal);
  }

  const range = new Map<string, Commit>();
  let complete = true;
  const reached = new Set([query.to]);
  for (const oid of reached) {
    if (excluded.has(oid)) continue;
    const commit = read(oid);
    if (commit) {
      range.set(oid, commit);
      for (const parent of parentsOf(commit, query)) reached.add(parent);
    } else complete = false;
    await breathe(signal);
  }

  const commits = childrenFirst(range, query, query.limit ?? 1_000);
  return { commits, complete: complete && commits.length === range.size };
}

/** Among the commits whose children are all listed, the newest comes next. */
function childrenFirst(range: ReadonlyMap<string, Commit>, query: LogQuery, limit: number): Commit[] {
  const children = new Map<string, number>();
  for (const commit of range.values()) {
    for (const parent of parentsOf(commit, query)) children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  const listed: Commit[] = [];
  const ready = [...range.values()].filter((commit) => !children.has(commit.oid));
  while (ready.length > 0 && listed.length < limit) {
    const next = ready.reduce(
      (best, commit, i) => (commit.committer.at > ready[best]!.committer.at ? i : best),
      0,
    );
    const [commit] = ready.splice(next, 1) as [Commit];
    listed.push(commit);
    for (const parent of parentsOf(commit, query)) {
      const left = children.get(parent)! - 1;
      children.set(parent, left);
      const known = range.get(parent);
      if (left === 0 && known) ready.push(known);
    }
  }
  return listed;
}

function parentsOf(commit: Commit, query: LogQuery): readonly string[] {
  return query.firstParent ? commit.parents.slice(0, 1) : commit.parents;
}
