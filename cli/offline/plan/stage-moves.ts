import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import { nameOf } from '#proto/fleet-checks/context.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { matches } from '#proto/selector.ts';
import { stageOf } from '#proto/stages.ts';

/** A cluster that is in another stage of a placement; null where its strategy has none for it. */
export type StageMove = {
  readonly cluster: string;
  readonly from: string | null;
  readonly to: string | null;
};

/** How the clusters of a placement are staged: undefined by name is one stage of all. */
export type Staging = { readonly name: string | undefined; readonly document: RolloutStrategy | undefined };

/** The strategy in force for a placement. One that is not valid any more stays as it was. */
export function stagingOf(placement: Placement, model: FleetModel, before?: FleetModel): Staging {
  const fleet = model.fleet ?? before?.fleet;
  const name = placement.spec.strategy ?? fleet?.document.spec.defaults?.strategy;
  if (name === undefined) return { name, document: undefined };
  const known = model.strategies.get(name) ?? before?.strategies.get(name);
  return { name, document: known?.document };
}

/** The stage of a cluster. */
export function stageIn({ name, document }: Staging, { document: cluster }: Sourced<Cluster>): string | null {
  if (name === undefined) return 'all';
  return stageOf(document?.spec.stages ?? [], cluster.metadata.labels ?? {})?.name ?? null;
}

/** Which clusters move between stages, because of a strategy or of their labels; found out once for placements staged alike. */
export class StageMoves {
  readonly #before: FleetModel;
  readonly #after: FleetModel;
  readonly #moved: ReadonlySet<string>;
  readonly #known = new Map<string, readonly StageMove[]>();

  /** `moved` are the clusters whose entry is another one. */
  constructor(before: FleetModel, after: FleetModel, moved: ReadonlySet<string>) {
    this.#before = before;
    this.#after = after;
    this.#moved = moved;
  }

  /** Of the clusters that had the placement and keep it, by name. */
  of(was: Placement, is: Placement): StageMove[] {
    const [from, to] = [stagingOf(was, this.#before), stagingOf(is, this.#after, this.#before)];
    const selected = (placement: Placement, { clusters }: FleetModel, name: string) =>
      matches(placement.spec.selector, clusters.get(name)!.document.metadata.labels ?? {});
    return this.#between(from, to).filter(
      ({ cluster }) => selected(was, this.#before, cluster) && selected(is, this.#after, cluster),
    );
  }

  #between(from: Staging, to: Staging): readonly StageMove[] {
    const key = JSON.stringify([from.name, to.name]);
    let known = this.#known.get(key);
    if (!known) {
      const isSame = from.document === to.document;
      known = [...this.#after.clusters.values()].flatMap((cluster): StageMove[] => {
        const name = nameOf(cluster);
        const old = this.#before.clusters.get(name);
        if (!old || (isSame && !this.#moved.has(name))) return [];
        const move = { cluster: name, from: stageIn(from, old), to: stageIn(to, cluster) };
        return move.from === move.to ? [] : [move];
      });
      this.#known.set(key, known);
    }
    return known;
  }
}
