import type { Status } from '#proto/messages.ts';

/** Characters of keys that are remembered; beyond it everything is begun anew, and what was shared before stays shared. */
const MOST_CHARACTERS = 16_000_000;

/**
 * Keeps what statuses have alike once. Clusters that run the same version report the same objects, counts and digests: of a
 * status of 2 kB a few hundred bytes are its own. What comes out equals what goes in, and must not be written to.
 */
export class StatusPool {
  readonly #known = new Map<string, unknown>();
  readonly #most: number;
  #characters = 0;

  constructor(most = MOST_CHARACTERS) {
    this.#most = most;
  }

  compact(status: Status): Status {
    const { cluster, placement, objects, counts, truncated, faults, attempted, applied, renderHash } = status;
    return {
      ...status,
      cluster: this.#one(cluster),
      placement: this.#one(placement),
      objects: this.#one(objects),
      counts: this.#one(counts),
      truncated: this.#one(truncated),
      faults: this.#one(faults),
      ...(attempted && { attempted: this.#one(attempted) }),
      ...(applied && { applied: this.#one(applied) }),
      ...(renderHash !== undefined && { renderHash: this.#one(renderHash) }),
    };
  }

  #one<T>(value: T): T {
    const key = JSON.stringify(value);
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    this.#characters += key.length;
    if (this.#characters > this.#most) {
      this.#known.clear();
      this.#characters = key.length;
    }
    this.#known.set(key, value);
    return value;
  }
}
