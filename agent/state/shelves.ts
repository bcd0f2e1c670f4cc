import { setImmediate as turn } from 'node:timers/promises';
import { untilAll } from '#process/wait.ts';
import type { KubeObject } from '../core/object.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import type { OwnKind, OwnObjects } from './api.ts';

/** Keys with base64, or null to take one out. */
export type Change = Readonly<Record<string, string | null>>;

/** What the objects are that several placements share. */
export type ShelfPlan = {
  kind: OwnKind;
  /** The member with the keys. */
  field: 'data' | 'binaryData';
  nameOf(number: number): string;
  labelsOf(name: string): Record<string, string>;
  /** What else is in one. */
  content?: Readonly<Record<string, unknown>>;
  /**
   * All that is known of these placements: for what nobody else could tell again. An object that somebody deleted is made of it anew,
   * and after a write that failed these shelves write no more: all has to be read again. Without, what is written next is what is left.
   */
  whole?(placements: Iterable<string>): Change;
};

type Waiter = { resolve(): void; reject(error: unknown): void; signal: AbortSignal };
type Batch = { data: Map<string, string | null>; waiters: Waiter[] };
type Shelf = {
  name: string;
  members: Set<string>;
  /** As this process read or wrote it last; undefined: not known, or there is none. */
  version: string | undefined;
  exists: boolean;
  next: Batch;
  /** What can wait; it goes with the next write. */
  later: Map<string, string | null>;
  /** Until when that is to be written. */
  life: AbortSignal;
  timer: NodeJS.Timeout | undefined;
  writing: boolean;
  /** Why nothing is written any more. */
  failure: { error: unknown } | undefined;
};

/** So many placements share an object; with the largest that they may keep there they stay well below its 1 MiB. */
const MEMBERS = 24;
/** What can wait is gathered so long, ms. */
const GATHER_MS = 2_000;
const NEVER = new AbortController().signal;

/**
 * Objects of the agent that several placements share. What is put while a write is under way goes into the next one, so that a thousand
 * placements that start together cost some fifty writes. Every write is conditional on the version known last: after another process
 * has become the writer, nothing of it is overwritten.
 */
export class Shelves {
  readonly #objects: OwnObjects;
  readonly #plan: ShelfPlan;
  readonly #shelves: Shelf[] = [];
  readonly #places = new Map<string, Shelf>();

  constructor(objects: OwnObjects, plan: ShelfPlan) {
    this.#objects = objects;
    this.#plan = plan;
  }

  /** Takes down what an object that was read holds. */
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

  /**
   * Resolves when it is written; a write ends early only when nobody waits for it any more.
   * @throws KubeError; then whether it was written is not known, as with any write
   */
  put(placement: string, change: Change, signal: AbortSignal): Promise<void> {
    return this.#queue(this.#placeOf(placement), change, signal);
  }

  /** Written with whatever is written next, or soon; until then it is only known here. */
  putLater(placement: string, change: Change, signal: AbortSignal): void {
    const shelf = this.#placeOf(placement);
    for (const [key, value] of Object.entries(change)) shelf.later.set(key, value);
    shelf.life = signal;
    this.#wait(shelf);
  }

  /** The placement leaves its shelf, and the last one takes the object along. @throws KubeError */
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
    shelf.next.waiters.push({ resolve, reject, signal });
    this.#write(shelf);
    return promise;
  }

  #wait(shelf: Shelf): void {
    shelf.timer ??= setTimeout(() => {
      shelf.timer = undefined;
      if (shelf.later.size > 0 && !shelf.life.aborted) this.#write(shelf);
    }, GATHER_MS).unref();
  }

  /** One write of a shelf at a time; whoever waits is told. */
  #write(shelf: Shelf): void {
    if (shelf.writing) return;
    shelf.writing = true;
    void this.#drain(shelf);
  }

  async #drain(shelf: Shelf): Promise<void> {
    // Whoever comes in the same turn shares the first write.
    await turn();
    while (shelf.next.waiters.length > 0 || (shelf.later.size > 0 && shelf.timer === undefined)) {
      const { next, later } = shelf;
      shelf.next = { data: new Map(), waiters: [] };
      shelf.later = new Map();
      const signals = next.waiters.map(({ signal }) => signal);
      using limit = untilAll(later.size > 0 ? [...signals, shelf.life] : signals);
      try {
        await this.#send(shelf, Object.fromEntries([...later, ...next.data]), limit.signal);
        for (const { resolve } of next.waiters) resolve();
      } catch (error) {
        shelf.version = undefined;
        if (this.#plan.whole) shelf.failure ??= { error };
        // What nobody waits for is tried again; what is newer stays.
        for (const [key, value] of later)
          if (!next.data.has(key) && !shelf.next.data.has(key) && !shelf.later.has(key))
            shelf.later.set(key, value);
        if (shelf.later.size > 0) this.#wait(shelf);
        for (const { reject } of next.waiters) reject(error);
      }
    }
    shelf.writing = false;
  }

  async #send(shelf: Shelf, data: Change, signal: AbortSignal): Promise<void> {
    if (shelf.failure) throw shelf.failure.error;
    if (shelf.members.size === 0) {
      await this.#objects.delete(this.#plan.kind, shelf.name, signal, shelf.version);
      Object.assign(shelf, { exists: false, version: undefined });
      return;
    }
    if (Object.keys(data).length === 0) return;
    const written = shelf.exists
      ? await this.#patch(shelf, data, signal)
      : await this.#create(shelf, data, signal);
    Object.assign(shelf, { exists: true, version: written.metadata.resourceVersion });
  }

  /** Somebody may have deleted it. */
  async #patch(shelf: Shelf, data: Change, signal: AbortSignal): Promise<KubeObject> {
    const { kind, field, whole } = this.#plan;
    const { name, version, members } = shelf;
    const metadata = version !== undefined && { metadata: { resourceVersion: version } };
    try {
      return await this.#objects.merge(kind, name, { ...metadata, [field]: data }, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return this.#create(shelf, { ...whole?.(members), ...data }, signal);
    }
  }

  async #create({ name }: Shelf, data: Change, signal: AbortSignal): Promise<KubeObject> {
    const { kind, field, content, labelsOf, whole } = this.#plan;
    const present = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null));
    try {
      return await this.#objects.create(kind, name, { ...content, [field]: present }, labelsOf(name), signal);
    } catch (error) {
      if (whole || !isConflict(error)) throw error;
      return this.#objects.merge(kind, name, { [field]: data }, signal);
    }
  }

  #placeOf(placement: string): Shelf {
    let shelf = this.#places.get(placement);
    if (!shelf) {
      shelf =
        this.#shelves.find(({ members }) => members.size < MEMBERS) ??
        this.#shelf(this.#plan.nameOf(this.#free()));
      shelf.members.add(placement);
      this.#places.set(placement, shelf);
    }
    return shelf;
  }

  #free(): number {
    const taken = new Set(this.#shelves.map(({ name }) => name));
    for (let number = 0; ; number++) if (!taken.has(this.#plan.nameOf(number))) return number;
  }

  #shelf(name: string): Shelf {
    const known = this.#shelves.find((shelf) => shelf.name === name);
    if (known) return known;
    const shelf: Shelf = {
      ...{ name, members: new Set(), version: undefined, exists: false },
      ...{ next: { data: new Map(), waiters: [] }, later: new Map(), life: NEVER },
      ...{ timer: undefined, writing: false, failure: undefined },
    };
    this.#shelves.push(shelf);
    return shelf;
  }
}
