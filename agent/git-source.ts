import type { GitObjects } from '#git/objects.ts';
import type { Mark } from '#process/markers.ts';
import type { DesiredAssignment } from '#proto/messages.ts';
import type { NodeCache } from '#render/closure.ts';
import { renderAssignment } from '#render/render.ts';
import type { Branch } from './branch.ts';
import { confirmRemoval, type Reading, type Removal } from './core/removal.ts';
import type { FleetReader, Found } from './derive/fleet-reader.ts';
import { deriveVersion } from './derive/version.ts';
import type { Made, RemovedAt, Source } from './placement-ports.ts';
import type { Renderers } from './renderers.ts';

export type GitSourceParts = {
  cluster: string;
  branch: Branch;
  objects: GitObjects;
  reader: FleetReader;
  cache: NodeCache;
  renderers: Renderers;
  /** `trust.notBefore` in force. */
  notBefore: () => string | undefined;
  mark: Mark;
};

/** Versions made from Git: derived, compared with the hub's digest, rendered. Revisions have been proven to be on the branch. */
export class GitSource implements Source {
  readonly #parts: GitSourceParts;

  constructor(parts: GitSourceParts) {
    this.#parts = parts;
  }

  async render(wanted: DesiredAssignment, signal: AbortSignal): Promise<Made> {
    const { cluster, branch, objects, reader, cache, renderers, mark } = this.#parts;
    const oldest = this.#parts.notBefore();
    if (oldest !== undefined) await branch.requireNotBefore(wanted.revision, oldest, signal);
    const { assignment, tree, policy } = await deriveVersion(reader, objects, cache, cluster, wanted, signal);
    mark('fetched');
    const fleet = await reader.fleet(wanted.revision, signal);
    const renderer = renderers(fleet.state === 'valid' ? fleet.document : undefined);
    const request = { objects, rootTree: tree, assignment, renderer, cache };
    const { objects: made, renderHash, sources } = await renderAssignment(request, signal);
    return { rendered: { objects: made, renderHash, sources }, prune: assignment.prune, policy };
  }

  async confirmRemoval(
    placement: string,
    { revision, entryRevision = revision }: RemovedAt,
    applied: string | undefined,
    signal: AbortSignal,
  ): Promise<Removal> {
    const { cluster, branch, reader } = this.#parts;
    await branch.require([revision, entryRevision], signal);
    const newer =
      applied === undefined ||
      (await branch.isNewer(revision, applied, signal)) ||
      (await branch.isNewer(entryRevision, applied, signal));
    const fleet = await reader.fleet(revision, signal);
    return confirmRemoval({
      placement,
      cluster,
      revision,
      applied,
      newer,
      fleet: fleet.state === 'valid',
      entry: reading(await reader.cluster(entryRevision, cluster, signal)),
      document: reading(await reader.placement(revision, placement, signal)),
    });
  }
}

function reading<T>(found: Found<T>): Reading<T> {
  return found.state === 'valid' ? found.document : found.state;
}
