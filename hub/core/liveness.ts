/**
 * Who has been silent for how long, in time in which the hub itself was connected and had settled. A hub that was cut off judges
 * nobody for it. Times are passed in, milliseconds.
 */
export class Liveness {
  readonly #patienceMs: number;
  readonly #settleMs: number;
  /** Of whom nothing was heard yet: since when it could have been. */
  readonly #heardAt = new Map<string, number>();
  readonly #heard = new Set<string>();
  readonly #unreachable = new Set<string>();
  #hubTime = 0;
  #last: number | undefined;
  #connectedFor = 0;

  /** `patienceMs`: silence that is normal. `settleMs`: how long after a (re)connect time stands still. Both three heartbeats. */
  constructor(options: { patienceMs: number; settleMs: number }) {
    this.#patienceMs = options.patienceMs;
    this.#settleMs = options.settleMs;
  }

  /** Silent for longer than that; a view that changes. */
  get unreachable(): ReadonlySet<string> {
    return this.#unreachable;
  }

  /** Whether hub time runs: connected for long enough to have heard of everybody. */
  get settled(): boolean {
    return this.#connectedFor > this.#settleMs;
  }

  /** Whom an earlier hub found unreachable: they are until they are heard. */
  remember(clusters: Iterable<string>): void {
    for (const cluster of clusters) if (!this.#heard.has(cluster)) this.#unreachable.add(cluster);
  }

  /** True when the cluster was unreachable. */
  heard(cluster: string): boolean {
    this.#heardAt.set(cluster, this.#hubTime);
    this.#heard.add(cluster);
    return this.#unreachable.delete(cluster);
  }

  /** Time passes; `clusters` are those that have an entry. True when somebody has become unreachable, or time has begun to run. */
  tick(now: number, connected: boolean, clusters: Iterable<string>): boolean {
    const was = this.settled;
    const passed = this.#last === undefined ? 0 : Math.max(0, now - this.#last);
    this.#last = now;
    this.#connectedFor = connected ? this.#connectedFor + passed : 0;
    if (!this.settled) return was;
    this.#hubTime += passed;
    let changed = !was;
    for (const cluster of clusters) {
      const heardAt = this.#heardAt.get(cluster);
      if (heardAt === undefined) this.#heardAt.set(cluster, this.#hubTime);
      else if (this.#hubTime - heardAt >= this.#patienceMs && !this.#unreachable.has(cluster)) {
        this.#unreachable.add(cluster);
        changed = true;
      }
    }
    return changed;
  }

  /** Lets go of a cluster that has no entry any more. */
  forget(cluster: string): void {
    this.#heardAt.delete(cluster);
    this.#heard.delete(cluster);
    this.#unreachable.delete(cluster);
  }
}
