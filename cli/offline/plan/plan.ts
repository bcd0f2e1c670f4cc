import type { ApprovingCommit } from '#proto/removals.ts';
import type { DocumentChange } from './documents.ts';
import type { StageMove } from './stage-moves.ts';

/** What a commit, or what is in hand, would do to a fleet. The JSON of `flotilla plan`: members are added, never renamed. */
export type Plan = {
  readonly from: PlanSide;
  readonly to: PlanSide;
  /** Of entries, whatever is placed on them. `changed` is how they are treated: mode, suspend, decommission, agent keys. */
  readonly clusters: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly { readonly cluster: string; readonly why: readonly string[] }[];
  };
  /** The Fleet, strategies, Access and Values that say something else. */
  readonly documents: readonly DocumentChange[];
  readonly placements: readonly PlacementPlan[];
};

export type PlanSide = { readonly name: string; readonly revision: string | null };

/** One cluster whose digest changes; `stage` is null where its strategy has none for it. */
export type Change = {
  readonly cluster: string;
  readonly stage: string | null;
  readonly why: readonly string[];
};

export type PlacementPlan = {
  readonly placement: string;
  readonly file: string;
  /** Of the document; `invalid` is not valid at the end: everything stays as it is. */
  readonly document: 'unchanged' | 'changed' | 'added' | 'removed' | 'invalid';
  readonly strategy: string | null;
  /** The strategy before; as `strategy` where the placement was not there. */
  readonly strategyBefore: string | null;
  /** The stages of the strategy, in order. */
  readonly stages: readonly string[];
  /** Clusters that keep the placement and are in another stage of it. */
  readonly moved: readonly StageMove[];
  /** What agents do otherwise with what is there; no digest, and so no version, comes of it. */
  readonly policy: readonly string[];
  readonly changed: readonly Change[];
  /** Clusters that get the placement, and those that lose it. */
  readonly joined: readonly Change[];
  readonly left: readonly Change[];
  /** Assignments that cannot be had at the end and stay as they are. */
  readonly held: readonly { readonly cluster: string; readonly code: string; readonly message: string }[];
  readonly unchanged: number;
  /** Clusters that are not selected, by reason. */
  readonly unmatched: readonly {
    readonly why: string;
    readonly count: number;
    readonly clusters: readonly string[];
  }[];
  /** That clusters leave at once waits for an approval, which is not given yet. */
  readonly approval: { readonly setHash: string; readonly commit: ApprovingCommit } | null;
  readonly warnings: readonly string[];
};

export const isEmpty = ({ clusters, documents, placements }: Plan): boolean =>
  documents.length === 0 &&
  clusters.added.length === 0 &&
  clusters.removed.length === 0 &&
  clusters.changed.length === 0 &&
  placements.every(
    ({ changed, joined, left, moved, policy, strategy, strategyBefore }) =>
      changed.length + joined.length + left.length + moved.length + policy.length === 0 &&
      strategy === strategyBefore,
  );
