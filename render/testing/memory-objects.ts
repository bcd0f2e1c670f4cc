import { setImmediate } from 'node:timers/promises';
import type { Commit, EntryMode, GitObjects, TreeEntry } from '#git/objects.ts';
import { hashObject } from '#git/parse.ts';
import { FlotillaError } from '#proto/faults.ts';

/** Content of a file, or what else a tree can hold. */
export type MemoryFile = string | Uint8Array | { link: string } | { gitlink: string } | { program: string };

const MODES: Readonly<Record<EntryMode, string>> = {
  tree: '40000',
  file: '100644',
  executable: '100755',
  symlink: '120000',
  gitlink: '160000',
};

/** Git objects in memory, with the ids that Git gives them. `sparse` counts as a store that fetches would travel. */
export class MemoryObjects implements GitObjects {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #trees = new Map<string, readonly TreeEntry[]>();
  readonly #here = new Set<string>();
  #wanted: Promise<void> | undefined;
  /** Every object that was read, in order. */
  readonly read: string[] = [];
  /** Requests that a store would have made that fetches what it lacks, joining what is asked for in one turn. */
  roundTrips = 0;

  /** Keeps files by path and returns the id of the root tree. */
  write(files: Readonly<Record<string, MemoryFile>>): string {
    const entries = new Map<string, Record<string, MemoryFile>>();
    const own: TreeEntry[] = [];
    for (const [path, file] of Object.entries(files)) {
      const slash = path.indexOf('/');
      if (slash < 0) own.push({ name: path, ...this.#blob(file) });
      else {
        const name = path.slice(0, slash);
        const below = entries.get(name) ?? {};
        below[path.slice(slash + 1)] = file;
        entries.set(name, below);
      }
    }
    for (const [name, below] of entries) own.push({ name, mode: 'tree', oid: this.write(below) });
    const sorted = own.sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)));
    const parts = sorted.flatMap(({ name, mode, oid }) => [
      Buffer.from(`${MODES[mode]} ${name}\0`),
      Buffer.from(oid, 'hex'),
    ]);
    const oid = hashObject('tree', Buffer.concat(parts));
    this.#trees.set(oid, sorted);
    return oid;
  }

  /** Forgets what was read and fetched. */
  reset(): void {
    this.read.length = 0;
    this.roundTrips = 0;
    this.#here.clear();
  }

  async readCommit(oid: string): Promise<Commit> {
    throw missing('commit', oid);
  }

  async readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    return this.#get(this.#trees, 'tree', oid, signal);
  }

  async readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#get(this.#blobs, 'blob', oid, signal);
  }

  async prefetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#fetch(oids, signal);
  }

  async #get<Value>(
    from: Map<string, Value>,
    type: string,
    oid: string,
    signal: AbortSignal,
  ): Promise<Value> {
    await this.#fetch([oid], signal);
    this.read.push(oid);
    const value = from.get(oid);
    if (value === undefined) throw missing(type, oid);
    return value;
  }

  async #fetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
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

  #blob(file: MemoryFile): { mode: EntryMode; oid: string } {
    if (typeof file === 'object' && 'gitlink' in file) return { mode: 'gitlink', oid: file.gitlink };
    if (typeof file === 'object' && 'link' in file) return { mode: 'symlink', oid: this.#keep(file.link) };
    if (typeof file === 'object' && 'program' in file)
      return { mode: 'executable', oid: this.#keep(file.program) };
    return { mode: 'file', oid: this.#keep(file) };
  }

  #keep(content: string | Uint8Array): string {
    const bytes = Buffer.from(content);
    const oid = hashObject('blob', bytes);
    this.#blobs.set(oid, bytes);
    return oid;
  }
}

/** Git sorts a directory as if its name ended in a slash. */
function sortKey({ name, mode }: TreeEntry): Buffer {
  return Buffer.from(mode === 'tree' ? `${name}/` : name);
}

function missing(type: string, oid: string): FlotillaError {
  return new FlotillaError('git-object-missing', `${type} ${oid} is not here`);
}
