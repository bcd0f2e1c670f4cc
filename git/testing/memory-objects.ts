import { setImmediate } from 'node:timers/promises';
import { FlotillaError } from '#proto/faults.ts';
import type { Commit, EntryMode, GitObjects, ObjectType, TreeEntry } from '../objects.ts';
import { hashObject, parseCommit, parseTree } from '../parse.ts';

/** Content of a file, or what else a tree can hold. */
export type MemoryFile = string | Uint8Array | { link: string } | { gitlink: string } | { program: string };

/**
 * Objects in memory, with the ids and formats that Git gives them: the test double of the port. It notes what was read, and counts the
 * requests of a store that fetches what it lacks.
 */
export class MemoryObjects implements GitObjects {
  /** Every object that was asked for, in order. */
  readonly reads: string[] = [];
  /** Requests that such a store would have made, joining what is asked for in one turn. */
  roundTrips = 0;
  readonly #objects = new Map<string, { type: ObjectType; data: Buffer }>();
  readonly #here = new Set<string>();
  #wanted: Promise<void> | undefined;

  /** Keeps files by path and answers the id of their root tree. */
  snapshot(files: Readonly<Record<string, MemoryFile>>): string {
    const entries: TreeEntry[] = [];
    const below = new Map<string, Record<string, MemoryFile>>();
    for (const [path, file] of Object.entries(files)) {
      const slash = path.indexOf('/');
      if (slash < 0) entries.push({ name: path, ...this.#file(file) });
      else {
        const name = path.slice(0, slash);
        const rest = below.get(name) ?? {};
        rest[path.slice(slash + 1)] = file;
        below.set(name, rest);
      }
    }
    for (const [name, rest] of below) entries.push({ name, mode: 'tree', oid: this.snapshot(rest) });
    const parts = entries
      .sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)))
      .flatMap(({ name, mode, oid }) => [
        Buffer.from(`${MODE_BITS[mode]} ${name}\0`),
        Buffer.from(oid, 'hex'),
      ]);
    return this.#put('tree', Buffer.concat(parts));
  }

  /** Keeps a commit of a root tree and answers its id. */
  commit(tree: string, parents: readonly string[] = [], message = 'a commit\n', at = 1_700_000_000): string {
    const person = `Ada <ada@example.com> ${at} +0000`;
    const lines = [
      `tree ${tree}`,
      ...parents.map((parent) => `parent ${parent}`),
      `author ${person}`,
      `committer ${person}`,
    ];
    return this.#put('commit', Buffer.from(`${lines.join('\n')}\n\n${message}`));
  }

  /** Forgets what was read and fetched. */
  reset(): void {
    this.reads.length = 0;
    this.roundTrips = 0;
    this.#here.clear();
  }

  async readCommit(oid: string, signal: AbortSignal): Promise<Commit> {
    return parseCommit(oid, await this.#get(oid, 'commit', signal));
  }

  async readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    return parseTree(oid, await this.#get(oid, 'tree', signal));
  }

  async readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#get(oid, 'blob', signal);
  }

  async prefetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const absent = oids.filter((oid) => !this.#here.has(oid));
    if (absent.length === 0) return;
    this.#wanted ??= setImmediate().then(() => {
      this.#wanted = undefined;
      this.roundTrips++;
    });
    await this.#wanted;
    for (const oid of absent) this.#here.add(oid);
    signal.throwIfAborted();
  }

  async #get(oid: string, type: ObjectType, signal: AbortSignal): Promise<Buffer> {
    await this.prefetch([oid], signal);
    this.reads.push(oid);
    const object = this.#objects.get(oid);
    if (object?.type !== type) throw new FlotillaError('git-object-missing', `${type} ${oid} is not here`);
    return object.data;
  }

  #file(file: MemoryFile): { mode: EntryMode; oid: string } {
    if (typeof file === 'string' || file instanceof Uint8Array)
      return { mode: 'file', oid: this.#put('blob', Buffer.from(file)) };
    if ('gitlink' in file) return { mode: 'gitlink', oid: file.gitlink };
    if ('link' in file) return { mode: 'symlink', oid: this.#put('blob', Buffer.from(file.link)) };
    return { mode: 'executable', oid: this.#put('blob', Buffer.from(file.program)) };
  }

  #put(type: ObjectType, data: Buffer): string {
    const oid = hashObject(type, data);
    this.#objects.set(oid, { type, data });
    return oid;
  }
}

const MODE_BITS: Readonly<Record<EntryMode, string>> = {
  tree: '40000',
  file: '100644',
  executable: '100755',
  symlink: '120000',
  gitlink: '160000',
};

/** Git sorts a directory as if its name ended in a slash. */
function sortKey({ name, mode }: TreeEntry): Buffer {
  return Buffer.from(mode === 'tree' ? `${name}/` : name);
}
