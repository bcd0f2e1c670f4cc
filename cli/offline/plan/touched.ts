import type { GitObjects } from '#git/objects.ts';
import { diffTrees, type TreeChange } from '#git/tree.ts';
import { placesOf } from '#proto/assignment.ts';
import { FlotillaError } from '#proto/faults.ts';
import { groupByLabels } from '#proto/fleet-checks/context.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { matches } from '#proto/selector.ts';
import type { OverlayBook } from './book.ts';
import { Reads, type Touched } from './reads.ts';
import type { ReadsStore } from './store.ts';

export type TouchedOverlays = {
  /** Files that changed of what an overlay reads; undefined where nothing did. */
  of(path: string): Touched | undefined;
  /** None at all: then nobody has to ask. */
  readonly none: boolean;
};

/**
 * Which overlays of a fleet a change of its tree touches. What they read is taken from the store as far as it is still true, found out
 * for the others, and stored.
 */
export async function touchedOverlays(
  objects: GitObjects,
  from: { readonly tree: string; readonly model: FleetModel; readonly book: OverlayBook },
  changes: readonly TreeChange[],
  store: ReadsStore,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<TouchedOverlays> {
  if (changes.length === 0) return { of: () => undefined, none: true };
  const reads = await readsAt(objects, from.tree, store, signal);
  const unknown = new Set<string>();
  for (const path of pathsOf(from.model)) if (!reads.has(path)) unknown.add(path);
  await from.book.prepare(
    unknown,
    (done) => progress(`looked at ${done} of ${unknown.size} overlays`),
    signal,
  );
  const faulty = new Set<string>();
  for (const path of unknown) {
    const looked = await from.book.at(path, signal);
    if ('overlay' in looked) reads.set(path, looked.overlay.shape);
    else faulty.add(path);
  }
  if (unknown.size > faulty.size) await store.save(from.tree, reads);
  const touched = reads.touchedBy(changes);
  // What cannot be followed may be mended by any change.
  for (const path of faulty) touched.set(path, { some: [], count: 0 });
  return { of: (path) => touched.get(path), none: touched.size === 0 };
}

/** What the store knows, without what has changed since. */
async function readsAt(
  objects: GitObjects,
  tree: string,
  store: ReadsStore,
  signal: AbortSignal,
): Promise<Reads> {
  const known = await store.load();
  if (!known) return new Reads();
  if (known.tree === tree) return known.reads;
  try {
    const since = await diffTrees(objects, known.tree, tree, signal);
    for (const overlay of known.reads.touchedBy(since).keys()) known.reads.delete(overlay);
    return known.reads;
  } catch (error) {
    // The tree may be gone from the repository since.
    if (error instanceof FlotillaError && error.code === 'git-object-missing') return new Reads();
    throw error;
  }
}

/** Every directory that an assignment names, maybe more than once. */
function* pathsOf({ clusters, placements }: FleetModel): Iterable<string> {
  const groups = groupByLabels(clusters);
  for (const { document } of placements.values()) {
    const { selector, path, components = [] } = document.spec;
    const byName = [path, ...components.map((component) => component.path)].some((one) =>
      one.includes('{name}'),
    );
    for (const { labels, clusters: members } of groups) {
      if (!matches(selector, labels)) continue;
      for (const cluster of byName ? members : members.slice(0, 1)) {
        const places = placesOf(document, cluster.document);
        if (places.faults.length > 0) continue;
        yield places.path;
        yield* places.components;
      }
    }
  }
}
