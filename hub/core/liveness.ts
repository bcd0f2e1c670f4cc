/**
 * Who has been silent for how long, in hub time: time in which the hub itself was connected and had settled. A hub that was
 * cut off judges nobody for it. Times are passed in, milliseconds.
 */
export class Liveness {
  readonly #offlineAfterMs: number;
  readonly #settleMs: number;
  readonly #heardAt = new Map<string, number>();
  readonly #offline = new Set<string>();
  #hubTime = 0;
  #last: number | undefined;
  #connectedFor = 0;

  /** `settleMs`: how long after a (re)connect hub time stands still; three heartbeats. */
  constructor(options: { offlineAfterMs: number; settleMs: number }) {
    this.#offlineAfterMs = options.offlineAfterMs;
    this.#settleMs = options.settleMs;
  }

  get offline(): ReadonlySet<string> {
    return this.#offline;
  }

  /** True when the cluster was offline. */
  heard(cluster: string): boolean {
    this.#heardAt.set(cluster, this.#hubTime);
    return this.#offline.delete(cluster);
  }

  /** Time passes; `clusters` are those that have an entry. True when somebody has become offline. */
  tick(now: number, connected: boolean, clusters: Iterable<string>): boolean {
    const passed = this.#last === undefined ? 0 : Math.max(0, now - this.#last);
    this.#last = now;
    this.#connectedFor = connected ? this.#connectedFor + passed : 0;
    if (this.#connectedFor <= this.#settleMs) return false;
    this.#hubTime += passed;
    let changed = false;
    for (const cluster of clusters) {
      const heardAt = this.#heardAt.get(cluster);
      if (heardAt === undefined) this.#heardAt.set(cluster, this.#hubTime);
      else if (this.#hubTime - heardAt >= this.#offlineAfterMs && !this.#offline.has(cluster)) {
        this.#offline.add(cluster);
        changed = true;
      }
    }
    return changed;
  }

  /** Lets go of a cluster that has no entry any more. */
  forget(cluster: string): void {
    this.#heardAt.delete(cluster);
    this.#offline.delete(cluster);
  }
}
