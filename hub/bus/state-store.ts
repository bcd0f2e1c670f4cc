import { JetStreamApiCodes, JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { HUB_STATE_BUCKET } from '#proto/subjects.ts';
import { decodeState, encodeState } from '../core/state-codec.ts';
import type { HubState } from '../core/types.ts';
import { storeFault } from './connect.ts';
import { readStream } from './read-stream.ts';

type Entry = { revision: number; text: string };

const AT_ONCE = 200;
const TIMEOUT_MS = 5_000;

/**
 * Hub state in a JetStream key-value bucket. Every write says which revision of the entry it replaces, so that of two hubs
 * that decide at once only one is believed, entry by entry.
 */
export class StateStore {
  readonly #client: JetStreamClient;
  readonly #onUnreadable: (keys: readonly string[]) => void;
  #bucket: KV | undefined;
  #entries = new Map<string, Entry>();

  constructor(client: JetStreamClient, onUnreadable: (keys: readonly string[]) => void) {
    this.#client = client;
    this.#onUnreadable = onUnreadable;
  }

  /** Reads everything; what is saved later is compared with this. @throws FlotillaError store-failed */
  async load(signal: AbortSignal): Promise<HubState> {
    try {
      // Direct reads may be answered by a replica that is behind.
      this.#bucket = await new Kvm(this.#client).create(HUB_STATE_BUCKET, {
        history: 1,
        allow_direct: false,
      });
    } catch (error) {
      throw storeFault(error, `bucket ${HUB_STATE_BUCKET} cannot be opened`);
    }
    const entries = new Map<string, Entry>();
    const prefix = `$KV.${HUB_STATE_BUCKET}.`;
    const take = ({ subject, data, sequence }: { subject: string; data: Uint8Array; sequence: number }) => {
      const text = Buffer.from(data).toString('utf8');
      entries.set(subject.slice(prefix.length), { revision: sequence, text });
    };
    await readStream(this.#client, `KV_${HUB_STATE_BUCKET}`, take, signal);
    this.#entries = entries;
    // An entry that was deleted reads as an empty one.
    const texts = [...entries].flatMap(([key, { text }]) => (text === '' ? [] : [[key, text] as const]));
    const { state, unreadable } = decodeState(new Map(texts));
    if (unreadable.length > 0) this.#onUnreadable(unreadable);
    return state;
  }

  /**
   * Saves what differs from what was loaded or saved before. `conflict` when another hub has written meanwhile: nothing may
   * be acted on, the caller loads and decides anew; some entries may have been saved all the same.
   * @throws FlotillaError store-failed
   */
  async save(state: HubState, signal: AbortSignal): Promise<'saved' | 'conflict'> {
    const wanted = encodeState(state);
    const writes: (() => Promise<boolean>)[] = [];
    for (const [key, text] of wanted) {
      if (this.#entries.get(key)?.text !== text) writes.push(() => this.#put(key, text));
    }
    for (const [key, { text }] of this.#entries) {
      if (text !== '' && !wanted.has(key)) writes.push(() => this.#put(key, ''));
    }
    let conflict = false;
    for (let at = 0; at < writes.length && !conflict; at += AT_ONCE) {
      signal.throwIfAborted();
      const done = await Promise.all(writes.slice(at, at + AT_ONCE).map((write) => write()));
      conflict = done.includes(false);
    }
    return conflict ? 'conflict' : 'saved';
  }

  async #put(key: string, text: string): Promise<boolean> {
    if (!this.#bucket) throw new Error('the state store was not loaded');
    try {
      const previousSeq = this.#entries.get(key)?.revision ?? 0;
      const revision = await this.#bucket.put(key, text, { previousSeq, timeout: TIMEOUT_MS });
      this.#entries.set(key, { revision, text });
      return true;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence)
        return false;
      throw storeFault(error, `${key} cannot be saved`);
    }
  }
}
