import type { Commit, GitObjects } from '#git/objects.ts';
import { FlotillaError } from '#proto/faults.ts';

/** Beyond so many commits nobody looks. */
const MOST_COMMITS = 20_000;
/** Commits that are looked at for who wrote what a merge, or a jump over many commits, brought. */
const MOST_BROUGHT = 2_000;

/**
 * The commits that can be reached from a tip, itself included, as far as they are here; the walk ends early once `until` is met.
 */
export async function ancestorsOf(
  objects: GitObjects,
  tip: string,
  until: string | undefined,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const reached = new Set([tip]);
  for (const oid of reached) {
    if (oid === until || reached.size > MOST_COMMITS) break;
    for (const parent of (await commitAt(objects, oid, signal))?.parents ?? []) reached.add(parent);
  }
  return reached;
}

/**
 * Names and addresses of everybody who wrote a commit that `tip` has and `base` has not, as far as they are here. Walks from the youngest
 * down, so that little of what both have is looked at; where clocks were wrong it may name too many, never too few.
 */
export async function authorsSince(
  objects: GitObjects,
  base: string | undefined,
  tip: Commit,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const authors = new Set([tip.author.name, tip.author.email]);
  const isNext = tip.parents.length === 1 && tip.parents[0] === base;
  if (base === undefined || base === tip.oid || isNext) return authors;
  const old = new Set([base]);
  const queue = new Map<string, Commit>([[tip.oid, tip]]);
  const seen = new Set<string>();
  const add = async (oid: string) => {
    if (seen.has(oid) || queue.has(oid)) return;
    const commit = await commitAt(objects, oid, signal);
    if (commit) queue.set(oid, commit);
  };
  await add(base);
  while (seen.size < MOST_BROUGHT && queue.keys().some((oid) => !old.has(oid))) {
    const next = [...queue.values()].reduce((a, b) => (b.committer.at > a.committer.at ? b : a));
    queue.delete(next.oid);
    seen.add(next.oid);
    const isOld = old.has(next.oid);
    if (!isOld) authors.add(next.author.name).add(next.author.email);
    for (const parent of next.parents) {
      if (isOld) old.add(parent);
      await add(parent);
    }
  }
  return authors;
}

/** Undefined where history is cut. @throws FlotillaError what `readCommit` throws otherwise */
export async function commitAt(
  objects: GitObjects,
  oid: string,
  signal: AbortSignal,
): Promise<Commit | undefined> {
  try {
    return await objects.readCommit(oid, signal);
  } catch (error) {
    if (error instanceof FlotillaError && error.code === 'git-object-missing') return undefined;
    throw error;
  }
}
