import { hash } from 'node:crypto';
import {
  encodeEntry,
  keysBetween,
  keysOf,
  readEntry,
  type StateEntry,
  stateOf,
} from '../core/state-codec.ts';
import type { HubState } from '../core/types.ts';
import type { StateBucket } from './state-bucket.ts';

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
  /** Key → hash of what is stored. */
  #hashes = new Map<string, string>();
  /** What was read, as long as this hub writes nothing; an entry that was deleted is not in it. */
  #read: Map<string, StateEntry | undefined> | undefined;
  /** What all entries together say; undefined where that is not known. */
  #saved: HubState | undefined;

  constructor(bucket: Bucket, onUnreadable: (keys: readonly string[]) => void) {
    this.#bucket = bucket;
    this.#onUnreadable = onUnreadable;
  }

  /** Reads everything; what is saved later is compared with this. @throws FlotillaError store-failed */
  async load(signal: AbortSignal): Promise<HubState> {
    this.#saved = undefined;
    const entries = await this.#bucket.load(signal);
    this.#hashes = new Map();
    this.#read = new Map();
    for (const [key, { text }] of entries) this.#take(this.#read, key, text);
    return this.#decode(this.#read);
  }

  /** State as another hub has saved it since; undefined where none has. @throws FlotillaError store-failed */
  async follow(signal: AbortSignal): Promise<HubState | undefined> {
    if (!this.#read) return this.load(signal);
    const changed = await this.#bucket.changes(signal);
    if (changed.size === 0) return undefined;
    for (const [key, { text }] of changed) this.#take(this.#read, key, text);
    return this.#decode(this.#read);
  }

  #take(read: Map<string, StateEntry | undefined>, key: string, text: string): void {
    this.#hashes.set(key, hashOf(text));
    // An entry that was deleted reads as an empty one.
    if (text === '') read.delete(key);
    else read.set(key, readEntry(key, text));
  }

  #decode(read: ReadonlyMap<string, StateEntry | undefined>): HubState {
    const { state, unreadable } = stateOf(read);
    if (unreadable.length > 0) this.#onUnreadable(unreadable);
    // What cannot be read, or is as an earlier version has left it, is written anew.
    const isWritten = unreadable.length === 0 && read.values().every((entry) => !entry?.isOld);
    this.#saved = isWritten ? state : undefined;
    return state;
  }

  /**
   * Saves what differs from what was loaded or saved before. `conflict` when another hub has written meanwhile: nothing may
   * be acted on, the caller loads and decides anew; some entries may have been saved all the same. `may` is asked before every
   * write and tells whether this hub still holds the lease; without it nothing more is written, and that is a conflict, too.
   * @throws FlotillaError store-failed
   */
  async save(state: HubState, may: () => boolean, signal: AbortSignal): Promise<'saved' | 'conflict'> {
    const keys = this.#saved ? keysBetween(this.#saved, state) : [...keysOf(state), ...this.#hashes.keys()];
    const writes: (() => Promise<boolean>)[] = [];
    for (const key of new Set(keys)) {
      const text = encodeEntry(state, key) ?? '';
      if ((this.#hashes.get(key) ?? NOTHING) !== hashOf(text)) writes.push(() => this.#put(key, text));
    }
    this.#read = undefined;
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
    if (revision !== undefined) this.#hashes.set(key, hashOf(text));
    return revision !== undefined;
  }
}

const hashOf = (text: string): string => hash('sha256', text, 'base64');
const NOTHING = hashOf('');
