import type { Commit } from '#git/objects.ts';
import type { Access } from '#proto/documents/access.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { FaultCode } from '#proto/faults.ts';
import type { AgentEvent, DesiredPayload, Heartbeat, Hello, Status } from '#proto/messages.ts';
import type { Problem } from '#proto/problems.ts';
import type { Strategy } from '#proto/stages.ts';
import type { Advanced as FleetAdvanced, Effects as FleetEffects, FleetEvent } from '#rollouts/advance.ts';
import type { FleetFacts, Report, Version } from '#rollouts/facts.ts';
import type { Had } from '#rollouts/recover.ts';
import { EMPTY_FLEET, type FleetState, type Run } from '#rollouts/state.ts';
import type { AuditRow } from './audit-reader.ts';

/**
 * The seams of the hub: what the index hands to decisions and to readers, what `advance` decides, and the port of the
 * read model. Revisions are full Git object ids; names ending in `At` are Unix milliseconds by the hub's clock.
 */

/** Whether something outside answers. `message` is why not, in words. */
export type Reachability = {
  readonly ok: boolean;
  readonly lastOkAt?: number;
  readonly code?: FaultCode;
  readonly message?: string;
};

/** A document in force: the one at the head, or the last valid one where the head's is invalid (`invalid`). */
export type Effective<T> = {
  readonly document: T;
  /** Path in the repository, as at the revision that the document was read at. */
  readonly file: string;
  /** A first-parent revision at which the document reads like this and was valid. */
  readonly revision: string;
  readonly invalid: boolean;
};

export type EffectiveCluster = Effective<Cluster> & {
  /** The commit that created the entry, as far back as the history that was walked. */
  readonly enrolledBy: Commit;
  /** The newest commit that created or relabelled the entry, as far back as the history that was walked. */
  readonly relabelledAt: string;
};

export type EffectivePlacement = Effective<Placement> & {
  /**
   * In branch order, oldest first; neighbours differ, and the last is that of the head. What did not change is the same array of the
   * same objects as in the snapshot before. Empty while nothing of it could ever be read.
   */
  readonly versions: readonly Version[];
  /** Its own or the Fleet's, as in force at the head; the same object for the same document. */
  readonly strategy: Strategy;
};

/** A placement that was deleted in Git and may still be removed somewhere. */
export type RetiredPlacement = {
  /** As it last was. */
  readonly document: Placement;
  readonly file: string;
  /** The last one has no contents. */
  readonly versions: readonly Version[];
  /** As it last was. */
  readonly strategy: Strategy;
};

/** Where a digest is read from: staged fields and content at `revision`, the entry at `entryRevision`. */
export type AssignmentVersion = {
  readonly revision: string;
  readonly entryRevision: string;
  readonly digest: string;
};

/** One placement on one cluster that it selects. */
export type IndexedAssignment = {
  /** As resolved for `version`; at the head where it could never be resolved wholly. */
  readonly assignment: { readonly path: string; readonly namespace?: string | undefined } | undefined;
  /** The newest that could be resolved and digested; undefined while there never was one. */
  readonly version: AssignmentVersion | undefined;
  /** Files that the overlay and its components read. */
  readonly files: number;
  /** Why it does not advance to the head; the same object stands in `problems`. */
  readonly problem?: IndexProblem;
};

/** A problem of the fleet repo or of following it, with the moment this hub first saw it. */
export type IndexProblem = Problem & { readonly since: number };

/** Of every assignment, by `assignmentKey`: a map that makes its values when they are asked for. */
export interface Assignments
  extends Pick<
    ReadonlyMap<string, IndexedAssignment>,
    'size' | 'has' | 'get' | 'keys' | typeof Symbol.iterator
  > {
  ofCluster(cluster: string): Iterable<readonly [placement: string, indexed: IndexedAssignment]>;
  /** Clusters whose assignments have another digest or problem than in an earlier snapshot; undefined where that is not known. */
  changedSince(before: Assignments): ReadonlySet<string> | undefined;
}

/** What Git says, at one moment, for decisions and readers. Immutable: each change makes a new one. */
export type IndexSnapshot = {
  readonly repository: { readonly url: string; readonly branch: string };
  readonly head: Commit;
  readonly indexedAt: number;
  /** `metadata.name` of the Fleet in force; undefined while none was ever valid. */
  readonly fleetName: string | undefined;
  readonly fleet: Effective<Fleet> | undefined;
  readonly clusters: ReadonlyMap<string, EffectiveCluster>;
  readonly placements: ReadonlyMap<string, EffectivePlacement>;
  /** By name, disjoint from `placements`. */
  readonly retired: ReadonlyMap<string, RetiredPlacement>;
  readonly access: ReadonlyMap<string, Effective<Access>>;
  /** By `assignmentKey`. A row means: the documents in force select this cluster. */
  readonly assignments: Assignments;
  /** Commits of a history that was rewritten, and the rewrite acknowledged: they are not on the branch any more. */
  readonly abandoned?: ReadonlySet<string>;
  /** Names whose document is invalid now and was valid at no revision that was walked: what they had stays as it is. */
  readonly unreadable: { readonly clusters: ReadonlySet<string>; readonly placements: ReadonlySet<string> };
  readonly problems: readonly IndexProblem[];
  /** First-parent history, newest first, bounded. */
  readonly commits: readonly Commit[];
  /** The commits of `commits` and every other that the snapshot names, by object id. */
  readonly commitsById: ReadonlyMap<string, Commit>;
  readonly git: Reachability;
};

export const assignmentKey = (cluster: string, placement: string) => `${cluster}/${placement}`;

// ---- what `advance` decides; plain JSON, saved between runs

