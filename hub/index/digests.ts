import type { GitObjects } from '#git/objects.ts';
import { diffTrees } from '#git/tree.ts';
import type { Assignment } from '#proto/assignment.ts';
import { NodeCache } from '#render/closure.ts';
import { digestOf } from '#render/digest.ts';

export type Digested = { readonly digest: string; readonly files: number };

/**
 * Digests of assignments, remembering what each overlay reads: after a commit that touches none of it, nothing of it has to be
 * looked at again.
 */
export class Digests {
  readonly #objects: GitObjects;
  readonly #cache = new NodeCache();
  /** Overlay and components → what their closures read. */
  #reads = new Map<string, { files: readonly string[]; watch: readonly string[] }>();

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** @throws FlotillaError what `digestOf` throws */
  async of(assignment: Assignment, tree: string, signal: AbortSignal): Promise<Digested> {
    const { digest, files, watch } = await digestOf(this.#objects, tree, assignment, this.#cache, signal);
    this.#reads.set(placeOf(assignment), { files, watch });
    return { digest, files: files.length };
  }

  /** The digest at an earlier tree; what is remembered of the newest one stays. */
  async at(assignment: Assignment, tree: string, signal: AbortSignal): Promise<Digested> {
    const { digest, files } = await digestOf(this.#objects, tree, assignment, this.#cache, signal);
    return { digest, files: files.length };
  }

  /**
   * Tells for which assignments a digest that was computed at `before` may differ at `after`. To be asked before any digest at
   * `after`; an assignment whose digest was never computed counts as changed.
   */
  async changed(
    before: string,
    after: string,
    signal: AbortSignal,
  ): Promise<(assignment: Assignment) => boolean> {
    const changes = before === after ? [] : await diffTrees(this.#objects, before, after, signal);
    const paths = changes.map(({ path }) => path);
    const unchanged = new Map<string, { files: readonly string[]; watch: readonly string[] }>();
    for (const [place, reads] of this.#reads) {
      if (!touches(paths, reads)) unchanged.set(place, reads);
    }
    this.#reads = unchanged;
    const still = new Set(unchanged.keys());
    return (assignment) => !still.has(placeOf(assignment));
  }
}

function touches(
  paths: readonly string[],
  { files, watch }: { files: readonly string[]; watch: readonly string[] },
): boolean {
  const read = new Set(files);
  return paths.some(
    (path) =>
      read.has(path) || watch.some((place) => path === place || place === '' || path.startsWith(`${place}/`)),
  );
}

const placeOf = ({ path, components }: Assignment) => JSON.stringify([path, ...components]);
