import type { GitObjects } from '#git/objects.ts';
import { entryAt } from '#git/tree.ts';

/** Text of a file of a tree; empty where there is none. */
export async function textAt(
  objects: GitObjects,
  tree: string,
  file: string,
  signal: AbortSignal,
): Promise<string> {
  const entry = await entryAt(objects, tree, file, signal);
  if (entry?.mode !== 'file' && entry?.mode !== 'executable') return '';
  return new TextDecoder().decode(await objects.readBlob(entry.oid, signal));
}
