import type { GitObjects, TreeEntry } from '#git/objects.ts';
import { diffTrees } from '#git/tree.ts';
import { kindAt, looksMeant } from '#proto/documents/kinds.ts';
import { textOfLink } from '#proto/documents/read.ts';
import { type FleetFile, readFleetFile } from '#proto/fleet-model.ts';

/** Where documents stand; everything else of a fleet repo is content. */
const FOLDERS = ['access', 'clusters', 'placements', 'rollouts', 'values'];
const REMEMBERED = 8;

export type DocumentFile = { readonly oid: string; readonly text: string; readonly read: FleetFile };

/** The documents of one revision, each file read by itself, with the object ids of the files. */
export type Reading = {
  /** Of the folders and files that documents stand in: readings of the same key are the same. */
  readonly key: string;
  readonly files: ReadonlyMap<string, DocumentFile>;
  /** The paths at which it differs from the reading of another key. */
  readonly since?: { readonly key: string; readonly paths: readonly string[] };
};

/**
 * Reads the documents of revisions. A revision whose documents were read before costs one look at its root tree; of other
 * ones only the files that differ from those read last are read from Git.
 */
export class DocumentReader {
  readonly #objects: GitObjects;
  readonly #readings = new Map<string, Reading>();
  #last: { readonly folders: ReadonlyMap<string, TreeEntry>; readonly reading: Reading } | undefined;

  constructor(objects: GitObjects) {
    this.#objects = objects;
  }

  /** Goes on from documents that were read earlier, at this tree. */
  async resume(tree: string, files: Reading['files'], signal: AbortSignal): Promise<Reading> {
    const { folders, key } = await this.#folders(tree, signal);
    const reading = { key, files };
    this.#last = { folders, reading };
    this.#readings.set(key, reading);
    return reading;
  }

  /** @throws FlotillaError git-object-missing, git-object-corrupt; never for what a document says */
  async read(tree: string, signal: AbortSignal): Promise<Reading> {
    const { folders, key } = await this.#folders(tree, signal);
    const known = this.#readings.get(key);
    if (known) return known;
    const files = new Map(this.#last?.reading.files);
    const before = files.size;
    const paths: string[] = [];
    let added = 0;
    for (const name of new Set([...(this.#last?.folders.keys() ?? []), ...folders.keys()])) {
      added += await this.#update(
        files,
        name,
        this.#last?.folders.get(name),
        folders.get(name),
        paths,
        signal,
      );
    }
    // One order whatever came before, so that the same revision is always judged the same.
    const sorted =
      added === 0 && before > 0 ? files : new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
    const since = this.#last && { key: this.#last.reading.key, paths };
    const reading = { key, files: sorted, ...(since && { since }) };
    this.#last = { folders, reading };
    this.#readings.set(key, reading);
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size <= REMEMBERED) break;
      this.#readings.delete(oldest);
    }
    return reading;
  }

  async #folders(tree: string, signal: AbortSignal) {
    const entries = await this.#objects.readTree(tree, signal);
    const folders = new Map(entries.filter(holdsDocuments).map((entry) => [entry.name, entry]));
    return { folders, key: [...folders.values()].map(({ name, oid }) => `${name}:${oid}`).join(' ') };
  }

  /** How many files there are that were not there before. */
  async #update(
    files: Map<string, DocumentFile>,
    name: string,
    was: TreeEntry | undefined,
    is: TreeEntry | undefined,
    changed: string[],
    signal: AbortSignal,
  ): Promise<number> {
    if (was?.oid === is?.oid && was?.mode === is?.mode) return 0;
    const isFolder = FOLDERS.includes(name);
    const changes = isFolder
      ? await diffTrees(this.#objects, was?.oid, is?.oid, signal)
      : [{ path: '', ...(is && { after: is }) }];
    let added = 0;
    for (const { path, after } of changes) {
      const at = isFolder ? `${name}/${path}` : name;
      if (isMeant(at)) changed.push(at);
      if (!after || !isFile(after.mode) || !isMeant(at)) files.delete(at);
      else {
        if (!files.has(at)) added++;
        files.set(at, await this.#file(at, after, signal));
      }
    }
    return added;
  }

  async #file(
    path: string,
    { oid, mode }: Pick<TreeEntry, 'oid' | 'mode'>,
    signal: AbortSignal,
  ): Promise<DocumentFile> {
    const content = new TextDecoder().decode(await this.#objects.readBlob(oid, signal));
    const text = mode === 'symlink' ? textOfLink(content) : content;
    return { oid, text, read: readFleetFile(path, text)! };
  }
}

const isMeant = (path: string) => (kindAt(path) ?? looksMeant(path)) !== undefined;
const isFile = (mode: string) => mode !== 'tree' && mode !== 'gitlink';
const holdsDocuments = ({ name, mode }: TreeEntry) =>
  mode === 'tree' ? FOLDERS.includes(name) : isFile(mode) && isMeant(name);
