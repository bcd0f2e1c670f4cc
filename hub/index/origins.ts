import type { Commit, GitObjects } from '#git/objects.ts';
import { diffTrees, entryAt } from '#git/tree.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import { readDocument } from '#proto/documents/read.ts';
import { type EntryOrigin, sameLabels } from '../core/in-force.ts';

/**
 * Which commit created each cluster entry, and which last relabelled it, from a line of commits (newest first). An entry that
 * is older than the line gets the oldest commit of it.
 */
export async function entryOrigins(
  objects: GitObjects,
  commits: readonly Commit[],
  clusters: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<Map<string, EntryOrigin>> {
  const oldest = commits.at(-1);
  if (!oldest) return new Map();
  const found = new Map<string, { enrolledBy?: Commit; relabelledAt?: string }>();
  const missing = new Map([...clusters].map(([name, file]) => [file, name]));
  for (const [i, commit] of commits.entries()) {
    const parent = commits[i + 1];
    if (!parent || missing.size === 0) break;
    const [was, is] = await Promise.all([folder(parent), folder(commit)]);
    if (was === is) continue;
    for (const { path, before, after } of await diffTrees(objects, was, is, signal)) {
      const file = `clusters/${path}`;
      const name = missing.get(file);
      if (name === undefined || !after) continue;
      const origin = found.get(name) ?? {};
      found.set(name, origin);
      if (!before) {
        origin.enrolledBy = commit;
        origin.relabelledAt ??= commit.oid;
        missing.delete(file);
      } else if (!origin.relabelledAt && (await relabelled(file, before.oid, after.oid)))
        origin.relabelledAt = commit.oid;
    }
  }
  return new Map(
    [...clusters.keys()].map((name) => {
      const { enrolledBy = oldest, relabelledAt = oldest.oid } = found.get(name) ?? {};
      return [name, { enrolledBy, relabelledAt }];
    }),
  );

  async function folder({ tree }: Commit): Promise<string | undefined> {
    const entry = await entryAt(objects, tree, 'clusters', signal);
    return entry?.mode === 'tree' ? entry.oid : undefined;
  }

  /** Where one of the two cannot be read, nobody can tell: then it is taken for a change. */
  async function relabelled(file: string, was: string, is: string): Promise<boolean> {
    const [before, after] = await Promise.all([was, is].map((oid) => labelsOf(file, oid)));
    return !before || !after || !sameLabels(before, after);
  }

  async function labelsOf(file: string, oid: string): Promise<Cluster | undefined> {
    const result = readDocument(file, new TextDecoder().decode(await objects.readBlob(oid, signal)));
    return 'read' in result && result.read.kind === 'Cluster' ? result.read.document : undefined;
  }
}
