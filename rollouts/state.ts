import type { Selector } from '#proto/selector.ts';

/** What the stage machine remembers: plain JSON, saved between steps. */

export const TARGET_STATES = [
  'Waiting',
  'Applying',
  'Verifying',
  'Current',
  'Failed',
  'Offline',
  'Blocked',
  'Unchanged',
  'Removed',
] as const;
export type TargetState = (typeof TARGET_STATES)[number];

/** Why something was published. Only what a rollout started is evidence or a failure. */
export const PURPOSES = ['rollout', 'catch-up', 'rollback', 'pin', 'recall'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** What a cluster is to have, and how far it is: one attempt. */
export type Run = {
  /** The version it was read from, and the revision that the agent is told, unless `readAt` is another. */
  readonly revision: string;
  readonly readAt?: string;
  readonly entryRevision: string;
  /** Null: the placement is to be removed. */
  readonly digest: string | null;
  /** Unique for ever. */
  readonly attempt: number;
  readonly purpose: Purpose;
  /** Hub time. */
  readonly publishedHub: number;
  /** `started` is the echo; `stopped` is a cluster that was held, pinned or suspended under way. */
  readonly phase: 'published' | 'started' | 'current' | 'failed' | 'removed' | 'stopped';
  readonly verifying?: true;
  /** It was well, on content that its stage had passed or not at all different, when this attempt began. */
  readonly wasCurrent?: true;
  /** Hub time: reported failed without interruption since. */
  readonly failingHub?: number;
  /** Hub time: Current without interruption since, and Current for the first time. */
  readonly currentHub?: number;
  readonly reachedHub?: number;
  /** How long it has been reported not Current at a stretch after it was; silence stops the watch. */
  readonly worse?: { readonly ms: number; readonly sinceHub?: number };
  readonly regressed?: true;
  readonly failure?: string;
  /** A failure that counts against no budget. */
  readonly excused?: 'unhealthy' | 'accepted';
  /** A new attempt is due, whatever the digest. */
  readonly again?: true;
};

/** One cluster of a line. */
export type Target = {
  /** The stage that it belongs to by its labels. */
  readonly stage: string;
  readonly run?: Run;
  readonly state: TargetState;
  readonly since: number;
  readonly reason?: string;
  /** It joined its stage while that worked (on the work of this floor): no target of that work. */
  readonly late?: number;
  /** It runs something else than its stage has passed, and keeps it until the stage passes something newer. */
  readonly kept?: 'relabelled' | 'recovered' | 'aborted';
};

export type Approval = {
  readonly by: string;
  readonly groups: readonly string[];
  readonly reason?: string;
  readonly at: number;
  readonly atHub: number;
};

export type Gate = {
  /** Whom it asks (`questionOf`), since it was asked; what follows is an answer to that. */
  readonly of?: string;
  readonly openedAt?: number;
  readonly approvals?: readonly Approval[];
  readonly answer?: { readonly says: 'yes' | 'no' | 'away'; readonly message?: string };
  /** Counts anew with each `retry`: a webhook is asked again. */
  readonly round?: number;
};

export const SKIPS = ['soak', 'window', 'approval', 'webhook', 'evidence'] as const;
export type Skip = (typeof SKIPS)[number];

/** A stage at work on a version. */
export type Work = {
  readonly version: string;
  /** Attempts of this work have greater numbers. */
  readonly floor: number;
  readonly since: number;
  readonly sinceHub: number;
  readonly startedAt?: number;
  /** Equal, on all members, to something that the stage has passed. */
  readonly revert: boolean;
  /** Something was changed at some time: it does not pass for want of members. */
  readonly hadChanges: boolean;
  /** Members that became Current by it and left since. */
  readonly departed: number;
  /** Hub time at which the last of them became Current: a soak counts on from there. */
  readonly departedHub?: number;
  /** `before/0`, `after/1` → what is known of it. */
  readonly gates: Readonly<Record<string, Gate>>;
  readonly skips: readonly Skip[];
  /** What is waited for, in words. */
  readonly waiting?: string;
};

export type Stage = {
  readonly name: string;
  readonly work?: Work;
  /** Versions, newest last: back to the oldest that any stage still runs, at least five. */
  readonly passed: readonly string[];
  readonly passedAt?: number;
  readonly since: number;
};

export type Pause = {
  readonly cause: 'operator' | 'failure' | 'regression' | 'rollback' | 'recovered';
  /** It holds this stage and all later ones; without it, the line. */
  readonly stage?: string;
  readonly version?: string;
  readonly by?: string;
  readonly reason: string;
  readonly since: number;
  /** Unix milliseconds; an operator's may end by itself. */
  readonly until?: number;
  /** Stages from whose passed versions `version` was struck; `resume` gives it back. */
  readonly struck?: readonly string[];
};

export type Rollback = {
  readonly version: string;
  readonly by?: string;
  readonly reason: string;
  readonly since: number;
  /** Names of stages still to go back, the next one first. */
  readonly stages: readonly string[];
  readonly floor: number;
  /** Stages that had nothing to go back to. */
  readonly stuck: readonly string[];
};

/** Clusters, by name or by label. */
export type Whom = { readonly cluster: string } | { readonly selector: Selector };

export type Pin = {
  readonly whom: Whom;
  readonly version: string;
  readonly by: string;
  readonly reason: string;
  readonly until?: number;
};

/** How a version ended, newest last; bounded. */
export type Ended = {
  readonly version: string;
  readonly how: 'Succeeded' | 'RolledBack' | 'Failed' | 'Aborted' | 'Superseded';
  readonly at: number;
};

export type Line = {
  readonly stages: readonly Stage[];
  readonly targets: Readonly<Record<string, Target>>;
  readonly pauses: readonly Pause[];
  readonly rollback?: Rollback;
  /** Too many clusters were lost at once: the bus, not the clusters. */
  readonly bus?: { readonly since: number; readonly lost: readonly string[] };
  /** Losses that a person has looked at. */
  readonly busAccepted?: readonly string[];
  /** Cluster → digests that must not start there. */
  readonly rejected: Readonly<Record<string, readonly string[]>>;
  readonly struck: readonly string[];
  readonly aborted: readonly string[];
  readonly pins: readonly Pin[];
  /** Highest attempt ever given. */
  readonly attempt: number;
  readonly ended: readonly Ended[];
};

export type Freeze = {
  readonly whom: Whom;
  readonly by: string;
  readonly reason: string;
  readonly until?: number;
};
export type Hold = { readonly by: string; readonly reason: string; readonly until?: number };

export type FleetState = {
  /** Hub time, and when it was last looked at. */
  readonly clock: { readonly hub: number; readonly at: number; readonly running: boolean };
  /** Unreachable clusters → hub time since which, and whether they were connected before. */
  readonly silent: Readonly<Record<string, { readonly hub: number; readonly lost: boolean }>>;
  readonly lines: Readonly<Record<string, Line>>;
  readonly freezes: readonly Freeze[];
  /** By cluster. */
  readonly holds: Readonly<Record<string, Hold>>;
  /** State was lost or restored, since when, and when somebody has resumed (recover.ts). */
  readonly recovered?: { readonly since: number; readonly over?: number };
};

export const EMPTY_LINE: Line = {
  stages: [],
  targets: {},
  pauses: [],
  rejected: {},
  struck: [],
  aborted: [],
  pins: [],
  attempt: 0,
  ended: [],
};

export const EMPTY_FLEET: FleetState = {
  clock: { hub: 0, at: 0, running: false },
  silent: {},
  lines: {},
  freezes: [],
  holds: {},
};
