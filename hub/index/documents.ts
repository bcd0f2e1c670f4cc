import type { GitObjects, TreeEntry } from '#git/objects.ts';
import { diffTrees } from '#git/tree.ts';
import { DOCUMENT_FOLDERS, hidesDocuments, kindAt, looksMeant } from '#proto/documents/kinds.ts';
import { textOfEntry } from '#proto/documents/read.ts';
import { type FleetFile, readFleetFile } from '#proto/fleet-model.ts';

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
    return {
      folders,
      key: [...folders.values()].map(({ name, mode, oid }) => `${name}:${mode}:${oid}`).join(' '),
    };
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
    const [before, now] = [was, is].map((one) => (one?.mode === 'tree' ? one.oid : undefined));
    const below = await diffTrees(this.#objects, before, now, signal);
    const changes: { path: string; before?: { mode: string }; after?: Entry }[] = [
      ...below.map((one) => ({ ...one, path: `${name}/${one.path}` })),
      { path: name, ...(was && { before: was }), ...(is && { after: is }) },
    ];
    let added = 0;
    for (const { path: at, before: old, after } of changes) {
      const isNow = after !== undefined && isRead(at, after.mode);
      if (isNow || (old !== undefined && isRead(at, old.mode))) changed.push(at);
      if (!isNow) files.delete(at);
      else {
        if (!files.has(at)) added++;
        files.set(at, await this.#file(at, after, signal));
      }
    }
    return added;
  }

  async #file(path: string, { oid, mode }: Entry, signal: AbortSignal): Promise<DocumentFile> {
    const isBlob = mode !== 'gitlink';
    const content = isBlob ? new TextDecoder().decode(await this.#objects.readBlob(oid, signal)) : '';
    const text = textOfEntry(mode, content);
    return { oid, text, read: readFleetFile(path, text)! };
  }
}

type Entry = Pick<TreeEntry, 'oid' | 'mode'>;
const isRead = (path: string, mode: string): boolean =>
  mode !== 'tree' && ((kindAt(path) ?? looksMeant(path)) !== undefined || hidesDocuments(path, mode));
/** Everything else of a fleet repo is content. */
const holdsDocuments = ({ name, mode }: TreeEntry) => DOCUMENT_FOLDERS.includes(name) || isRead(name, mode);
