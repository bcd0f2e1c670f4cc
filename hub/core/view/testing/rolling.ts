import type { RolloutStrategy } from '#proto/documents/strategy.ts';
import type { FleetFacts, PlacementFacts, Version } from '#rollouts/facts.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import type { Play } from '#rollouts/rehearsal/agents.ts';
import { World } from '#rollouts/rehearsal/world.ts';
import { settled } from '#rollouts/settled.ts';
import { strategyDocument } from '#rollouts/testing/lab.ts';
import type { ReadModel } from '../../view.ts';
import { oid } from './fleet.ts';

export type Line = {
  readonly spec: RolloutStrategy['spec'];
  readonly on?: readonly string[];
  /** Cluster → what its agent says of the new version; Current after 20 s where nothing is told. */
  readonly plays?: Readonly<Record<string, Play>>;
};

/** One stage for each value of the label `env` in this order, the last one without a selector. */
export const byEnv = (
  ...stages: readonly RolloutStrategy['spec']['stages'][number][]
): RolloutStrategy['spec'] => ({
  stages: stages.map((stage, at) => ({
    ...stage,
    selector: at === stages.length - 1 ? {} : { matchLabels: { env: stage.name } },
  })),
});

/**
 * Plays changes over the clusters of a view, with the machine of the hub: every placement of `lines` runs `first`; `go(word)` commits
 * what every cluster is to run next. The view is told after every step, as the hub would.
 */
export function rolling(view: ReadModel, lines: Readonly<Record<string, Line>>, start: number) {
  const clusters = [...view.index!.clusters.values()]
    .map(({ document }) => ({ name: document.metadata.name, labels: document.metadata.labels ?? {} }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  let at = 0;
  const versionOf = (word: string, on: readonly string[], authors: readonly string[] = []): Version => ({
    revision: oid(word),
    at: ++at,
    contents: new Map(on.map((name) => [name, { digest: `digest-${word}`, entryRevision: oid(word) }])),
    authors,
  });
  const onOf = ({ on = clusters.map(({ name }) => name) }: Line) => on;
  let placements: ReadonlyMap<string, PlacementFacts> = new Map(
    Object.entries(lines).map(([name, line]) => [
      name,
      {
        strategy: strategyDocument(line.spec),
        versions: [versionOf('first', onOf(line))],
        dependsOn: [],
        blocked: new Map(),
      },
    ]),
  );
  const facts: FleetFacts = {
    clusters,
    placements,
    reports: new Map(),
    unreachable: new Set(),
    counting: true,
    answers: new Map(),
  };
  const world = new World(
    settled(facts, start),
    { clusters, placements },
    ({ placement, cluster }) =>
      lines[placement]?.plays?.[cluster.name] ?? [{ afterMs: 20_000, phase: 'current' }],
    start,
  );
  let told = 0;
  const tell = () => {
    view.rollouts.set(world.state, world.facts, world.now);
    view.rollouts.tell(world.events.slice(told));
    told = world.events.length;
    view.rollouts.tick(world.now);
  };
  world.watch = ({ advanced, facts: seen, now }) => view.rollouts.set(advanced.state, seen, now);
  const denied: { command: FleetCommand; why: string }[] = [];
  return {
    world,
    /** Orders of people who may not. */
    denied,
    /** A commit that changes these placements on all their clusters. */
    go(word: string, names: readonly string[] = Object.keys(lines), authors: readonly string[] = ['Ada']) {
      placements = new Map(
        [...placements].map(([name, own]) => [
          name,
          names.includes(name)
            ? { ...own, versions: [...own.versions, versionOf(word, onOf(lines[name]!), authors)] }
            : own,
        ]),
      );
      world.setSnapshot({ clusters, placements });
      world.settle();
      tell();
    },
    pass(ms: number) {
      world.runUntil(world.now + ms);
      tell();
    },
    /** The hub's side of orders. */
    operations: {
      async order(command: FleetCommand) {
        const refused = world.order(command);
        world.settle();
        tell();
        return refused ? { refused } : { events: [] };
      },
      denied: async (orders: readonly (typeof denied)[number][]) => void denied.push(...orders),
    },
    order(command: FleetCommand) {
      const refused = world.order(command);
      if (refused) throw new Error(refused.message);
      world.settle();
      tell();
    },
  };
}
