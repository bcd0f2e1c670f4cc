import type { GitObjects } from '#git/objects.ts';
import type { Assignment } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { FlotillaError } from '#proto/faults.ts';
import { resolveAll } from '#proto/fleet-checks/assignments.ts';
import { strategyOf } from '#proto/stages.ts';
import { NodeCache } from '#render/closure.ts';
import { digestOf } from '#render/digest.ts';
import type { Content, PlacementFacts, Version } from '#rollouts/facts.ts';
import type { Snapshot } from '#rollouts/rehearsal/world.ts';
import type { Moment } from './moments.ts';
import { RemovalGuard } from './removal-guard.ts';

export type Entries = ReadonlyMap<string, Sourced<Cluster>>;

/** Documents that count at a moment: an invalid one is what it last was. */
type InForce = {
  readonly fleet: Sourced<Fleet> | undefined;
  readonly placements: ReadonlyMap<string, Sourced<Placement>>;
  readonly strategies: ReadonlyMap<string, Sourced<RolloutStrategy>>;
};

/** What Git says at the moments of a rehearsal, for whatever clusters there are then. */
export class Snapshots {
  readonly #objects: GitObjects;
  readonly #moments: readonly Moment[];
  readonly #inForce: readonly InForce[];
  readonly #cache = new NodeCache();
  readonly #digests = new Map<string, string | FlotillaError>();

  constructor(objects: GitObjects, moments: readonly Moment[]) {
    this.#objects = objects;
    this.#moments = moments;
    const inForce: InForce[] = [];
    for (const { model } of moments) {
      const before = inForce.at(-1);
      inForce.push({
        fleet: model.fleet ?? before?.fleet,
        placements: kept(model.placements, model.invalid.placements, before?.placements),
        strategies: kept(model.strategies, model.invalid.strategies, before?.strategies),
      });
    }
    this.#inForce = inForce;
  }

  /** Clusters as one moment has them. */
  entriesAt(index: number, before?: Entries): Entries {
    const { model } = this.#moments[index]!;
    return kept(model.clusters, model.invalid.clusters, before);
  }

  /** With the head at a moment and these clusters. @throws FlotillaError git-…; what is wrong with content stays at what it was */
  async at(head: number, entries: Entries, signal: AbortSignal): Promise<Snapshot> {
    const clusters = [...entries.values()]
      .filter(({ document: { spec } }) => spec.decommission !== 'prune')
      .map(({ document: { metadata, spec } }) => ({
        name: metadata.name,
        labels: metadata.labels ?? {},
        ...(spec.suspend && { blocked: 'suspended in its entry' }),
        ...(spec.mode === 'observe' && { blocked: 'only observed' }),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const names = new Set(
      this.#inForce.slice(0, head + 1).flatMap(({ placements }) => [...placements.keys()]),
    );
    const placements = new Map<string, PlacementFacts>();
    for (const name of [...names].sort())
      placements.set(name, await this.#placement(name, head, entries, signal));
    return { clusters, placements };
  }

  async #placement(
    name: string,
    head: number,
    entries: Entries,
    signal: AbortSignal,
  ): Promise<PlacementFacts> {
    const versions: Version[] = [];
    let last: Sourced<Placement> | undefined;
    let authors: string[] = [];
    const guard = new RemovalGuard(name);
    for (let index = 0; index <= head; index++) {
      const moment = this.#moments[index]!;
      const placement = this.#inForce[index]!.placements.get(name);
      last = placement ?? last;
      authors = [...authors, ...moment.authors];
      const before = versions.at(-1);
      const contents = placement
        ? await this.#contents(placement, index, entries, before, signal)
        : new Map<string, Content>();
      guard.judge(contents, this.#inForce[index]!.fleet?.document, placement?.document, moment.commit);
      if (before && isSame(before.contents, contents)) continue;
      versions.push({ revision: moment.commit.oid, at: index, contents, authors });
      authors = [];
    }
    const { fleet, strategies } = this.#inForce[head]!;
    const strategy = last!.document.spec.strategy ?? fleet?.document.spec.defaults?.strategy;
    return {
      strategy: strategyOf(strategies.get(strategy ?? '')?.document),
      versions,
      dependsOn: last!.document.spec.dependsOn ?? [],
      blocked: guard.blocked,
    };
  }

  /** What cannot be resolved or digested stays at what it was. */
  async #contents(
    placement: Sourced<Placement>,
    index: number,
    entries: Entries,
    before: Version | undefined,
    signal: AbortSignal,
  ): Promise<Map<string, Content>> {
    const { model, commit } = this.#moments[index]!;
    const { fleet } = this.#inForce[index]!;
    const isValid = model.fleet !== undefined && model.placements.has(placement.document.metadata.name);
    const contents = new Map<string, Content>();
    const documents = {
      ...model,
      fleet,
      clusters: entries,
      placements: new Map([[placement.document.metadata.name, placement]]),
    };
    for (const { cluster, resolution } of resolveAll(documents)) {
      const name = cluster.document.metadata.name;
      const digest =
        'faults' in resolution ? undefined : await this.#digest(resolution.assignment, index, signal);
      const was = before?.contents.get(name);
      const stays = !isValid && was !== undefined;
      if (digest !== undefined && !stays)
        contents.set(name, was?.digest === digest ? was : { digest, entryRevision: commit.oid });
      else if (was) contents.set(name, { ...was, revision: was.revision ?? before!.revision });
    }
    return contents;
  }

  async #digest(assignment: Assignment, index: number, signal: AbortSignal): Promise<string | undefined> {
    const { tree } = this.#moments[index]!;
    const key = `${tree} ${JSON.stringify(assignment)}`;
    let known = this.#digests.get(key);
    if (known === undefined) {
      try {
        known = (await digestOf(this.#objects, tree, assignment, this.#cache, signal)).digest;
      } catch (error) {
        const isContent = error instanceof FlotillaError && !error.code.startsWith('git-');
        if (!isContent || error.code === 'internal') throw error;
        known = error;
      }
      this.#digests.set(key, known);
    }
    return typeof known === 'string' ? known : undefined;
  }
}

/** Valid documents, and of those that are not what they last were. */
function kept<T>(
  valid: ReadonlyMap<string, T>,
  invalid: ReadonlySet<string>,
  before: ReadonlyMap<string, T> | undefined,
): ReadonlyMap<string, T> {
  const all = new Map(valid);
  for (const name of invalid) {
    const was = before?.get(name);
    if (was !== undefined && !all.has(name)) all.set(name, was);
  }
  return all;
}

const isSame = (a: ReadonlyMap<string, Content>, b: ReadonlyMap<string, Content>): boolean =>
  a.size === b.size && [...a].every(([name, { digest }]) => b.get(name)?.digest === digest);
