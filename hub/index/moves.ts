import type { DocumentsInForce } from '../core/in-force.ts';

/** What has happened to entries of clusters since the documents before. */
export type EntryMoves = {
  /** New, or not as before. */
  readonly changed: readonly string[];
  /** Of those, the ones that are new, and the ones with other labels. */
  readonly joined: readonly string[];
  readonly relabelled: readonly string[];
  readonly left: ReadonlySet<string>;
  /** All that are invalid now, whether they changed or not. */
  readonly invalid: readonly string[];
};

/** `revision` is the commit that brought the documents. */
export function movesSince(
  was: DocumentsInForce | undefined,
  docs: DocumentsInForce,
  revision: string,
): EntryMoves {
  const changed: string[] = [];
  const joined: string[] = [];
  const relabelled: string[] = [];
  const invalid: string[] = [];
  for (const [name, cluster] of docs.clusters) {
    const known = was?.clusters.get(name);
    if (known !== cluster && (known?.document !== cluster.document || known.invalid !== cluster.invalid)) {
      changed.push(name);
      if (!known) joined.push(name);
      else if (cluster.relabelledAt === revision) relabelled.push(name);
    }
    if (cluster.invalid) invalid.push(name);
  }
  const left = new Set(was?.clusters.keys().filter((name) => !docs.clusters.has(name)));
  return { changed, joined, relabelled, left, invalid };
}