/** What a cluster is told of a placement; `digest` null: it is to be removed. */
export type Told = Pick<Run, 'revision' | 'readAt' | 'entryRevision' | 'digest' | 'attempt'>;

/** A removal that waits for an approval; see `removal-guard.ts`. */
export type HeldRemoval = {
  /** What the approving commit names. */
  readonly setHash: string;
  readonly since: number;
  /** Assignments that wait for it, those that left since the last approval, and the set that both are compared with. */
  readonly leaving: number;
  readonly left: number;
  readonly of: number;
};

/** What Git takes away from a placement: what of it may go, and what waits. */
export type PlacementRemovals = {
  /** Clusters whose removal was let go and is not over, and when. */
  readonly released?: Readonly<Record<string, number>>;
  /** Clusters whose removal was let go without an approval since the last one, and when. */
  readonly left?: Readonly<Record<string, number>>;
  /** Waits for an approval: those clusters run on as they are. */
  readonly held?: HeldRemoval & { readonly clusters: readonly string[] };
};

/** An order to remove a placement from a cluster that leaves the fleet as a whole. */
export type Leave = {
  readonly revision: string;
  readonly attempt: number;
  readonly since: number;
  readonly done?: true;
};

/** What the hub last decided for a cluster's desired document, besides what the lines say. */
export type ClusterState = {
  /** Of the current document; 0 while none may be published (no hello yet). */
  readonly epoch: number;
  readonly issuedAt: number;
  /** Hash of what the cluster reads at once, and the newest revision at which it differed. */
  readonly headHash: string;
  readonly head: string;
  /** Hash of the document without epoch and issuedAt. */
  readonly contentHash: string;
  /** By placement, what a cluster that only observes is shown: no stage waits for it, so that it has no part in any. */
  readonly observed?: Readonly<Record<string, Told>>;
  /** By placement, under `decommission: prune`: approved by that, outside of all stages. */
  readonly leaving?: Readonly<Record<string, Leave>>;
  /**
   * Placements whose revision is not on the branch any more after a rewrite that was acknowledged, and Git has no other for them. No
   * agent would accept a document that names it; one that leaves it out makes them keep and enforce what they have.
   */
  readonly offBranch?: readonly string[];
};

export type HubState = {
  /** Lines by placement, and everything that the stage machine remembers besides. */
  readonly fleet: FleetState;
  /** By placement. */
  readonly removals: Readonly<Record<string, PlacementRemovals>>;
  /** By cluster. */
  readonly clusters: Readonly<Record<string, ClusterState>>;
  /** Saved entries that could not be read; never saved. The next decision takes what they held for lost. */
  readonly unreadable?: readonly string[];
};

export const EMPTY_STATE: HubState = { fleet: EMPTY_FLEET, removals: {}, clusters: {} };

/** What `advance` looks at besides its state. */
export type HubFacts = Pick<FleetFacts, 'unreachable' | 'counting' | 'answers'> & {
  readonly index: IndexSnapshot;
  /** Cluster → highest epoch that its agent has told; absent while nothing was heard since this hub started. */
  readonly heard: ReadonlyMap<string, number>;
  /** Placement → cluster → newest report. */
  readonly reports: ReadonlyMap<string, ReadonlyMap<string, AgentReport>>;
  /** Whether every status that the agent has was heard, by the hash that it told last. */
  isWhole(cluster: string): boolean;
};

/** What an agent last said about a placement, as far as decisions need it. */
export type AgentReport = Report &
  Pick<Had, 'applied' | 'attempted'> & {
    /** What it was to prune waits for an approval, in words. */
    readonly heldBack?: string;
  };

/** What may have changed since the last decision; everything where it is not known. */
export type Only = {
  /** Of which something was heard; all of them where somebody has come back or fallen silent. */
  readonly placements: ReadonlySet<string> | 'all';
  /** Of whose document something was heard. */
  readonly clusters: ReadonlySet<string>;
};

/** To be carried out only after the state they follow from is saved; repeatable. */
export type Effect = {
  readonly kind: 'publish';
  readonly cluster: string;
  readonly document: DesiredPayload;
};

export type Advanced = {
  readonly state: HubState;
  readonly effects: readonly Effect[];
  /** What the stage machine looked at, for readers. */
  readonly facts: FleetFacts | undefined;
} & Pick<FleetEffects, 'events' | 'requests'> &
  Pick<FleetAdvanced, 'wakes'>;

/**
 * The read model, fed by the hub, never asked by it. Calls come one at a time; messages have been checked against their
 * schema and their subject, statuses may be older than what is known (`seq`).
 */
export interface FleetView {
  setIndex(snapshot: IndexSnapshot): void;
  /** Also before the first snapshot: whether the Git server answers. */
  setGit(git: Reachability): void;
  /** `facts` are those of the decision; undefined where the state was only read. */
  setState(state: HubState, facts: FleetFacts | undefined): void;
  /** What the stage machine said, once the state that it led to was saved. */
  onFleetEvents(events: readonly FleetEvent[], at: number): void;
  /** When the newest of it was said, Unix milliseconds; 0 where nothing was. */
  readonly toldAt: number;
  /** What was said before this hub began, or while another one decided; oldest first. */
  recollect(rows: readonly AuditRow[]): void;
  setBus(bus: Reachability): void;
  /** Whether JetStream takes what is to be saved. */
  setStore(store: Reachability): void;
  /** The name of the hub that decides; undefined while none is known to. */
  setLeader(name: string | undefined): void;
  onStatus(status: Status, receivedAt: number): void;
  onHello(hello: Hello, receivedAt: number): void;
  onHeartbeat(heartbeat: Heartbeat, receivedAt: number): void;
  onEvent(event: AgentEvent, receivedAt: number): void;
  /** Time passes: about once a second. Silence is judged here. */
  tick(now: number): void;
}
