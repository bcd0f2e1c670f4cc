import {
  type EffectivePlacement,
  EMPTY_STATE,
  type HubState,
  type IndexedAssignment,
  type IndexSnapshot,
} from '../types.ts';
import { type ApprovalRow, approvalsOf } from './approvals.ts';
import { decidedOf } from './decided.ts';

/** An assignment that Git no longer has, and the approval that its removal waits for. */
export type Kept = {
  readonly placement: string;
  readonly indexed: IndexedAssignment;
  readonly approval: ApprovalRow;
};

/** What Git no longer has and what runs on until its removal is approved. */
export class Departing {
  #index: IndexSnapshot | undefined;
  #state: HubState = EMPTY_STATE;
  #approvals: ReadonlyMap<string, ApprovalRow> = new Map();

  setIndex(index: IndexSnapshot, now: number): void {
    this.#index = index;
    this.#judge(now);
  }

  setState(state: HubState, now: number): void {
    this.#state = state;
    this.#judge(now);
  }

  #judge(now: number): void {
    this.#approvals = new Map(this.approvals(now).map((row) => [row.placement, row]));
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    return this.#approvals.size === 0;
  }

  /** Deletions that wait, as they stand now. */
  approvals(now: number): ApprovalRow[] {
    return approvalsOf(this.#state, this.#index, now);
  }

  /** What a cluster has until its removal is approved. */
  keptOn(cluster: string): Kept[] {
    return [...this.#approvals.values()].flatMap((approval) => {
      const { placement } = approval;
      if (!approval.clusters.includes(cluster)) return [];
      const version = decidedOf(this.#state, placement, cluster);
      return [{ placement, approval, indexed: { assignment: undefined, version, files: 0 } }];
    });
  }

  /** A placement that is gone in Git while there is something to decide about it. */
  placement(name: string): EffectivePlacement | undefined {
    if (!this.#state.fleet.lines[name] || this.#index?.placements.has(name)) return undefined;
    const retired = this.#index?.retired.get(name);
    if (!retired) return undefined;
    const revision = retired.versions.at(-1)?.revision ?? '';
    return { ...retired, revision, invalid: false };
  }

  /** Those of which something runs on. */
  placements(): EffectivePlacement[] {
    return [...this.#approvals.keys()].flatMap((name) => this.placement(name) ?? []);
  }
}
