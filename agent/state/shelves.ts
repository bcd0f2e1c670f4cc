import { setImmediate as turn } from 'node:timers/promises';
import type { KubeObject } from '../core/object.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { type OwnObjects, STATE_LABEL } from './api.ts';

/** Members of a Secret's `data`: base64, or null to take one out. */
export type Change = Readonly<Record<string, string | null>>;

type Waiter = { resolve(): void; reject(error: unknown): void };
type Batch = { data: Map<string, string | null>; waiters: Waiter[] };
type Shelf = {
  name: string;
  members: Set<string>;
  /** Of the Secret as this process read or wrote it last; undefined: not known, or there is none. */
  version: string | undefined;
  exists: boolean;
  next: Batch;
  /** What can wait; it goes with the next write. */
  later: Map<string, string | null>;
  timer: NodeJS.Timeout | undefined;
  writing: boolean;
};

/** So many placements share a Secret; with their largest inline bundles they stay well below its 1 MiB. */
const MEMBERS = 24;
/** What can wait is gathered so long, ms. */
const GATHER_MS = 2_000;
const shelfName = (number: number): string => `flotilla-placements-${number}`;

/**
 * Secrets that several placements share. What is put while a write is under way goes into the next one, so that a thousand placements
 * that start together cost some fifty writes. Every write is conditional on the version known last: after another process has
 * become the writer, nothing of it is overwritten.
 */
export class Shelves {
  readonly #objects: OwnObjects;
  readonly #shelves: Shelf[] = [];
  readonly #places = new Map<string, Shelf>();

  constructor(objects: OwnObjects) {
    this.#objects = objects;
  }

  /** Takes down what a Secret that was read holds. */
  register({ metadata }: Pick<KubeObject, 'metadata'>, members: readonly string[]): void {
    const shelf = this.#shelf(metadata.name);
    Object.assign(shelf, { exists: true, version: metadata.resourceVersion });
    for (const member of members) {
      shelf.members.add(member);
      this.#places.set(member, shelf);
    }
  }

  /** Where a placement is kept. */
  nameOf(placement: string): string | undefined {
    return this.#places.get(placement)?.name;
  }

  /** Resolves when it is written. @throws KubeError; then whether it was written is not known, as with any write */
  put(placement: string, change: Change, signal: AbortSignal): Promise<void> {
    return this.#queue(this.#placeOf(placement), change, signal);
  }

  /** Written with whatever is written next, or soon; until then it is only known here. */
  putLater(placement: string, change: Change, signal: AbortSignal): void {
    const shelf = this.#placeOf(placement);
    for (const [key, value] of Object.entries(change)) shelf.later.set(key, value);
    this.#wait(shelf, signal);
  }

  /** The placement leaves its Secret, and the last one takes the Secret along. @throws KubeError */
  async take(placement: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
    const shelf = this.#places.get(placement);
    if (!shelf) return;
    shelf.members.delete(placement);
    try {
      await this.#queue(shelf, Object.fromEntries(keys.map((key) => [key, null])), signal);
      this.#places.delete(placement);
    } catch (error) {
      shelf.members.add(placement);
      throw error;
    }
  }

  /** Writes now what could wait. @throws KubeError */
  async flush(signal: AbortSignal): Promise<void> {
    const waiting = this.#shelves.filter((shelf) => shelf.later.size > 0);
    await Promise.all(waiting.map((shelf) => this.#queue(shelf, {}, signal)));
  }

  #queue(shelf: Shelf, change: Change, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    for (const [key, value] of Object.entries(change)) {
      shelf.next.data.set(key, value);
      shelf.later.delete(key);
    }
    shelf.next.waiters.push({ resolve, reject });
    this.#write(shelf, signal);
    return promise;
  }

  #wait(shelf: Shelf, signal: AbortSignal): void {
    shelf.timer ??= setTimeout(() => {
      shelf.timer = undefined;
      if (shelf.later.size > 0 && !signal.aborted) this.#write(shelf, signal);
    }, GATHER_MS).unref();
  }

  /** One write of a shelf at a time; whoever waits is told. */
  #write(shelf: Shelf, signal: AbortSignal): void {
    if (shelf.writing) return;
    shelf.writing = true;
    void this.#drain(shelf, signal);
  }

  async #drain(shelf: Shelf, signal: AbortSignal): Promise<void> {
    // Whoever comes in the same turn shares the first write.
    await turn();
    while (shelf.next.waiters.length > 0 || (shelf.later.size > 0 && shelf.timer === undefined)) {
      const { next, later } = shelf;
      shelf.next = { data: new Map(), waiters: [] };
      shelf.later = new Map();
      try {
        await this.#send(shelf, Object.fromEntries([...later, ...next.data]), signal);
        for (const { resolve } of next.waiters) resolve();
      } catch (error) {
        shelf.version = undefined;
        // What nobody waits for is tried again; what is newer stays.
        for (const [key, value] of later)
          if (!next.data.has(key) && !shelf.next.data.has(key) && !shelf.later.has(key))
            shelf.later.set(key, value);
        if (shelf.later.size > 0) this.#wait(shelf, signal);
        for (const { reject } of next.waiters) reject(error);
      }
    }
    shelf.writing = false;
  }

  async #send(shelf: Shelf, data: Change, signal: AbortSignal): Promise<void> {
    if (shelf.members.size === 0) {
      await this.#objects.delete('Secret', shelf.name, signal);
      Object.assign(shelf, { exists: false, version: undefined });
      return;
    }
    if (Object.keys(data).length === 0) return;
    const written = shelf.exists
      ? await this.#patch(shelf, data, signal)
      : await this.#create(shelf, data, signal);
    Object.assign(shelf, { exists: true, version: written.metadata.resourceVersion });
  }

  /** Somebody may have deleted it: what is written now is all that is left of it then. */
  async #patch(shelf: Shelf, data: Change, signal: AbortSignal): Promise<KubeObject> {
    const { name, version } = shelf;
    const patch = { ...(version !== undefined && { metadata: { resourceVersion: version } }), data };
    try {
      return await this.#objects.merge('Secret', name, patch, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return this.#create(shelf, data, signal);
    }
  }

  async #create(shelf: Shelf, data: Change, signal: AbortSignal): Promise<KubeObject> {
    const present = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
    const content = { type: 'flotilla.dev/state', data: present };
    const labels = { [STATE_LABEL]: 'placement' };
    try {
      return await this.#objects.create('Secret', shelf.name, content, labels, signal);
    } catch (error) {
      if (!isConflict(error)) throw error;
      return this.#objects.merge('Secret', shelf.name, { data }, signal);
    }
  }

  #placeOf(placement: string): Shelf {
    let shelf = this.#places.get(placement);
    if (!shelf) {
      shelf =
        this.#shelves.find(({ members }) => members.size < MEMBERS) ?? this.#shelf(shelfName(this.#free()));
      shelf.members.add(placement);
      this.#places.set(placement, shelf);
    }
    return shelf;
  }

  #free(): number {
    const taken = new Set(this.#shelves.map(({ name }) => name));
    for (let number = 0; ; number++) if (!taken.has(shelfName(number))) return number;
  }

  #shelf(name: string): Shelf {
    const known = this.#shelves.find((shelf) => shelf.name === name);
    if (known) return known;
    const shelf: Shelf = {
      ...{ name, members: new Set(), version: undefined, exists: false },
      ...{ next: { data: new Map(), waiters: [] }, later: new Map() },
      ...{ timer: undefined, writing: false },
    };
    this.#shelves.push(shelf);
    return shelf;
  }
}
