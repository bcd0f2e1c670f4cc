import type { GitObjects } from '#git/objects.ts';
import { diffTrees, entryAt } from '#git/tree.ts';
import type { Assignment } from '#proto/assignment.ts';
import { NodeCache } from '#render/closure.ts';
import { type AssignmentFiles, closuresOf } from '#render/digest.ts';

/** What is worth keeping between overlays of one tree, and trees between commits; overlays themselves are kept here. */
const CACHE_LIMITS = { nodes: 1_000, treeEntries: 250_000, files: 2_000 };

/** What a placement's overlay with its components comes to at the newest tree: all that a digest takes from files. */
export type Overlay = {
  readonly placement: string;
  readonly path: string;
  readonly components: readonly string[];
  readonly nodes: AssignmentFiles['nodes'];
  /** How many files it reads. */
  readonly files: number;
};

/** What is remembered of an overlay besides: directories and files outside of its own directory that it reads. */
export type KnownOverlay = Overlay & { readonly reads: readonly string[] };
type Known = KnownOverlay;
type Read = Pick<Known, 'nodes' | 'files' | 'reads'>;
type Place = Pick<Assignment, 'placement' | 'cluster' | 'path' | 'components'>;

/**
 * Overlays at one tree, and which of them a change of files concerns: what a commit does not touch is not looked at again.
 *
 * Directories of equal content beside each other (`apps/shop/clusters/NAME`) read the same outside of themselves, so that
 * one of them is looked at for all, unless it depends on where it stands.
 */
export class Overlays {
  readonly #objects: GitObjects;
  readonly #cache = new NodeCache(CACHE_LIMITS);
  /** By path; of several placements or with several components. */
  readonly #known = new Map<string, readonly Known[]>();
  readonly #readers = new Map<string, Set<Known>>();
  readonly #dropped = new Set<string>();
  #siblings = new Map<string, Read>();
  #folders = new Map<string, ReadonlyMap<string, { mode: string; oid: string }>>();
  #tree: string | undefined;

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** Goes to another tree; afterwards `dropped` has the placements of which overlays may have changed. @throws FlotillaError git-… */
  async moveTo(tree: string, signal: AbortSignal): Promise<void> {
    if (this.#tree === tree) return;
    const changes = this.#tree === undefined ? [] : await diffTrees(this.#objects, this.#tree, tree, signal);
    for (const { path } of changes) {
      for (const place of upwards(path)) {
        for (const one of this.#known.get(place) ?? []) this.#drop(one);
        for (const one of this.#readers.get(place) ?? []) this.#drop(one);
      }
    }
    this.#siblings = new Map();
    this.#folders = new Map();
    this.#tree = tree;
  }

  /** Placements with overlays that were dropped since the last `settle`. */
  get dropped(): ReadonlySet<string> {
    return this.#dropped;
  }

  /** Whoever keeps overlays has looked at all that were dropped. */
  settle(): void {
    this.#dropped.clear();
  }

  isCurrent(overlay: Overlay): boolean {
    return this.#known.get(overlay.path)?.includes(overlay as Known) ?? false;
  }

  /** What is known of it already. */
  find({ placement, path, components }: Place): Overlay | undefined {
    return this.#known
      .get(path)
      ?.find((one) => one.placement === placement && sameTexts(one.components, components));
  }

  /** @throws FlotillaError what `closuresOf` throws */
  async read(place: Place, signal: AbortSignal): Promise<Overlay> {
    const { placement, path, components } = place;
    const read = await this.#read(place, signal);
    const known: Known = { placement, path, components, ...read };
    this.#add(known);
    return known;
  }

  /** Goes on from overlays that were read earlier, at this tree. */
  resume(tree: string, overlays: Iterable<KnownOverlay>): void {
    for (const one of overlays) this.#add(one);
    this.#tree = tree;
  }

  /** The tree, and everything that is known of it. */
  get state(): { readonly tree: string | undefined; readonly overlays: readonly KnownOverlay[] } {
    return { tree: this.#tree, overlays: [...this.#known.values()].flat() };
  }

  #add(known: Known): void {
    this.#known.set(known.path, [...(this.#known.get(known.path) ?? []), known]);
    for (const at of known.reads) {
      const readers = this.#readers.get(at);
      if (readers) readers.add(known);
      else this.#readers.set(at, new Set([known]));
    }
  }

  /** What a placement's overlay comes to at another tree. @throws FlotillaError what `closuresOf` throws */
  async readAt(tree: string, place: Place, signal: AbortSignal): Promise<Overlay> {
    const { placement, path, components } = place;
    const { nodes, files } = await closuresOf(this.#objects, tree, place, this.#cache, signal);
    return { placement, path, components, nodes, files: files.length };
  }

  async #read(place: Place, signal: AbortSignal): Promise<Read> {
    const { path, components } = place;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const content =
      parent === '' ? undefined : await this.#treeOf(parent, path.slice(parent.length + 1), signal);
    const key = content && [parent, content, ...components].join('\0');
    const sibling = key === undefined ? undefined : this.#siblings.get(key);
    if (sibling) return sibling;
    const closure = await closuresOf(this.#objects, this.#tree!, place, this.#cache, signal);
    const read = { nodes: closure.nodes, files: closure.files.length, reads: readsOf(closure, path) };
    if (key !== undefined && isMovable(closure, path, parent)) this.#siblings.set(key, read);
    return read;
  }

  async #treeOf(parent: string, name: string, signal: AbortSignal): Promise<string | undefined> {
    let folder = this.#folders.get(parent);
    if (!folder) {
      const entry = await entryAt(this.#objects, this.#tree!, parent, signal);
      folder = entry?.mode === 'tree' ? await this.#cache.tree(this.#objects, entry.oid, signal) : new Map();
      this.#folders.set(parent, folder);
    }
    const found = folder.get(name);
    return found?.mode === 'tree' ? found.oid : undefined;
  }

  #drop(one: Known): void {
    const left = (this.#known.get(one.path) ?? []).filter((other) => other !== one);
    if (left.length > 0) this.#known.set(one.path, left);
    else this.#known.delete(one.path);
    for (const at of one.reads) {
      const readers = this.#readers.get(at);
      readers?.delete(one);
      if (readers?.size === 0) this.#readers.delete(at);
    }
    this.#dropped.add(one.placement);
  }
}

/** A path and every directory above it, the root included. */
function* upwards(path: string): Iterable<string> {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) yield at;
  yield '';
}

const isBelow = (directory: string, path: string) =>
  directory === '' || path === directory || path.startsWith(`${directory}/`);

/** Places that cover everything read outside of the overlay's own directory: a change at or below one may concern it. */
function readsOf({ directories, files, watch }: AssignmentFiles, path: string): readonly string[] {
  const places = new Set<string>();
  for (const at of directories) if (!isBelow(path, at)) places.add(at);
  for (const at of [...files, ...watch])
    if (!isBelow(path, at) && ![...places].some((place) => isBelow(place, at))) places.add(at);
  return [...places];
}

/** Whether the same content under another name in the same directory would read the same. */
function isMovable(closure: AssignmentFiles, path: string, parent: string): boolean {
  if (closure.dependsOnPlace) return false;
  return readsOf(closure, path).every((at) => !isBelow(parent, at) && !isBelow(at, parent));
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
