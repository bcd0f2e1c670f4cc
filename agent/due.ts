/** Between two calls, ms: what falls due meanwhile shares the next one. */
const APART_MS = 20;

/**
 * Keys that fall due at a time each. Those that are due together are worked on in one turn, so that what they send shares a packet;
 * the first after a quiet time is not kept waiting.
 */
export class Due {
  readonly #work: (key: string) => void;
  readonly #times = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = 0;
  #firedAt = 0;

  constructor(work: (key: string) => void) {
    this.#work = work;
  }

  /** The earliest moment (ms) that was asked for counts. */
  at(key: string, time: number): void {
    const known = this.#times.get(key);
    if (known !== undefined && known <= time) return;
    this.#times.set(key, time);
    this.#arm(time);
  }

  get size(): number {
    return this.#times.size;
  }

  has(key: string): boolean {
    return this.#times.has(key);
  }

  delete(key: string): void {
    this.#times.delete(key);
    if (this.#times.size === 0) this.#disarm();
  }

  /** Works on all that wait, now. */
  close(): void {
    this.#disarm();
    const keys = [...this.#times.keys()];
    this.#times.clear();
    for (const key of keys) this.#work(key);
  }

  #arm(time: number): void {
    const at = Math.max(time, this.#firedAt + APART_MS);
    if (this.#timer && this.#firesAt <= at) return;
    clearTimeout(this.#timer);
    this.#firesAt = at;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, at - Date.now()));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firedAt = Date.now();
    const due = [...this.#times].filter(([, time]) => time <= this.#firedAt).map(([key]) => key);
    for (const key of due) this.#times.delete(key);
    for (const key of due) this.#work(key);
    let next = Number.POSITIVE_INFINITY;
    for (const time of this.#times.values()) next = Math.min(next, time);
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }
}
