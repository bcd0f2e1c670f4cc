import { FlotillaError } from '#proto/faults.ts';
import { ObjectCache } from '../object-cache.ts';
import type { Commit, GitObjects, ObjectType, RawObject, TreeEntry } from '../objects.ts';
import { hashObject, parseCommit, parseTree } from '../parse.ts';
import type { ObjectPipe } from './object-pipe.ts';

const CACHE_BYTES = 128 * 1024 * 1024;

/** The objects of a repository on this machine, read through its own `git`; nothing is ever written or fetched. */
export class LocalObjects implements GitObjects {
  readonly #open: () => ObjectPipe;
  #pipe: ObjectPipe | undefined;
  readonly #cache = new ObjectCache(CACHE_BYTES);
  readonly #reading = new Map<string, Promise<RawObject | undefined>>();

  /** The pipe is opened when something is read first. */
  constructor(open: () => ObjectPipe) {
    this.#open = open;
  }

  async readCommit(oid: string, signal: AbortSignal): Promise<Commit> {
    return parseCommit(oid, await this.#read(oid, 'commit', signal));
  }

  async readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    return parseTree(oid, await this.#read(oid, 'tree', signal));
  }

  async readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#read(oid, 'blob', signal);
  }

  /** What is not here is told by whoever reads it. */
  async prefetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await Promise.all(oids.map((oid) => this.#object(oid)));
    signal.throwIfAborted();
  }

  async close(): Promise<void> {
    await this.#pipe?.close();
    this.#cache.clear();
  }

  async #read(oid: string, type: ObjectType, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    const object = await this.#object(oid);
    signal.throwIfAborted();
    if (object?.type === type) return object.data;
    const what = object ? `it is a ${object.type}` : 'it is not in this repository';
    throw new FlotillaError('git-object-missing', `there is no ${type} ${oid}: ${what}`);
  }

  #object(oid: string): Promise<RawObject | undefined> | RawObject {
    const known = this.#cache.get(oid);
    if (known) return known;
    let reading = this.#reading.get(oid);
    if (!reading) {
      reading = this.#fetch(oid).finally(() => this.#reading.delete(oid));
      this.#reading.set(oid, reading);
    }
    return reading;
  }

  async #fetch(oid: string): Promise<RawObject | undefined> {
    this.#pipe ??= this.#open();
    const object = await this.#pipe.read(oid);
    if (object && hashObject(object.type, object.data) !== oid)
      throw new FlotillaError(
        'git-object-corrupt',
        `object ${oid} does not have the hash it is stored under`,
      );
    if (object) this.#cache.set(oid, object);
    return object;
  }
}
