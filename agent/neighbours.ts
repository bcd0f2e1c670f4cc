import { aborted } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';

/** So long a placement waits while nobody makes progress, ms. */
const PATIENCE_MS = 10_000;
const MOST_NAMED = 5;

/**
 * Which placements are about to say what they want. Who takes objects away waits for all others: an object that moves must be known to
 * its new owner before. Told at each change, so that a thousand placements that wait for each other cost one look each.
 */
export class Neighbours {
  readonly #preparing = new Set<string>();
  #progress = Promise.withResolvers<void>();

  /** What is true of one placement now. */
  note(name: string, isPreparing: boolean): void {
    if (isPreparing) this.#preparing.add(name);
    else if (this.#preparing.delete(name) && (this.#preparing.size <= 1 || this.#isLate())) {
      this.#progress.resolve();
      this.#progress = Promise.withResolvers();
    }
  }

  /** When somebody was last seen to make progress, ms. */
  #seenAt = 0;
  #isLate(): boolean {
    const now = Date.now();
    if (now - this.#seenAt < PATIENCE_MS / 4) return false;
    this.#seenAt = now;
    return true;
  }

  /**
   * Resolves when no other placement is preparing.
   * @throws FlotillaError neighbour-unknown when nobody makes progress: it is tried again, and nothing was taken away
   */
  async known(name: string, signal: AbortSignal): Promise<void> {
    while (this.#others(name).length > 0) {
      const late = AbortSignal.timeout(PATIENCE_MS);
      await Promise.race([this.#progress.promise, aborted(AbortSignal.any([signal, late]))]);
      signal.throwIfAborted();
      const unknown = this.#others(name);
      if (!late.aborted || unknown.length === 0) continue;
      const more = unknown.length > MOST_NAMED ? ` and ${unknown.length - MOST_NAMED} more` : '';
      const names = unknown.slice(0, MOST_NAMED).join(', ');
      throw new FlotillaError(
        'neighbour-unknown',
        `placement ${name} waits to know what ${names}${more} is about to want`,
      );
    }
  }

  #others(name: string): string[] {
    const { size } = this.#preparing;
    if (size === 0 || (size === 1 && this.#preparing.has(name))) return [];
    return [...this.#preparing].filter((other) => other !== name);
  }
}
