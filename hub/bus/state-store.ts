import { decodeState, encodeEntry, keysBetween, keysOf } from '../core/state-codec.ts';
import type { HubState } from '../core/types.ts';
import type { BucketEntry, StateBucket } from './state-bucket.ts';

/** What the store needs of the bucket. */
export type Bucket = Pick<StateBucket, 'load' | 'changes' | 'put'>;

const AT_ONCE = 200;

/**
 * Hub state in a JetStream key-value bucket. Every write says that nobody else has written since the state was read, so that of
 * two hubs that decide at once only one is believed.
 */
export class StateStore {
  readonly #bucket: Bucket;
  readonly #onUnreadable: (keys: readonly string[]) => void;
  #entries = new Map<string, BucketEntry>();
  /** What all entries together say; undefined where that is not known. */
  #saved: HubState | undefined;

  constructor(bucket: Bucket, onUnreadable: (keys: readonly string[]) => void) {
    this.#bucket = bucket;
    this.#onUnreadable = onUnreadable;
  }

  /** Reads everything; what is saved later is compared with this. @throws FlotillaError store-failed */
  async load(signal: AbortSignal): Promise<HubState> {
    this.#saved = undefined;
    this.#entries = await this.#bucket.load(signal);
    return this.#decode();
  }

  /** State as another hub has saved it since; undefined where none has. @throws FlotillaError store-failed */
  async follow(signal: AbortSignal): Promise<HubState | undefined> {
    const changed = await this.#bucket.changes(signal);
    if (changed.size === 0) return undefined;
    for (const [key, entry] of changed) this.#entries.set(key, entry);
    return this.#decode();
  }

  #decode(): HubState {
    // An entry that was deleted reads as an empty one.
    const texts = [...this.#entries].flatMap(([key, { text }]) =>
      text === '' ? [] : [[key, text] as const],
    );
    const { state, unreadable } = decodeState(new Map(texts));
    if (unreadable.length > 0) this.#onUnreadable(unreadable);
    return state;
  }

  /**
   * Saves what differs from what was loaded or saved before. `conflict` when another hub has written meanwhile: nothing may
   * be acted on, the caller loads and decides anew; some entries may have been saved all the same. `may` is asked before every
   * write and tells whether this hub still holds the lease; without it nothing more is written, and that is a conflict, too.
   * @throws FlotillaError store-failed
   */
  async save(state: HubState, may: () => boolean, signal: AbortSignal): Promise<'saved' | 'conflict'> {
    const keys = this.#saved ? keysBetween(this.#saved, state) : [...keysOf(state), ...this.#entries.keys()];
    const writes: (() => Promise<boolean>)[] = [];
    for (const key of new Set(keys)) {
      const text = encodeEntry(state, key) ?? '';
      if ((this.#entries.get(key)?.text ?? '') !== text) writes.push(() => this.#put(key, text));
    }
    // Until all of it is written, nothing is known to be as it was.
    this.#saved = undefined;
    let conflict = false;
    for (let at = 0; at < writes.length && !conflict; at += AT_ONCE) {
      signal.throwIfAborted();
      if (!may()) return 'conflict';
      const done = await Promise.all(writes.slice(at, at + AT_ONCE).map((write) => write()));
      conflict = done.includes(false);
    }
    if (conflict) return 'conflict';
    this.#saved = state;
    return 'saved';
  }

  async #put(key: string, text: string): Promise<boolean> {
    const revision = await this.#bucket.put(key, text);
    if (revision !== undefined) this.#entries.set(key, { revision, text });
    return revision !== undefined;
  }
}
