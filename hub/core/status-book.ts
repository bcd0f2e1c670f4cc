import type { Status } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { agentReport } from './agent-report.ts';
import type { AgentReport } from './types.ts';

/** Placements of one cluster that are kept though Git names none of them: an agent can name as many as it likes. */
export const MOST_UNNAMED = 500;

type Known = { readonly seq: number; readonly removed: boolean };

/**
 * The newest report of every assignment, as far as decisions need it. Older ones (`seq`) are dropped. Placements that Git names are kept
 * all, of others so many for each cluster; those that said they were removed make room first.
 */
export class StatusBook {
  readonly #isNamed: (placement: string) => boolean;
  readonly #most: number;
  readonly #reports = new Map<string, Map<string, AgentReport>>();
  readonly #byCluster = new Map<string, Map<string, Known>>();

  /** `isNamed`: whether Git names a placement, or has until now. */
  constructor(isNamed: (placement: string) => boolean, most = MOST_UNNAMED) {
    this.#isNamed = isNamed;
    this.#most = most;
  }

  /** By placement and cluster; a view that changes with the book. */
  get reports(): ReadonlyMap<string, ReadonlyMap<string, AgentReport>> {
    return this.#reports;
  }

  /** Whether there is room for a placement of a cluster, after one that is removed has made it. */
  admits(cluster: string, placement: string): boolean {
    const of = this.#byCluster.get(cluster);
    if (!of || of.has(placement) || of.size < this.#most || this.#isNamed(placement)) return true;
    const unnamed = [...of].filter(([name]) => !this.#isNamed(name));
    if (unnamed.length < this.#most) return true;
    const [gone] = unnamed.find(([, { removed }]) => removed) ?? [];
    if (gone === undefined) return false;
    of.delete(gone);
    this.#drop(cluster, gone);
    return true;
  }

  /** False when it is not newer than what is known, or when there is no room for it. */
  take(status: Status): boolean {
    const { cluster, placement, seq, removed = false } = status;
    if (!this.admits(cluster, placement)) return false;
    const of = this.#byCluster.get(cluster) ?? new Map<string, Known>();
    if (seq <= (of.get(placement)?.seq ?? -1)) return false;
    this.#byCluster.set(cluster, of.set(placement, { seq, removed }));
    const reports = this.#reports.get(placement) ?? new Map<string, AgentReport>();
    this.#reports.set(placement, reports.set(cluster, agentReport(status)));
    return true;
  }

  /** What a heartbeat's `statusHash` must be for the hub to have everything. */
  hashOf(cluster: string): string {
    const newest = new Map<string, number>();
    for (const [placement, { seq, removed }] of this.#byCluster.get(cluster) ?? []) {
      if (!removed) newest.set(placement, seq);
    }
    return statusSetHash(newest);
  }

  /** Lets go of a cluster that has no entry any more. */
  forget(cluster: string): void {
    for (const placement of this.#byCluster.get(cluster)?.keys() ?? []) this.#drop(cluster, placement);
    this.#byCluster.delete(cluster);
  }

  clusters(): Iterable<string> {
    return this.#byCluster.keys();
  }

  #drop(cluster: string, placement: string): void {
    const reports = this.#reports.get(placement);
    reports?.delete(cluster);
    if (reports?.size === 0) this.#reports.delete(placement);
  }
}
