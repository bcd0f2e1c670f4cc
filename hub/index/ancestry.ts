import type { GitObjects } from '#git/objects.ts';
import { FlotillaError } from '#proto/faults.ts';

/** Beyond so many commits nobody looks. */
const MOST_COMMITS = 20_000;

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
    for (const parent of await parentsOf(objects, oid, signal)) reached.add(parent);
  }
  return reached;
}

/** None where history is cut. */
async function parentsOf(objects: GitObjects, oid: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    return (await objects.readCommit(oid, signal)).parents;
  } catch (error) {
    if (error instanceof FlotillaError && error.code === 'git-object-missing') return [];
    throw error;
  }
}
