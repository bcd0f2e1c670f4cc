import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { Slots } from '#process/slots.ts';
import { FlotillaError } from '#proto/faults.ts';
import { auditSubject, historySubject, STREAMS } from '#proto/subjects.ts';
import { readApply, readEntry, readResult } from '../core/audit-entry.ts';
import {
  type ApplyRow,
  type AuditPage,
  type AuditQuestion,
  type AuditReader,
  type AuditRow,
  historyOf,
  isAsked,
} from '../core/audit-reader.ts';
import { RESULT } from './audit-writer.ts';
import { storeFault } from './connect.ts';
import { readStream } from './read-stream.ts';

/** Entries looked at together, and for one page at most: a filter that nothing passes must not read a year. */
const BLOCK = 500;
const MOST_LOOKED_AT = 20_000;
/** What is stored may have been decided so much earlier, or by a clock that is so much behind. */
const SLACK_MS = 10 * 60_000;
/** So many messages are looked at for one that says when it was. */
const NEIGHBOURS = 20;
const READS = 4;
const WAITING = 1_000;
const tooManyReads = (most: number) =>
  new FlotillaError(
    'hub-refused',
    `more than ${most} questions to the audit are waiting: ask for less at once`,
  );

/**
 * Reads the trail where it is kept: the streams outgrow any memory, pages are asked for seldom, and a hub that did not write
 * them reads the same.
 */
export class AuditLog implements AuditReader {
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  /** Each read is a consumer of its own in the server. */
  readonly #slots = new Slots(READS, WAITING, tooManyReads);

  constructor(client: JetStreamClient, manager: JetStreamManager) {
    this.#client = client;
    this.#manager = manager;
  }

  async audit(question: AuditQuestion, signal: AbortSignal): Promise<AuditPage> {
    return this.#slots.run(() => this.#page(question, signal), signal);
  }

  async history(cluster: string, placement: string | undefined, signal: AbortSignal): Promise<ApplyRow[]> {
    return this.#slots.run(() => this.#applies(historySubject(cluster, placement ?? '*'), signal), signal);
  }

  async #page(question: AuditQuestion, signal: AbortSignal): Promise<AuditPage> {
    const { first, since } = question;
    const { oldest, newest } = await this.#bounds(question, signal);
    const rows: AuditRow[] = [];
    const page = (next: number | undefined) => this.#withResults(rows, next);
    let looked = 0;
    for (let high = newest; high >= oldest; high -= BLOCK) {
      const block = await this.#block(Math.max(oldest, high - BLOCK + 1), high, signal);
      for (const { row, sequence, storedAt } of block) {
        if (since !== undefined && storedAt < since - SLACK_MS) return page(undefined);
        if (row && isAsked(row, question)) rows.push(row);
        looked += 1;
        const isOver = sequence <= oldest;
        if (rows.length === first || looked >= MOST_LOOKED_AT) return page(isOver ? undefined : sequence);
      }
    }
    return page(undefined);
  }

  async #applies(subject: string, signal: AbortSignal): Promise<ApplyRow[]> {
    const found: (ApplyRow & { sequence: number })[] = [];
    await readStream(
      this.#client,
      { stream: STREAMS.history, subject },
      ({ subject, data, sequence }) => {
        const [, cluster = '', placement = ''] = subject.split('.');
        const apply = readApply(cluster, placement, text(data));
        if (apply) found.push({ ...apply, sequence });
      },
      signal,
    );
    return historyOf(found);
  }

  /** Sequences between which to look: nothing of the stream is ever missing but its beginning. */
  async #bounds({ before, until }: AuditQuestion, signal: AbortSignal) {
    try {
      const { state } = await this.#manager.streams.info(STREAMS.audit);
      if (state.messages === 0) return { oldest: 1, newest: 0 };
      const oldest = state.first_seq;
      const newest = Math.min(state.last_seq, (before ?? Number.POSITIVE_INFINITY) - 1);
      if (until === undefined || before !== undefined) return { oldest, newest };
      return { oldest, newest: await this.#lastBefore(until + SLACK_MS, oldest, newest, signal) };
    } catch (error) {
      signal.throwIfAborted();
      throw storeFault(error, `${STREAMS.audit} cannot be read`);
    }
  }

  /** The last place after which everything is later than a time: entries are stored in their order, a restored trail all at once. */
  async #lastBefore(time: number, oldest: number, newest: number, signal: AbortSignal): Promise<number> {
    let [low, high] = [oldest, newest + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#isLater(middle, Math.min(high, middle + NEIGHBOURS), time, signal)) high = middle;
      else low = middle + 1;
    }
    return high - 1;
  }

  /** By both clocks, those of the hub and of the store; results have no time of their own. False where no entry is near. */
  async #isLater(from: number, to: number, time: number, signal: AbortSignal): Promise<boolean> {
    for (let sequence = from; sequence < to; sequence++) {
      signal.throwIfAborted();
      const message = await this.#manager.streams.getMessage(STREAMS.audit, { seq: sequence });
      const entry = message && readEntry(message.string());
      if (entry) return entry.at >= time && message.time.getTime() >= time;
    }
    return false;
  }

  /** Newest first. */
  async #block(from: number, to: number, signal: AbortSignal) {
    const found: { row: AuditRow | undefined; sequence: number; storedAt: number }[] = [];
    await readStream(
      this.#client,
      { stream: STREAMS.audit, from, most: to - from + 1 },
      ({ data, sequence, storedAt }) => {
        const entry = sequence <= to ? readEntry(text(data)) : undefined;
        if (sequence <= to) found.push({ row: entry && { ...entry, sequence }, sequence, storedAt });
      },
      signal,
    );
    return found.reverse();
  }

  async #withResults(rows: readonly AuditRow[], next: number | undefined): Promise<AuditPage> {
    const told = rows.map(async (row) => {
      const result = row.kind === 'operation' ? await this.#resultOf(row.id) : undefined;
      return result === undefined ? row : { ...row, result };
    });
    return { rows: await Promise.all(told), next };
  }

  async #resultOf(id: string): Promise<string | undefined> {
    try {
      const query = { last_by_subj: auditSubject(RESULT, id) };
      const message = await this.#manager.streams.getMessage(STREAMS.audit, query);
      return message ? readResult(message.string())?.result : undefined;
    } catch (error) {
      throw storeFault(error, `${STREAMS.audit} cannot be read`);
    }
  }
}

const text = (data: Uint8Array) => Buffer.from(data).toString('utf8');
