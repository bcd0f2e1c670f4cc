/**
 * A map that holds at most `capacity` in weight and forgets what was not used for long. It keeps two generations: what is
 * used moves to the younger; when that has half of the capacity, the older is dropped and they change places. A use of
 * what is young costs one look-up, which a strict order of use does not manage.
 */
export class RecentlyUsed<Value> {
  readonly #half: number;
  readonly #weigh: (value: Value) => number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #weight = 0;

  constructor(capacity: number, weigh: (value: Value) => number = () => 1) {
    this.#half = capacity / 2;
    this.#weigh = weigh;
  }

  get(key: string): Value | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  /** A value that alone outweighs half of the capacity is not kept. */
  set(key: string, value: Value): void {
    const weight = this.#weigh(value);
    const before = this.#young.get(key);
    if (before !== undefined) this.#weight -= this.#weigh(before);
    this.#young.delete(key);
    this.#old.delete(key);
    if (weight > this.#half) return;
    if (this.#weight + weight > this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weight = 0;
    }
    this.#young.set(key, value);
    this.#weight += weight;
  }
}
