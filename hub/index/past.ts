import { createBreather } from '#git/breathe.ts';
import { type Assignment, assignmentDigest, resolveAssignment, whyNotSelected } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { VersionSource } from './kept.ts';
import type { Layers } from './layers.ts';
import type { Overlay, Overlays } from './overlays.ts';
import type { Row } from './rows.ts';

export type Read = NonNullable<Row['read']>;

/** Digests; without values and charts, one is that of every cluster with the same content. One placement's document at a time. */
export class Digests {
  readonly #plain = new Map<Overlay['nodes'], { readonly placement: string; readonly digest: string }>();

  of(assignment: Assignment, { nodes }: Overlay): string {
    const { placement } = assignment;
    if (nodes.charts || Object.keys(assignment.values).length > 0) return assignmentDigest(assignment, nodes);
    let known = this.#plain.get(nodes);
    if (known?.placement !== placement) {
      known = { placement, digest: assignmentDigest(assignment, nodes) };
      this.#plain.set(nodes, known);
    }
    return known.digest;
  }
}

/** What versions, as they were, give clusters as they are now. Overlays that clusters share are read once. */
export class Past {
  readonly #overlays: Overlays;
  readonly #layers: Layers;
  readonly #signal: AbortSignal;
  readonly #digests = new Digests();
  readonly #breathe = createBreather();
  readonly #known = new Map<VersionSource, Map<string, Overlay | undefined>>();

  constructor(overlays: Overlays, layers: Layers, signal: AbortSignal) {
    this.#overlays = overlays;
    this.#layers = layers;
    this.#signal = signal;
  }

  /** Undefined where it cannot be had. @throws FlotillaError git-…, but for objects that are not here any more */
  async read(
    source: VersionSource,
    { document }: { readonly document: Cluster },
  ): Promise<Read | 'unselected' | undefined> {
    const { placement, fleet, values } = source;
    await this.#breathe(this.#signal);
    if (whyNotSelected(placement, document) !== undefined) return 'unselected';
    const shared = this.#layers.of(values, placement, document);
    const resolution = resolveAssignment(fleet, placement, document, shared && { shared });
    if ('faults' in resolution) return undefined;
    const { assignment } = resolution;
    const overlay = await this.#overlay(source, assignment);
    return overlay && { overlay, digest: this.#digests.of(assignment, overlay) };
  }

  async #overlay(source: VersionSource, assignment: Assignment): Promise<Overlay | undefined> {
    let ofSource = this.#known.get(source);
    if (!ofSource) {
      ofSource = new Map();
      this.#known.set(source, ofSource);
    }
    const key = [assignment.path, ...assignment.components].join('\0');
    if (ofSource.has(key)) return ofSource.get(key);
    let overlay: Overlay | undefined;
    try {
      overlay = await this.#overlays.readAt(source.tree, assignment, this.#signal);
    } catch (error) {
      if (!isContentFault(error) && !(error instanceof FlotillaError && error.code === 'git-object-missing'))
        throw error;
    }
    ofSource.set(key, overlay);
    return overlay;
  }
}

/** What the content of the repository is to blame for; anything else is no property of the revision. */
export function isContentFault(error: unknown): error is FlotillaError {
  return error instanceof FlotillaError && !error.code.startsWith('git-') && error.code !== 'internal';
}
