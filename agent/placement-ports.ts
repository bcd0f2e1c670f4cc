import type { Logger } from 'pino';
import type { Mark } from '#process/markers.ts';
import type { Policy } from '#proto/assignment.ts';
import type { Fault } from '#proto/faults.ts';
import type { DesiredAssignment, DesiredRemoval } from '#proto/messages.ts';
import type { Removal } from './core/removal.ts';
import type { ApplyResult, Assignment, Policy as EnginePolicy, PlacementSnapshot } from './engine/ports.ts';
import type { Rendered } from './state/bundle.ts';
import type { StateStore } from './state/store.ts';

/** The engine of this cluster, as far as one placement is concerned. */
export interface Engine {
  /** Takes down what a placement is to have, before anything is written: so objects can move between placements. */
  intend(assignment: Assignment, signal: AbortSignal): Promise<void>;
  /** Resolves when the apply is over; what failed is tried again by the engine itself. */
  apply(assignment: Assignment, signal: AbortSignal): Promise<ApplyResult>;
  /** Prunes what an apply with `keepStale` left. */
  prune(placement: string, signal: AbortSignal): Promise<ApplyResult>;
  /** Takes everything of the placement away that its inventory names, or that is known to have been applied. */
  retire(
    placement: string,
    known: Rendered['objects'],
    policy: EnginePolicy,
    signal: AbortSignal,
  ): Promise<ApplyResult>;
  setPolicy(placement: string, policy: EnginePolicy): void;
  snapshot(placement: string): PlacementSnapshot | undefined;
  /** No longer enforces it; nothing in the cluster changes. */
  forget(placement: string): void;
}

/** A version ready to be applied; `policy` is the one at its own revision, for where no newer one is known. */
export type Made = { rendered: Rendered; prune: boolean; policy: Policy };

/** Where Git is to say that a placement leaves: the placement at `revision`, the cluster's entry at `entryRevision`. */
export type RemovedAt = Pick<DesiredRemoval, 'revision' | 'entryRevision'>;

/** What a version is made from: Git, the digest, the renderer. */
export interface Source {
  render(wanted: DesiredAssignment, signal: AbortSignal): Promise<Made>;
  /** @throws FlotillaError removal-not-in-git */
  confirmRemoval(
    placement: string,
    at: RemovedAt,
    applied: string | undefined,
    signal: AbortSignal,
  ): Promise<Removal>;
}

/** @throws FlotillaError tenancy-refused */
export type Guard = (
  placement: string,
  objects: Rendered['objects'],
  allow: Policy['allow'],
  signal: AbortSignal,
) => Promise<void>;

/** Who is told of what happens here, and who knows the neighbours. */
export interface Surroundings {
  /** Something that a status shows has changed. */
  changed(placement: string): void;
  /** Resolves when the hub's server has a status with this attempt. */
  echoed(placement: string, attempt: number, signal: AbortSignal): Promise<void>;
  /** Placements that have to be ready before the first installation of this one. */
  waitsFor(placement: string): readonly string[];
  /** Resolves when the other placements of the same document have taken down what they are to have, or cannot yet. */
  othersIntend(placement: string, signal: AbortSignal): Promise<void>;
  /** The last number given to a status: kept with what is saved anyway. */
  lastSeq(): number;
  event(type: 'APPLY_STARTED' | 'APPLY_SUCCEEDED' | 'APPLY_FAILED', revision: string, message: string): void;
}

export type PlacementParts = {
  engine: Engine;
  source: Source;
  guard: Guard;
  store: StateStore;
  surroundings: Surroundings;
  mark: Mark;
  retry: { first: number; most: number };
  log: Logger;
};

/** What is in force at once for one placement. */
export type Terms = {
  policy: Policy | undefined;
  approvals: readonly string[];
  /** Nothing is written and nothing new is started. */
  stopped: { state: 'SUSPENDED' | 'HELD'; reason: string } | undefined;
  observe: boolean;
};

/** What a status is made from, beside the engine's snapshot. */
export type PlacementView = {
  attempt: number;
  attempted: { revision: string; digest: string } | undefined;
  applied: { revision: string; digest: string } | undefined;
  renderHash: string | undefined;
  terms: Terms;
  obstacle: Fault | undefined;
  /** Whether the obstacle is expected to go away by itself. */
  passing: boolean;
  waiting: string | undefined;
  /** A wanted version has not reached the engine: what the engine says is about another one. */
  starting: boolean;
  /** Faults that stop nothing. */
  notes: readonly Fault[];
  removing: boolean;
  removed: boolean;
  /** The wanted version runs, or nothing is wanted but what runs. */
  current: boolean;
};
