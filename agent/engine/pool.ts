/**
 * Runs `work` on every item, at most `width` at a time, in order of the items. The first rejection ends it after the running ones
 * have ended; work that can fail on one item alone returns its error instead.
 */
export async function eachOf<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failed: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); !next.done && !failed; next = rest.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failed) throw failed.error;
}

/** One after the other per key; different keys do not wait for each other. */
export class Lanes {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const turn = Promise.withResolvers<void>();
    this.#tails.set(key, turn.promise);
    await before;
    try {
      return await work();
    } finally {
      if (this.#tails.get(key) === turn.promise) this.#tails.delete(key);
      turn.resolve();
    }
  }

  busy(key: string): boolean {
    return this.#tails.has(key);
  }
}
