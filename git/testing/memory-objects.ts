import { FlotillaError } from '#proto/faults.ts';
import type { EntryMode, GitObjects, ObjectType, TreeEntry } from '../objects.ts';
import { hashObject, parseCommit, parseTree } from '../parse.ts';

/** The content of a file in a snapshot; a plain text is a regular file. */
export type SnapshotFile = string | { readonly mode: Exclude<EntryMode, 'tree'>; readonly text: string };

/** Objects in memory, with real ids and formats: the test double of the port. It notes what was read. */
export class MemoryObjects implements GitObjects {
  readonly reads: string[] = [];
  readonly prefetched: string[][] = [];
  readonly #objects = new Map<string, { type: ObjectType; data: Buffer }>();

  /** Stores a snapshot and answers the id of its root tree. Gitlinks hold a commit id as text. */
  snapshot(files: Readonly<Record<string, SnapshotFile>>): string {
    const here = new Map<string, { mode: EntryMode; oid: string }>();
    const below = new Map<string, Record<string, SnapshotFile>>();
    for (const [path, file] of Object.entries(files)) {
      const slash = path.indexOf('/');
      if (slash < 0) here.set(path, this.#file(file));
      else {
        const name = path.slice(0, slash);
        below.set(name, { ...below.get(name), [path.slice(slash + 1)]: file });
      }
    }
    for (const [name, rest] of below) here.set(name, { mode: 'tree', oid: this.snapshot(rest) });
    const order = ([name, { mode }]: [string, { mode: EntryMode }]) =>
      Buffer.from(mode === 'tree' ? `${name}/` : name);
    const entries = [...here].sort((a, b) => Buffer.compare(order(a), order(b)));
    return this.put(
      'tree',
      Buffer.concat(
        entries.map(([name, { mode, oid }]) =>
          Buffer.concat([Buffer.from(`${MODE_BITS[mode]} ${name}\0`), Buffer.from(oid, 'hex')]),
        ),
      ),
    );
  }

  /** Stores a commit of a root tree and answers its id. */
  commit(tree: string, parents: readonly string[] = [], message = 'a commit\n', at = 1_700_000_000): string {
    const person = `Ada <ada@example.com> ${at} +0000`;
    const lines = [
      `tree ${tree}`,
      ...parents.map((parent) => `parent ${parent}`),
      `author ${person}`,
      `committer ${person}`,
    ];
    return this.put('commit', Buffer.from(`${lines.join('\n')}\n\n${message}`));
  }

  put(type: ObjectType, data: Buffer): string {
    const oid = hashObject(type, data);
    this.#objects.set(oid, { type, data });
    return oid;
  }

  async readCommit(oid: string, signal: AbortSignal) {
    return parseCommit(oid, this.#get(oid, 'commit', signal));
  }

  async readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    return parseTree(oid, this.#get(oid, 'tree', signal));
  }

  async readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#get(oid, 'blob', signal);
  }

  async prefetch(oids: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.prefetched.push([...oids]);
  }

  #file(file: SnapshotFile): { mode: EntryMode; oid: string } {
    if (typeof file === 'string') return { mode: 'file', oid: this.put('blob', Buffer.from(file)) };
    if (file.mode === 'gitlink') return { mode: 'gitlink', oid: file.text };
    return { mode: file.mode, oid: this.put('blob', Buffer.from(file.text)) };
  }

  #get(oid: string, type: ObjectType, signal: AbortSignal): Buffer {
    signal.throwIfAborted();
    this.reads.push(oid);
    const object = this.#objects.get(oid);
    if (object?.type !== type) throw new FlotillaError('git-object-missing', `${type} ${oid} is not here`);
    return object.data;
  }
}

const MODE_BITS: Readonly<Record<EntryMode, string>> = {
  tree: '40000',
  file: '100644',
  executable: '100755',
  symlink: '120000',
  gitlink: '160000',
};
