import type { Commit } from '#git/objects.ts';
import { committedApprovals, isInForce } from '#proto/approvals.ts';
import { guardsOf } from '#proto/assignment.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { needsApproval, removalSetHash } from '#proto/removals.ts';

/**
 * What the hub would hold of the removals of a placement, over the moments of a rehearsal in their order (ADR 6): a departure that
 * needs an approval stays, as a whole, until a commit names it or Git takes it back.
 */
export class RemovalGuard {
  readonly #placement: string;
  /** Clusters that have it, those included that are held. */
  #has: ReadonlySet<string> | undefined;
  readonly #left = new Set<string>();
  #blocked: ReadonlyMap<string, string> = new Map();

  constructor(placement: string) {
    this.#placement = placement;
  }

  /** Cluster → why it keeps what Git takes away at the moment judged last. */
  get blocked(): ReadonlyMap<string, string> {
    return this.#blocked;
  }

  judge(
    wanted: ReadonlyMap<string, unknown>,
    fleet: Fleet | undefined,
    document: Placement | undefined,
    { committer }: Commit,
  ): void {
    const had = this.#has ?? new Set<string>();
    const leaving = [...had].filter((cluster) => !wanted.has(cluster)).sort();
    for (const cluster of wanted.keys()) this.#left.delete(cluster);
    this.#blocked = new Map();
    this.#has = new Set(wanted.keys());
    if (leaving.length === 0 || !fleet) return;
    const setHash = removalSetHash(this.#placement, leaving);
    const isApproved = committedApprovals(this.#placement, fleet, document).some(
      (one) => one.removal === setHash && isInForce(one, committer.at * 1_000),
    );
    const left = this.#left.size;
    const measured = { leaving: leaving.length, staying: wanted.size, left, of: had.size + left };
    if (isApproved) this.#left.clear();
    else if (needsApproval(measured, guardsOf(fleet).maxAssignmentsRemoved, false)) {
      this.#has = new Set([...had, ...wanted.keys()]);
      this.#blocked = new Map(
        leaving.map((cluster) => [cluster, `held until removal ${setHash} is approved`]),
      );
    } else for (const cluster of leaving) this.#left.add(cluster);
  }
}
