import type { GitObjects, TreeEntry } from '#git/objects.ts';
import { entryAt } from '#git/tree.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { type FleetDocument, readDocument } from '#proto/documents/read.ts';
import { FlotillaError } from '#proto/faults.ts';
import { LIMITS } from '#proto/limits.ts';
import type { Problem } from '#proto/problems.ts';
import { type ValuesFound, ValuesReader } from './values-reader.ts';

/** A document at one revision. `invalid` is not absence: whatever it concerns stays as it was. */
export type Found<T> =
  | { state: 'valid'; document: T; file: string }
  | { state: 'invalid'; problems: readonly Problem[]; file: string }
  | { state: 'absent' };

type Documents = { Fleet: Fleet; Cluster: Cluster; Placement: Placement };
type Kind = keyof Documents;

const FOLDERS = { Cluster: 'clusters', Placement: 'placements' } as const;
const MOST_REMEMBERED = 500;

/**
 * Reads the few documents that concern one cluster, at any revision: only the trees on the way and the files themselves are
 * fetched. The revision must have been proven to be on the branch before.
 */
export class FleetReader {
  readonly #objects: GitObjects;
  /** Where a document stood last: looked at first, so that a large folder is walked once. */
  readonly #files = new Map<string, string>();
  readonly #parsed = new Map<string, Found<unknown>>();
  readonly #values: ValuesReader;

  constructor(objects: GitObjects) {
    this.#objects = objects;
    this.#values = new ValuesReader(objects);
  }

  /** The root tree of a revision, under which overlays are read. */
  async treeOf(revision: string, signal: AbortSignal): Promise<string> {
    return (await this.#objects.readCommit(revision, signal)).tree;
  }

  async fleet(revision: string, signal: AbortSignal): Promise<Found<Fleet>> {
    const entry = await entryAt(this.#objects, await this.treeOf(revision, signal), 'flotilla.yaml', signal);
    return isFile(entry) ? this.#read<'Fleet'>('flotilla.yaml', entry.oid, signal) : { state: 'absent' };
  }

  cluster(revision: string, name: string, signal: AbortSignal): Promise<Found<Cluster>> {
    return this.#named('Cluster', revision, name, signal);
  }

  placement(revision: string, name: string, signal: AbortSignal): Promise<Found<Placement>> {
    return this.#named('Placement', revision, name, signal);
  }

  /** Every Values document, whichever clusters it selects. */
  async values(revision: string, signal: AbortSignal): Promise<ValuesFound> {
    return this.#values.at(await this.treeOf(revision, signal), signal);
  }

  async #named<K extends 'Cluster' | 'Placement'>(
    kind: K,
    revision: string,
    name: string,
    signal: AbortSignal,
  ): Promise<Found<Documents[K]>> {
    const root = await this.treeOf(revision, signal);
    const known = this.#files.get(`${kind}/${name}`) ?? `${FOLDERS[kind]}/${name}.yaml`;
    const entry = await entryAt(this.#objects, root, known, signal);
    if (isFile(entry)) return this.#read<K>(known, entry.oid, signal);
    const found = await this.#search(root, FOLDERS[kind], `${name}.yaml`, signal);
    const [first, second] = found;
    if (!first) return { state: 'absent' };
    if (second) {
      const message = `${second.file}: ${kind} ${name} exists already in ${first.file}`;
      const source = { file: second.file };
      const problems: Problem[] = [{ code: 'document-duplicate', severity: 'error', message, source }];
      return { state: 'invalid', problems, file: second.file };
    }
    this.#files.set(`${kind}/${name}`, first.file);
    return this.#read<K>(first.file, first.oid, signal);
  }

  /** Files of a name anywhere below a folder, one request per level of folders. */
  async #search(
    root: string,
    folder: string,
    file: string,
    signal: AbortSignal,
  ): Promise<{ file: string; oid: string }[]> {
    const found: { file: string; oid: string }[] = [];
    const top = await entryAt(this.#objects, root, folder, signal);
    let level = top?.mode === 'tree' ? [{ path: folder, oid: top.oid }] : [];
    while (level.length > 0) {
      await this.#objects.prefetch(
        level.map(({ oid }) => oid),
        signal,
      );
      const next: typeof level = [];
      for (const { path, oid } of level) {
        for (const entry of await this.#objects.readTree(oid, signal)) {
          const at = `${path}/${entry.name}`;
          if (entry.mode === 'tree') next.push({ path: at, oid: entry.oid });
          else if (entry.name === file && isFile(entry)) found.push({ file: at, oid: entry.oid });
        }
      }
      level = next;
    }
    return found;
  }

  async #read<K extends Kind>(file: string, oid: string, signal: AbortSignal): Promise<Found<Documents[K]>> {
    const key = `${file}\0${oid}`;
    const known = this.#parsed.get(key);
    if (known) return known as Found<Documents[K]>;
    const blob = await this.#objects.readBlob(oid, signal);
    const found = parse<K>(file, blob);
    if (this.#parsed.size >= MOST_REMEMBERED) this.#parsed.clear();
    this.#parsed.set(key, found);
    return found;
  }
}

function parse<K extends Kind>(file: string, blob: Uint8Array): Found<Documents[K]> {
  if (blob.byteLength > LIMITS.documentBytes) {
    const message = `${file} is larger than ${LIMITS.documentBytes} bytes`;
    return {
      state: 'invalid',
      problems: [{ code: 'document-invalid', severity: 'error', message, source: { file } }],
      file,
    };
  }
  const result = readDocument(file, Buffer.from(blob).toString('utf8'));
  if ('problems' in result) return { state: 'invalid', problems: result.problems, file };
  return { state: 'valid', document: (result.read as FleetDocument).document as Documents[K], file };
}

function isFile(entry: TreeEntry | undefined): entry is TreeEntry {
  return entry?.mode === 'file' || entry?.mode === 'executable';
}

/** The document, or a FlotillaError that says in words why it cannot be used. */
export function required<T>(found: Found<T>, what: string, revision: string): T {
  if (found.state === 'valid') return found.document;
  if (found.state === 'absent') {
    throw new FlotillaError('not-selected', `${what} does not exist at ${revision}`);
  }
  const [problem] = found.problems;
  throw new FlotillaError(
    problem?.code ?? 'document-invalid',
    problem?.message ?? `${found.file} is invalid at ${revision}`,
    problem && { source: problem.source },
  );
}
