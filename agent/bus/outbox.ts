import { aborted, pause } from '#process/wait.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { up } from '#proto/subjects.ts';
import { shortHash } from '../core/object.ts';
import { fitStatus, type StatusContent } from '../core/status.ts';
import { nextNumber } from '../core/waits.ts';
import { Due } from '../due.ts';

/** What the outbox needs of the link; `flush` rejects where delivery is not sure. */
export interface Wire {
  readonly connected: boolean;
  publish(subject: string, text: string): boolean;
  flush(signal: AbortSignal): Promise<void>;
}

type Entry = {
  content: StatusContent;
  hash: string;
  /** Of the newest status published; 0 before the first. */
  seq: number;
  /** Of the newest status that the server has for sure. */
  confirmed: { seq: number; attempt: number };
  /** Content differs from what was published last. */
  dirty: boolean;
  publishedAt: number;
};

/** A placement is published at most so often; what changes in between goes out at the end of the window. */
const WINDOW_MS = 200;

/**
 * The newest status of every placement on its way to the hub. One slot per placement: a newer status takes the place of one that
 * was not sent. What the server has not confirmed is sent again after a reconnect.
 */
export class Outbox {
  readonly #cluster: string;
  readonly #wire: Wire;
  readonly #signal: AbortSignal;
  readonly #entries = new Map<string, Entry>();
  #lastSeq = 0;
  readonly #due = new Due((placement) => this.#publishDue(placement));
  #confirming = false;
  #confirmed = Promise.withResolvers<void>();

  constructor(cluster: string, wire: Wire, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#wire = wire;
    this.#signal = signal;
  }

  /** The last number given; kept across restarts by whoever keeps state, so that numbers grow even if the clock does not. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Numbers start above those of an earlier run. */
  startAbove(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** Publishes at once, or at the end of the window; what is equal to the last status is not published. */
  set(placement: string, content: StatusContent): void {
    const hash = shortHash(JSON.stringify(content));
    const entry = this.#entries.get(placement);
    if (entry) {
      if (entry.hash === hash) return;
      Object.assign(entry, { content, hash, dirty: true });
      this.#schedule(placement, entry);
      return;
    }
    const fresh: Entry = {
      content,
      hash,
      seq: 0,
      confirmed: { seq: 0, attempt: -1 },
      dirty: true,
      publishedAt: 0,
    };
    this.#entries.set(placement, fresh);
    this.#schedule(placement, fresh);
  }

  /** Resolves when the server has a status of this placement that echoes `attempt` or a later one. Rejects only when aborted. */
  async echoed(placement: string, attempt: number, signal: AbortSignal): Promise<void> {
    const over = aborted(signal);
    while ((this.#entries.get(placement)?.confirmed.attempt ?? -1) < attempt) {
      signal.throwIfAborted();
      const entry = this.#entries.get(placement);
      if (entry?.dirty) this.#publish(placement, entry);
      await Promise.race([this.#confirmed.promise, over]);
    }
  }

  /** A placement that is gone is not part of the set any more. */
  forget(placement: string): void {
    this.#due.delete(placement);
    this.#entries.delete(placement);
  }

  /** After a (re)connect: everything that the server may not have. */
  resume(): void {
    for (const [placement, entry] of this.#entries) {
      if (entry.dirty || entry.confirmed.seq < entry.seq) this.#publish(placement, entry);
    }
  }

  /** Everything, or the placements named, with new numbers: the hub asked. */
  resend(placements?: readonly string[]): void {
    for (const [placement, entry] of this.#entries) {
      if (!placements || placements.includes(placement)) this.#publish(placement, entry);
    }
  }

  statusHash(): string {
    const newest = [...this.#entries].filter(([, { content, seq }]) => seq > 0 && content.removed !== true);
    return statusSetHash(new Map(newest.map(([placement, { seq }]) => [placement, seq])));
  }

  /** Sends what still waits for the end of its window. */
  close(): void {
    for (const [placement, entry] of this.#entries) {
      this.#due.delete(placement);
      if (entry.dirty) this.#publish(placement, entry);
    }
  }

  #schedule(placement: string, entry: Entry): void {
    if (this.#due.has(placement) || !this.#wire.connected) return;
    const at = entry.publishedAt + WINDOW_MS;
    if (at <= Date.now()) this.#publish(placement, entry);
    else this.#due.at(placement, at);
  }

  #publishDue(placement: string): void {
    const entry = this.#entries.get(placement);
    if (entry) this.#publish(placement, entry);
  }

  #publish(placement: string, entry: Entry): void {
    this.#due.delete(placement);
    if (!this.#wire.connected) return;
    const now = Date.now();
    const seq = nextNumber(this.#lastSeq, now);
    const at = new Date(now).toISOString();
    const status = fitStatus({ v: 1, cluster: this.#cluster, placement, seq, at, ...entry.content });
    if (!this.#wire.publish(up.status(this.#cluster, placement), status)) return;
    this.#lastSeq = seq;
    Object.assign(entry, { seq, dirty: false, publishedAt: now });
    if (!this.#confirming) void this.#confirm();
  }

  /** One flush at a time confirms whatever was published before it. */
  async #confirm(): Promise<void> {
    this.#confirming = true;
    // Statuses of one turn share a flush.
    await Promise.resolve();
    while (this.#wire.connected && !this.#signal.aborted) {
      const sent = [...this.#entries.values()]
        .filter((entry) => entry.confirmed.seq < entry.seq)
        .map((entry) => ({ entry, seq: entry.seq, attempt: entry.content.attempt }));
      if (sent.length === 0) break;
      try {
        await this.#wire.flush(this.#signal);
      } catch {
        // Not confirmed is a state, not a failure: a reconnect sends it again, a slow server is asked again.
        await pause(WINDOW_MS, this.#signal);
        continue;
      }
      for (const { entry, seq, attempt } of sent) entry.confirmed = { seq, attempt };
      this.#confirmed.resolve();
      this.#confirmed = Promise.withResolvers();
    }
    this.#confirming = false;
  }
}
