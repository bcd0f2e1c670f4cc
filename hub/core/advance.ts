import { advanceLine, type Versions } from './advance-line.ts';
import { atOnceHash, atOnceOfAll } from './at-once.ts';
import { contentHash, contentOf, documentOf } from './desired.ts';
import type {
  Advanced,
  AssignmentVersion,
  ClusterState,
  Effect,
  HubFacts,
  HubState,
  IndexSnapshot,
  TargetState,
} from './types.ts';

/**
 * Decides what every cluster is to have: the one seam through which a change passes (design/30, rule 14). Pure, idempotent on
 * its own result and on the result read back from JSON; reports that come twice, late or out of order change nothing.
 * What did not change is the same object as before. `now` is Unix milliseconds.
 */
export function advance(state: HubState, facts: HubFacts, now: number): Advanced {
  const { index } = facts;
  // Without a Fleet that was ever valid nothing is known about anything: all stays as it is.
  if (!index.fleet) return { state, effects: [] };
  const versions = versionsByPlacement(index);
  const inputs = { clusters: state.clusters, facts, now };
  const lines: Record<string, HubState['lines'][string]> = {};
  for (const placement of new Set([...Object.keys(state.lines), ...index.placements.keys()])) {
    const line = advanceLine(placement, state.lines[placement], versions.get(placement) ?? NONE, inputs);
    if (line) lines[placement] = line;
  }

  const clusters: Record<string, ClusterState> = {};
  const keeps = (cluster: string) => index.clusters.size === 0 || index.unreadable.clusters.has(cluster);
  for (const cluster of Object.keys(state.clusters)) {
    if (!index.clusters.has(cluster) && keeps(cluster)) clusters[cluster] = state.clusters[cluster]!;
  }
  for (const cluster of index.clusters.keys()) {
    clusters[cluster] = advanceCluster(cluster, state.clusters[cluster], lines, facts, now);
  }

  const next = sameMembers(state, { lines, clusters }) ? state : { lines, clusters };
  const effects: Effect[] = [];
  for (const cluster of Object.keys(clusters)) {
    if ((state.clusters[cluster]?.epoch ?? 0) === clusters[cluster]!.epoch) continue;
    const document = documentOf(next, cluster);
    if (document) effects.push({ kind: 'publish', cluster, document });
  }
  return { state: next, effects };
}

const NONE: Versions = new Map();

/**
 * The document of a cluster gets a new epoch when its content changes, or when the agent has seen a later one: then this hub
 * has lost state, and is to be obeyed all the same. Without state nothing is published before the agent was heard.
 */
function advanceCluster(
  cluster: string,
  was: ClusterState | undefined,
  lines: HubState['lines'],
  { index, heard }: HubFacts,
  now: number,
): ClusterState {
  const basis = basisOf(index, cluster, lines);
  const stays = was && !index.abandoned?.has(was.head) && isSame(decidedFrom.get(was), basis);
  const content = stays ? was : contentFor(cluster, was, lines, index);
  const last = was?.epoch ?? 0;
  const told = heard.get(cluster);
  const numbers = { epoch: last, issuedAt: was?.issuedAt ?? 0 };
  const due =
    last === 0 ? told !== undefined : content.contentHash !== was?.contentHash || (told ?? 0) > last;
  if (due) {
    numbers.epoch = Math.max(now, last + 1, (told ?? 0) + 1);
    numbers.issuedAt = now;
  }
  const { headHash, head, contentHash } = content;
  const next = { ...numbers, headHash, head, contentHash };
  const result = was && sameMembers(was, next) ? was : next;
  decidedFrom.set(result, basis);
  return result;
}

function contentFor(
  cluster: string,
  was: ClusterState | undefined,
  lines: HubState['lines'],
  index: IndexSnapshot,
): Pick<ClusterState, 'headHash' | 'head' | 'contentHash'> {
  const assigned = Object.keys(lines).filter((name) => lines[name]?.targets[cluster]?.removal === undefined);
  const placements = assigned.filter((name) => lines[name]?.targets[cluster]).sort();
  const headHash = atOnceHash(index, cluster, placements) ?? was?.headHash ?? '';
  const stays = was?.headHash === headHash && !index.abandoned?.has(was.head);
  const head = stays ? was.head : index.head.oid;
  return { headHash, head, contentHash: contentHash(contentOf(lines, cluster, head)) };
}

/** Everything that the content of a cluster's document follows from. Hashing it for every cluster at every report would be dear. */
type Basis = {
  readonly entry: unknown;
  readonly atOnce: string;
  /** Those that the cluster has, by line; a target belongs to one line for good. */
  readonly targets: readonly TargetState[];
};
const decidedFrom = new WeakMap<ClusterState, Basis>();

function basisOf(index: IndexSnapshot, cluster: string, lines: HubState['lines']): Basis {
  const targets: TargetState[] = [];
  for (const placement in lines) {
    const target = lines[placement]!.targets[cluster];
    if (target) targets.push(target);
  }
  return { entry: index.clusters.get(cluster)?.document, atOnce: atOnceOfAll(index), targets };
}

function isSame(a: Basis | undefined, b: Basis): boolean {
  return (
    a !== undefined &&
    a.entry === b.entry &&
    a.atOnce === b.atOnce &&
    a.targets.length === b.targets.length &&
    a.targets.every((target, at) => target === b.targets[at])
  );
}

/** Rows by placement; computed once for a snapshot's assignments, which never change. */
const grouped = new WeakMap<object, Map<string, Map<string, AssignmentVersion | undefined>>>();

function versionsByPlacement({ assignments }: IndexSnapshot): ReadonlyMap<string, Versions> {
  let groups = grouped.get(assignments);
  if (groups) return groups;
  groups = new Map();
  for (const [key, { version }] of assignments) {
    const slash = key.indexOf('/');
    const placement = key.slice(slash + 1);
    let group = groups.get(placement);
    if (!group) {
      group = new Map();
      groups.set(placement, group);
    }
    group.set(key.slice(0, slash), version);
  }
  grouped.set(assignments, groups);
  return groups;
}

/** Equal to the depth of two for state, of one for the rest: members are identical or themselves compared. */
function sameMembers<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(b) as (keyof T)[];
  if (Object.keys(a).length !== keys.length) return false;
  return keys.every((key) => {
    const [one, other] = [a[key], b[key]];
    if (Object.is(one, other)) return true;
    if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
    const names = Object.keys(other);
    return (
      names.length === Object.keys(one).length &&
      names.every((name) =>
        Object.is((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
      )
    );
  });
}
