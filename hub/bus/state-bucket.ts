import { randomUUID } from 'node:crypto';
import { JetStreamApiCodes, JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { HUB_STATE_BUCKET } from '#proto/subjects.ts';
import { storeFault } from './connect.ts';
import { type Part, readStream, type StoredMessage } from './read-stream.ts';

const STREAM = `KV_${HUB_STATE_BUCKET}`;
const PREFIX = `$KV.${HUB_STATE_BUCKET}.`;
const TIMEOUT_MS = 5_000;
/** Of entries that are no hub state; the state's own keys begin otherwise. */
const RESERVED = 'hub.';
export const LEASE_KEY = `${RESERVED}leader`;

export type BucketEntry = { readonly revision: number; readonly text: string };

/**
 * The key-value bucket of hub state, with one writer. Every write of state says which message it expects to be the last one of
 * the whole bucket: once anybody else has written anything, nothing that was decided before gets in, however late it
 * comes (a hub that was halted in the middle of a write). Taking the lease is such a write.
 */
export class StateBucket {
  readonly #client: JetStreamClient;
  /** The last message of the bucket, as soon as all that was sent has arrived; its id where it is this hub's. */
  #last: { readonly sequence: number; readonly id?: string } | undefined;
  /** Up to here all entries were read. Never what was sent: that may have been refused, and its place be somebody else's. */
  #readTo = 0;

  constructor(client: JetStreamClient) {
    this.#client = client;
  }

  /** Makes the bucket where there is none. @throws FlotillaError store-failed */
  async open(): Promise<void> {
    try {
      // Direct reads may be answered by a replica that is behind.
      await new Kvm(this.#client).create(HUB_STATE_BUCKET, { history: 1, allow_direct: false });
    } catch (error) {
      throw storeFault(error, `bucket ${HUB_STATE_BUCKET} cannot be opened`);
    }
  }

  /** All entries of state; an entry that was deleted reads as an empty one. @throws FlotillaError store-failed */
  async load(signal: AbortSignal): Promise<Map<string, BucketEntry>> {
    const sequence = await this.#lastSequence();
    this.#last = { sequence };
    const { entries } = await this.#read({ stream: STREAM }, signal);
    this.#readTo = sequence;
    return entries;
  }

  /** Entries that others have written since they were read here; only for who writes none. @throws FlotillaError store-failed */
  async changes(signal: AbortSignal): Promise<Map<string, BucketEntry>> {
    const from = this.#readTo + 1;
    if ((await this.#lastSequence()) < from) return new Map();
    const { entries, last } = await this.#read({ stream: STREAM, from }, signal);
    this.#readTo = Math.max(last, this.#readTo);
    return entries;
  }

  async #read(part: Part, signal: AbortSignal): Promise<{ entries: Map<string, BucketEntry>; last: number }> {
    const entries = new Map<string, BucketEntry>();
    let last = 0;
    const take = ({ subject, data, sequence }: StoredMessage) => {
      last = sequence;
      const key = subject.slice(PREFIX.length);
      const text = Buffer.from(data).toString('utf8');
      if (!key.startsWith(RESERVED)) entries.set(key, { revision: sequence, text });
    };
    await readStream(this.#client, part, take, signal);
    return { entries, last };
  }

  async #lastSequence(): Promise<number> {
    try {
      const manager = await this.#client.jetstreamManager(false);
      return (await manager.streams.info(STREAM)).state.last_seq;
    } catch (error) {
      throw storeFault(error, `bucket ${HUB_STATE_BUCKET} cannot be read`);
    }
  }

  /**
   * Writes an entry, unless somebody else has written since `load`: then undefined, for this write and all that follow. Many may
   * be under way at once; they arrive in the order in which they were called. @throws FlotillaError store-failed
   */
  async put(key: string, text: string): Promise<number | undefined> {
    if (this.#last === undefined) throw new Error('the bucket was not loaded');
    const { sequence, id } = this.#last;
    // Where somebody else's write came between two of these, the number of the second would be right by chance, the id is not.
    return this.#publish(key, text, { lastSequence: sequence, ...(id !== undefined && { lastMsgID: id }) });
  }

  /** One entry. @throws FlotillaError store-failed */
  async get(key: string): Promise<BucketEntry | undefined> {
    try {
      const manager = await this.#client.jetstreamManager(false);
      const stored = await manager.streams.getMessage(STREAM, { last_by_subj: PREFIX + key });
      return stored ? { revision: stored.seq, text: stored.string() } : undefined;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound)
        return undefined;
      throw storeFault(error, `${key} cannot be read`);
    }
  }

  /**
   * Writes an entry over the revision that was read of it (0: there was none), whatever else was written; undefined where it has
   * another one by now. @throws FlotillaError store-failed
   */
  async replace(key: string, text: string, revision: number): Promise<number | undefined> {
    return this.#publish(key, text, { lastSubjectSequence: revision });
  }

  async #publish(
    key: string,
    text: string,
    expect: { lastSequence: number; lastMsgID?: string } | { lastSubjectSequence: number },
  ): Promise<number | undefined> {
    const msgID = randomUUID();
    if (this.#last !== undefined) this.#last = { sequence: this.#last.sequence + 1, id: msgID };
    try {
      const { seq } = await this.#client.publish(PREFIX + key, text, {
        timeout: TIMEOUT_MS,
        msgID,
        expect: { streamName: STREAM, ...expect },
      });
      return seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && OVERTAKEN.has(error.code)) return undefined;
      throw storeFault(error, `${key} cannot be saved`);
    }
  }
}

const WRONG_LAST_ID = 10_070;
/** One server tells which message was the last, one of a cluster does not. */
const OVERTAKEN: ReadonlySet<number> = new Set([
  WRONG_LAST_ID,
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
]);
