/** What is to be done when, in virtual time: earliest first, and in the order of asking at the same moment. */
export class Agenda {
  readonly #heap: { at: number; seq: number; act: () => void }[] = [];
  #seq = 0;

  add(at: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ at, seq: this.#seq++, act });
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  /** The earliest moment; Infinity when nothing is to be done. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Takes what is due at or before a moment. */
  take(upTo: number): (() => void) | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (!first || first.at > upTo) return undefined;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      for (let i = 0; ; ) {
        const [left, right] = [2 * i + 1, 2 * i + 2];
        let least = i;
        if (left < heap.length && this.#before(left, least)) least = left;
        if (right < heap.length && this.#before(right, least)) least = right;
        if (least === i) break;
        this.#swap(i, least);
        i = least;
      }
    }
    return first.act;
  }

  #before(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i]!, this.#heap[j]!];
    return a.at < b.at || (a.at === b.at && a.seq < b.seq);
  }

  #swap(i: number, j: number): void {
    [this.#heap[i], this.#heap[j]] = [this.#heap[j]!, this.#heap[i]!];
  }
}
