import type { Commit, GitObjects, TreeEntry } from '#git/objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { isPassing } from './core/passing.ts';

/**
 * Objects from the first of several stores that has them. Content is addressed by its hash, so any server may serve it; which
 * commits count is decided elsewhere, by the trusted remote alone.
 */
export class FirstOf implements GitObjects {
  readonly #stores: readonly GitObjects[];

  constructor(stores: readonly GitObjects[]) {
    this.#stores = stores;
  }

  readCommit(oid: string, signal: AbortSignal): Promise<Commit> {
    return this.#first((store) => store.readCommit(oid, signal), signal);
  }

  readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    return this.#first((store) => store.readTree(oid, signal), signal);
  }

  readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#first((store) => store.readBlob(oid, signal), signal);
  }

  prefetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#first((store) => store.prefetch(oids, signal), signal);
  }

  /** The failure told is that of the first store: the one a person has configured first. */
  async #first<T>(read: (store: GitObjects) => Promise<T>, signal: AbortSignal): Promise<T> {
    let failure: unknown;
    for (const store of this.#stores) {
      try {
        return await read(store);
      } catch (error) {
        signal.throwIfAborted();
        if (!canBeElsewhere(error)) throw error;
        failure ??= error;
      }
    }
    throw failure;
  }
}

function canBeElsewhere(error: unknown): boolean {
  if (!(error instanceof FlotillaError)) return false;
  return (
    isPassing(error.code) ||
    error.code === 'git-object-missing' ||
    error.code === 'git-credentials-refused' ||
    error.code === 'git-repository-not-found'
  );
}
