/**
 * The port through which everything else reads Git. Content is addressed: what a method returns has been checked to
 * hash to the id that was asked for. `RepositoryObjects` (what is on disk) and
 * `SparseObjects` (fetched when first read) implement it.
 *
 * Errors: `git-object-missing` (also: the object is of another type), `git-object-corrupt`, and those of fetching.
 */
export interface GitObjects {
  readCommit(oid: string, signal: AbortSignal): Promise<Commit>;
  /** Entries in Git's order. Names are single path segments, never empty, `.`, `..` or with a slash. */
  readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]>;
  /** The bytes may be shared with a cache: read them, never write to them. */
  readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Says that these trees and blobs are read next: a sparse store fetches what it lacks in one request. */
  prefetch(oids: readonly string[], signal: AbortSignal): Promise<void>;
}

export type EntryMode = 'tree' | 'file' | 'executable' | 'symlink' | 'gitlink';

export type TreeEntry = { readonly name: string; readonly mode: EntryMode; readonly oid: string };

/** `at` is in Unix seconds; the time zone of the commit is not kept. */
export type Person = { readonly name: string; readonly email: string; readonly at: number };

export type Commit = {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
  /** The armoured `gpgsig` header (OpenPGP, SSH or X.509), not verified here. */
  readonly signature?: string;
};

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** An object as stored: its type and its content without the loose-object header. */
export type RawObject = { readonly type: ObjectType; readonly data: Buffer };

/** True for a full object id: 40 lower-case hexadecimal digits (SHA-1, the only object format supported). */
export function isOid(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}
