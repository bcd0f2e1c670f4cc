import type { ClusterFacts, FleetFacts, PlacementFacts } from '#rollouts/facts.ts';
import { membershipOf } from '#rollouts/membership.ts';
import type { Line } from '#rollouts/state.ts';
import type { Judged } from './removals.ts';
import type { EffectiveCluster, HubFacts, HubState, IndexSnapshot } from './types.ts';

/**
 * What the stage machine looks at, from what Git says and agents report. The same index gives the same arrays, by which the machine
 * knows what it has worked out already.
 */
export function fleetFactsOf(
  facts: HubFacts,
  state: HubState,
  judged: ReadonlyMap<string, Judged>,
): FleetFacts {
  const { index, reports, counting, answers } = facts;
  const placements = new Map<string, PlacementFacts>();
  // Of one that is gone nothing is left to do once nobody has it.
  const retired = [...index.retired].filter(([name]) => isAnywhere(state.fleet.lines[name]));
  for (const [name, { strategy, versions, document }] of [...retired, ...index.placements]) {
    if (index.unreadable.placements.has(name)) continue;
    const blocked = judged.get(name)?.blocked ?? NOWHERE;
    placements.set(name, { strategy, versions, dependsOn: document.spec.dependsOn ?? NOTHING, blocked });
  }
  const clusters = clustersOf(index.clusters);
  const unreadable = index.clusters.size === 0 ? everyone(state) : index.unreadable.clusters;
  return {
    clusters,
    unreadable,
    placements,
    reports,
    unreachable: within(facts, clusters),
    counting,
    answers,
  };
}

const isAnywhere = (line: Line | undefined) => line !== undefined && Object.keys(line.targets).length > 0;

const NOTHING: readonly string[] = [];
const NOWHERE: ReadonlyMap<string, string> = new Map();

/** Clusters of the fleet, without those that leave it as a whole. */
const known = new WeakMap<IndexSnapshot['clusters'], readonly ClusterFacts[]>();
const shown = new WeakMap<EffectiveCluster['document'], ClusterFacts>();

function clustersOf(entries: IndexSnapshot['clusters']): readonly ClusterFacts[] {
  let clusters = known.get(entries);
  if (!clusters) {
    clusters = [...entries.values()]
      .filter(({ document }) => document.spec.decommission !== 'prune')
      .map(clusterFacts)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    known.set(entries, clusters);
  }
  return clusters;
}

function clusterFacts({ document, relabelledAt }: EffectiveCluster): ClusterFacts {
  const made = shown.get(document);
  if (made?.entryRevision === relabelledAt) return made;
  const { metadata, spec } = document;
  const facts: ClusterFacts = {
    name: metadata.name,
    labels: metadata.labels ?? {},
    entryRevision: relabelledAt,
    ...(spec.suspend && { blocked: 'suspended in its entry' }),
    ...(spec.mode === 'observe' && { blocked: 'only observed' }),
  };
  shown.set(document, facts);
  return facts;
}

/** A repository without any entry is not believed: whoever has something keeps it. */
function everyone({ fleet }: HubState): ReadonlySet<string> {
  return new Set(Object.values(fleet.lines).flatMap(({ targets }) => Object.keys(targets)));
}

/** Who leaves the fleet is not waited for, and not counted among those that were lost. */
function within({ unreachable }: HubFacts, clusters: readonly ClusterFacts[]): ReadonlySet<string> {
  const { byName } = membershipOf(clusters, NO_STAGES);
  return new Set([...unreachable].filter((cluster) => byName.has(cluster)));
}
const NO_STAGES: Parameters<typeof membershipOf>[1] = [];
