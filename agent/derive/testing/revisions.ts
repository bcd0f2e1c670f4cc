import type { Commit, EntryMode, GitObjects, TreeEntry } from '#git/objects.ts';

/** Commits as maps of path → text; ids are whatever is unique. Remembers which trees were read. */
export class Revisions implements GitObjects {
  readonly reads: string[] = [];
  readonly #files: Record<string, Record<string, string>>;

  constructor(files: Record<string, Record<string, string>>) {
    this.#files = files;
  }
  async readCommit(oid: string): Promise<Commit> {
    return { oid, tree: `${oid}:`, parents: [] } as unknown as Commit;
  }
  async readTree(oid: string): Promise<TreeEntry[]> {
    this.reads.push(oid);
    const [revision = '', folder = ''] = oid.split(':');
    const prefix = folder === '' ? '' : `${folder}/`;
    const entries = new Map<string, TreeEntry>();
    for (const path of Object.keys(this.#files[revision] ?? {})) {
      if (!path.startsWith(prefix)) continue;
      const [name = '', ...rest] = path.slice(prefix.length).split('/');
      const mode: EntryMode = rest.length > 0 ? 'tree' : 'file';
      entries.set(name, { name, mode, oid: `${revision}:${prefix}${name}` });
    }
    return [...entries.values()];
  }
  async readBlob(oid: string): Promise<Uint8Array> {
    const [revision = '', path = ''] = oid.split(':');
    return Buffer.from(this.#files[revision]![path]!);
  }
  async prefetch(): Promise<void> {
    return undefined;
  }
}
