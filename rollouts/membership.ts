import { matches } from '#proto/selector.ts';
import { type Stage as StageSpec, stageOf } from '#proto/stages.ts';
import type { ClusterFacts } from './facts.ts';
import type { Whom } from './state.ts';

/** Whether a cluster is among those that an operation names. */
export const isAmong = (whom: Whom, { name, labels }: ClusterFacts): boolean =>
  'cluster' in whom ? whom.cluster === name : matches(whom.selector, labels);

/** A cluster of a stage. Its place counts on over the members of all stages: what is known of members stands in arrays. */
export type Member = ClusterFacts & { readonly place: number };

/** Which stage every cluster falls in, and the clusters of every stage in the order in which they start. */
export type Membership = {
  readonly stageOf: ReadonlyMap<string, string>;
  readonly members: ReadonlyMap<string, readonly Member[]>;
  readonly memberOf: ReadonlyMap<string, Member>;
  readonly byName: ReadonlyMap<string, ClusterFacts>;
};

const known = new WeakMap<readonly ClusterFacts[], WeakMap<readonly StageSpec[], Membership>>();

/** Computed once for the same clusters and stages. */
export function membershipOf(clusters: readonly ClusterFacts[], stages: readonly StageSpec[]): Membership {
  let ofClusters = known.get(clusters);
  if (!ofClusters) {
    ofClusters = new WeakMap();
    known.set(clusters, ofClusters);
  }
  const found = ofClusters.get(stages);
  if (found) return found;
  const stageByCluster = new Map<string, string>();
  const clustersOf = new Map<string, ClusterFacts[]>(stages.map(({ name }) => [name, []]));
  for (const cluster of clusters) {
    const stage = stageOf(stages, cluster.labels);
    if (!stage) continue;
    stageByCluster.set(cluster.name, stage.name);
    clustersOf.get(stage.name)!.push(cluster);
  }
  const members = new Map<string, Member[]>();
  const memberOf = new Map<string, Member>();
  for (const { name, orderBy } of stages) {
    const sorted = clustersOf.get(name)!.sort((a, b) => compare(a, b, orderBy));
    const made = sorted.map((cluster, at): Member => ({ ...cluster, place: memberOf.size + at }));
    members.set(name, made);
    for (const member of made) memberOf.set(member.name, member);
  }
  const byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  const made = { stageOf: stageByCluster, members, memberOf, byName };
  ofClusters.set(stages, made);
  return made;
}

/** By label, numbers as numbers, those without it last; then by name. */
function compare(a: ClusterFacts, b: ClusterFacts, label: string | undefined): number {
  if (label !== undefined) {
    const [one, other] = [a.labels[label], b.labels[label]];
    if (one !== other) {
      if (one === undefined) return 1;
      if (other === undefined) return -1;
      const [left, right] = [Number(one), Number(other)];
      const byNumber = left - right;
      if (byNumber !== 0 && !Number.isNaN(byNumber)) return byNumber;
      return one < other ? -1 : 1;
    }
  }
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
