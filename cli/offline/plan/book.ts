import type { GitObjects, TreeEntry } from '#git/objects.ts';
import type { FlotillaError } from '#proto/faults.ts';
import { type Closure, closureNode, NodeCache } from '#render/closure.ts';
import { isContentFault } from '../overlays.ts';
import { isOwn, type Shape, shapeOf } from './shape.ts';

/** What of an overlay, or of a component, decides what it renders to. */
export type Overlay = {
  readonly node: string;
  readonly kind: Closure['kind'];
  readonly usesCharts: boolean;
  /** Its objects are annotated with paths, so that moving files changes them. */
  readonly showsPaths: boolean;
  readonly shape: Shape;
};
export type Looked = { readonly overlay: Overlay } | { readonly fault: FlotillaError };

type Folder = ReadonlyMap<string, TreeEntry> | undefined;
const AT_ONCE = 64;

/**
 * The overlays of one tree, each looked at once. Directories beside each other with the same content are looked at once together, as
 * long as what they read does not lie beside them too: from there every way out of them leads to the same place.
 */
export class OverlayBook {
  readonly #objects: GitObjects;
  readonly #tree: string;
  readonly #cache: NodeCache;
  readonly #looked = new Map<string, Looked>();
  readonly #alike = new Map<string, Promise<Looked>>();
  readonly #folders = new Map<string, Promise<Folder>>();

  constructor(objects: GitObjects, tree: string, cache = new NodeCache()) {
    this.#objects = objects;
    this.#tree = tree;
    this.#cache = cache;
  }

  async at(path: string, signal: AbortSignal): Promise<Looked> {
    const known = this.#looked.get(path);
    if (known) return known;
    const looked = await this.#lookAt(path, signal);
    this.#looked.set(path, looked);
    return looked;
  }

  /** Looks at many, side by side, so that what they read is asked for together. */
  async prepare(
    paths: Iterable<string>,
    progress: (done: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const queue = [...paths].values();
    let done = 0;
    const work = async () => {
      for (const path of queue) {
        await this.at(path, signal);
        progress(++done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #lookAt(path: string, signal: AbortSignal): Promise<Looked> {
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? '' : path.slice(0, slash);
    const entry = (await this.#folder(parent, signal))?.get(path.slice(slash + 1));
    if (entry?.mode !== 'tree') return this.#look(path, signal);
    const key = `${parent}\0${entry.oid}`;
    const alike = this.#alike.get(key);
    if (!alike) {
      const first = this.#look(path, signal);
      this.#alike.set(key, first);
      return first;
    }
    const looked = await alike;
    return 'overlay' in looked && leadsOut(looked.overlay.shape, parent) ? looked : this.#look(path, signal);
  }

  async #look(path: string, signal: AbortSignal): Promise<Looked> {
    try {
      const closure = await closureNode(this.#objects, this.#tree, path, this.#cache, signal);
      const { buildMetadata } = closure.options;
      return {
        overlay: {
          node: closure.node,
          kind: closure.kind,
          usesCharts: closure.usesCharts,
          showsPaths: Array.isArray(buildMetadata) && buildMetadata.some((one) => one !== 'managedByLabel'),
          shape: shapeOf(closure, path),
        },
      };
    } catch (fault) {
      if (isContentFault(fault)) return { fault };
      throw fault;
    }
  }

  /** Entries of a directory by name; symlinks on the way are not followed. Read once, however many ask at once. */
  #folder(path: string, signal: AbortSignal): Promise<Folder> {
    let folder = this.#folders.get(path);
    if (!folder) {
      folder = this.#readFolder(path, signal);
      this.#folders.set(path, folder);
    }
    return folder;
  }

  async #readFolder(path: string, signal: AbortSignal): Promise<Folder> {
    if (path === '') return this.#cache.tree(this.#objects, this.#tree, signal);
    const slash = path.lastIndexOf('/');
    const parent = await this.#folder(slash < 0 ? '' : path.slice(0, slash), signal);
    const entry = parent?.get(path.slice(slash + 1));
    return entry?.mode === 'tree' ? this.#cache.tree(this.#objects, entry.oid, signal) : undefined;
  }
}

/** Whether nothing that is read lies beside the overlay. */
function leadsOut({ files, watch }: Shape, parent: string): boolean {
  const beside = (path: string) =>
    !isOwn(path) && (parent === '' || path === parent || path === '' || path.startsWith(`${parent}/`));
  return !files.some(beside) && !watch.some(beside);
}
