import { strategyOf } from '#proto/stages.ts';
import {
  type EffectivePlacement,
  EMPTY_STATE,
  type HubState,
  type IndexedAssignment,
  type IndexSnapshot,
} from '../types.ts';
import { type ApprovalRow, approvalsOf } from './approvals.ts';

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
  /** Placements as they were last in Git, for as long as something of them runs. */
  readonly #last = new Map<string, EffectivePlacement>();

  setIndex(index: IndexSnapshot, now: number): void {
    for (const [name, placement] of this.#index?.placements ?? []) this.#last.set(name, placement);
    this.#index = index;
    this.#judge(now);
  }

  setState(state: HubState, now: number): void {
    this.#state = state;
    this.#judge(now);
  }

  #judge(now: number): void {
    this.#approvals = new Map(this.approvals(now).map((row) => [row.placement, row]));
    for (const name of this.#last.keys()) if (!this.#state.lines[name]) this.#last.delete(name);
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
      const target = this.#state.lines[placement]?.targets[cluster];
      if (!target?.held) return [];
      const { revision, entryRevision, digest } = target;
      const version = { revision, entryRevision, digest };
      return [{ placement, approval, indexed: { assignment: undefined, version, files: 0 } }];
    });
  }

  /** A placement that is gone while something of it runs on; if it left while no hub looked, only its name is known. */
  placement(name: string): EffectivePlacement | undefined {
    if (!this.#approvals.has(name) || this.#index?.placements.has(name)) return undefined;
    const last = this.#last.get(name);
    if (last) return last;
    const { version } = this.#state.lines[name]!;
    const document: EffectivePlacement['document'] = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'Placement',
      metadata: { name },
      spec: { selector: {}, path: '' },
    };
    return {
      document,
      file: `placements/${name}.yaml`,
      revision: version,
      invalid: false,
      version,
      versions: [],
      strategy: strategyOf(undefined),
    };
  }

  placements(): EffectivePlacement[] {
    return [...this.#approvals.keys()].flatMap((name) => this.placement(name) ?? []);
  }
}
