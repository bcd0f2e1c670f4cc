import type { Status } from '#proto/messages.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { assignmentKey, type StatusFacts } from './types.ts';

/** Placements of one cluster that are kept: far more than a cluster runs, and an agent can name as many as it likes. */
const MOST_PLACEMENTS = 500;

/**
 * The newest status of every assignment, as far as decisions need it. Older ones (`seq`) are dropped, and so are placements beyond
 * what a cluster may have; those that said they were removed make room first.
 */
export class StatusBook {
  readonly #most: number;
  readonly #facts = new Map<string, StatusFacts>();
  readonly #byCluster = new Map<string, Map<string, StatusFacts>>();

  constructor(most = MOST_PLACEMENTS) {
    this.#most = most;
  }

  /** By `assignmentKey`; a view that changes with the book. */
  get facts(): ReadonlyMap<string, StatusFacts> {
    return this.#facts;
  }

  /** Whether there is room for a placement of a cluster, after one that is removed has made it. */
  admits(cluster: string, placement: string): boolean {
    const of = this.#byCluster.get(cluster);
    if (!of || of.has(placement) || of.size < this.#most) return true;
    const [removed] = [...of].find(([, { removed }]) => removed) ?? [];
    if (removed === undefined) return false;
    of.delete(removed);
    this.#facts.delete(assignmentKey(cluster, removed));
    return true;
  }

  /** False when it is not newer than what is known, or when there is no room for it. */
  take(status: Status): boolean {
    const { cluster, placement, seq, epoch, attempt, sync, health, applied, removed } = status;
    if (!this.admits(cluster, placement)) return false;
    const key = assignmentKey(cluster, placement);
    if (seq <= (this.#facts.get(key)?.seq ?? -1)) return false;
    const facts: StatusFacts = {
      seq,
      epoch,
      attempt,
      sync: sync.state,
      health: health.state,
      appliedDigest: applied?.digest,
      removed: removed ?? false,
    };
    this.#facts.set(key, facts);
    const of = this.#byCluster.get(cluster) ?? new Map<string, StatusFacts>();
    this.#byCluster.set(cluster, of.set(placement, facts));
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
    for (const placement of this.#byCluster.get(cluster)?.keys() ?? []) {
      this.#facts.delete(assignmentKey(cluster, placement));
    }
    this.#byCluster.delete(cluster);
  }

  clusters(): Iterable<string> {
    return this.#byCluster.keys();
  }
}
