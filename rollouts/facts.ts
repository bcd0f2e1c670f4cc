import type { Strategy } from '#proto/stages.ts';

/**
 * What the stage machine looks at besides its own state. Everything is a snapshot that does not change; hub and rehearsal
 * build it from what they know. Names ending in `At` are Unix milliseconds, names with `hub` are hub time: milliseconds
 * in which the hub was connected and had caught up.
 */

/** What a version gives one cluster. */
export type Content = {
  readonly digest: string;
  readonly entryRevision: string;
  /** Where it is read, if not at the version's own revision: what cannot be read there stays what it was before. */
  readonly revision?: string;
};

/** A placement's map cluster → digest over today's clusters, named by the first revision that has it. */
export type Version = {
  readonly revision: string;
  /** Place on the branch: what is younger is greater, over all placements. */
  readonly at: number;
  /** Clusters that it selects; a cluster that is absent has the placement removed. */
  readonly contents: ReadonlyMap<string, Content>;
  /** Who wrote the commits since the version before: whom `notAuthor` keeps from approving. */
  readonly authors: readonly string[];
};

export type ClusterFacts = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Why nothing may be written there, in words: suspended, observing. */
  readonly blocked?: string;
  /** The newest commit that created or relabelled its entry: where a removal has it read. */
  readonly entryRevision?: string;
};

/** What an agent last said about a placement. */
export type Report = {
  /** The attempt it echoes; reports for another one never count. */
  readonly attempt: number;
  readonly digest?: string;
  readonly phase: 'applying' | 'verifying' | 'current' | 'failed' | 'removed';
  readonly message?: string;
};

/** What a webhook answered; `away` when it did not, all tries over. */
export type Answer = { readonly says: 'yes' | 'no' | 'away'; readonly message?: string };

export type PlacementFacts = {
  /** In force at the newest head. */
  readonly strategy: Strategy;
  /** In branch order, oldest first; neighbours differ. The last one is that of the head. */
  readonly versions: readonly Version[];
  /** Placements that must be Current on a cluster before this one starts there. */
  readonly dependsOn: readonly string[];
  /** Cluster → why this placement may not move there, in words: a removal that awaits approval, an invalid document. */
  readonly blocked: ReadonlyMap<string, string>;
};

export type FleetFacts = {
  /** In order of names. */
  readonly clusters: readonly ClusterFacts[];
  /** Clusters whose entry cannot be read: they are in no stage, and what they have stays. */
  readonly unreadable?: ReadonlySet<string>;
  readonly placements: ReadonlyMap<string, PlacementFacts>;
  /** Placement → cluster → newest report. */
  readonly reports: ReadonlyMap<string, ReadonlyMap<string, Report>>;
  /** Clusters that missed three heartbeats, or were never heard. */
  readonly unreachable: ReadonlySet<string>;
  /** Clusters of which it is not known yet what they have: nothing begins there, and nobody is judged for it. */
  readonly unheard?: ReadonlySet<string>;
  /** Whether hub time runs: the bus is there, statuses were read again, and three heartbeats have passed since. */
  readonly counting: boolean;
  /** Webhook request → answer. */
  readonly answers: ReadonlyMap<string, Answer>;
};

/** Whether what a placement depends on is there. */
export type Dependency =
  | { readonly is: 'ready' }
  | { readonly is: 'waiting' | 'blocked'; readonly reason: string };

/** What one line looks at: its share of the fleet's facts. */
export type LineFacts = PlacementFacts & {
  readonly placement: string;
  readonly clusters: readonly ClusterFacts[];
  readonly unreadable: ReadonlySet<string>;
  readonly reports: ReadonlyMap<string, Report>;
  readonly hub: number;
  /** Cluster → hub time since which it is unreachable. */
  readonly silent: ReadonlyMap<string, number>;
  readonly unheard?: ReadonlySet<string> | undefined;
  /** How many clusters were connected, and which of them were lost within `BUS_SPAN` of hub time. */
  readonly bus: { readonly connected: number; readonly lost: readonly string[] };
  /** Why nothing may be written on a cluster: held, suspended, observing, a deletion to approve. */
  blockedBy(cluster: string): string | undefined;
  /** Why nothing new may start on a cluster. */
  frozenBy(cluster: string): string | undefined;
  dependency(cluster: string, version: Version): Dependency;
  readonly answers: ReadonlyMap<string, Answer>;
};
