import { FlotillaError } from '#proto/faults.ts';
import { createBreather } from './breathe.ts';
import type { Commit, GitObjects, ObjectType, TreeEntry } from './objects.ts';
import { parseCommit, parseTree } from './parse.ts';
import type { Repository } from './repository.ts';

const ATTEMPTS = 4;

/** Reads what is in a repository on disk, and nothing else: for a store that is full. */
export class RepositoryObjects implements GitObjects {
  protected readonly repository: Repository;
  readonly #breathe = createBreather();
  /** Trees by their bytes, for as long as the repository keeps those: many paths lead through the same few. */
  readonly #trees = new WeakMap<Buffer, readonly TreeEntry[]>();

  constructor(repository: Repository) {
    this.repository = repository;
  }

  async readCommit(oid: string, signal: AbortSignal): Promise<Commit> {
    return parseCommit(oid, await this.#read(oid, 'commit', signal));
  }

  async readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    const data = await this.#read(oid, 'tree', signal);
    const known = this.#trees.get(data);
    if (known) return known;
    const entries = parseTree(oid, data);
    this.#trees.set(data, entries);
    return entries;
  }

  async readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#read(oid, 'blob', signal);
  }

  prefetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
    return this.ensure(oids, signal);
  }

  /** Brings objects that are not here, where there is somewhere to bring them from. */
  protected async ensure(_oids: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  /**
   * Looks, brings, and looks again: damage found on disk empties the repository, and another reader may start it
   * afresh between the two; then it is brought once more.
   */
  async #read(oid: string, type: ObjectType, signal: AbortSignal): Promise<Buffer> {
    await this.#breathe(signal);
    let damage: FlotillaError | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        const object = this.repository.read(oid);
        if (object) return ofType(oid, type, object);
      } catch (error) {
        if (!(error instanceof FlotillaError) || error.code !== 'git-object-corrupt') throw error;
        damage = error;
      }
      await this.ensure([oid], signal);
    }
    throw damage ?? new FlotillaError('git-object-missing', `${type} ${oid} is not here`);
  }
}

function ofType(oid: string, wanted: ObjectType, found: { type: ObjectType; data: Buffer }): Buffer {
  if (found.type === wanted) return found.data;
  throw new FlotillaError('git-object-missing', `there is no ${wanted} ${oid}: it is a ${found.type}`);
}
