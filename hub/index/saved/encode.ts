import { serialize } from 'node:v8';
import type { Commit } from '#git/objects.ts';
import type { DocumentsInForce, InForce } from '../../core/in-force.ts';
import type { DocumentFile } from '../documents.ts';
import type { KeptVersion, VersionSource } from '../kept.ts';
import type { KnownOverlay, Overlay } from '../overlays.ts';
import {
  type Encoded,
  type Extra,
  FORMAT,
  NONE,
  OVERLAY_NUMBERS,
  type SavedDocs,
  type SavedDocument,
  type SavedDocuments,
  type SavedFile,
  type SavedIndex,
  type SavedLine,
  type SavedLines,
  type SavedRetired,
  type SavedSource,
  type SavedVersion,
} from './format.ts';

type TextOf = (blob: string) => Promise<string>;

/** `textOf` reads a blob, for documents in force that the revision does not have any more. */
export async function encodeIndex(index: SavedIndex, textOf: TextOf): Promise<Buffer> {
  const { commit, rows, lines } = index;
  const overlays = new Table<Overlay>(index.overlays);
  const digests = new Table<string>();
  const columns = columnsOf(index, overlays, digests);
  const encoded: Encoded = {
    format: FORMAT,
    commit,
    files: JSON.stringify([...index.files].map(savedFile)),
    docs: JSON.stringify(await savedDocs(index, textOf)),
    lines: JSON.stringify(await savedLines(index, columns.extras, textOf)),
    overlays: { ...savedOverlays(overlays.items), known: index.overlays.length, tree: index.overlayTree },
    clusters: [...rows.keys()],
    rows: [...lines.keys()].map((name) => columns.of.get(name)!),
    contents: contentsOf(index, digests),
    digests: Buffer.from(digests.items.join(''), 'hex'),
    at: index.at,
    wrote: [...index.wrote],
  };
  return serialize(encoded);
}

function savedFile([path, { oid, text, read }]: [string, DocumentFile]): SavedFile {
  const { result } = read;
  return 'read' in result && !result.warnings ? [path, oid, text, result.read.document] : [path, oid, text];
}

async function savedDocument(
  { file, blob, revision, invalid }: InForce<unknown>,
  { files }: SavedIndex,
  textOf: TextOf,
): Promise<SavedDocument> {
  const saved: SavedDocument = [file, blob, revision, invalid];
  if (files.get(file)?.oid !== blob) saved.push(await textOf(blob));
  return saved;
}

async function savedDocuments(
  documents: ReadonlyMap<string, InForce<unknown>>,
  index: SavedIndex,
  textOf: TextOf,
): Promise<SavedDocuments> {
  const saved: (readonly [string, SavedDocument])[] = [];
  for (const [name, one] of documents) saved.push([name, await savedDocument(one, index, textOf)]);
  return saved;
}

async function savedDocs(index: SavedIndex, textOf: TextOf): Promise<SavedDocs> {
  const { docs } = index;
  const commits = new Table<Commit>();
  const clusters: SavedDocs['clusters'] = [];
  for (const [name, one] of docs.clusters) {
    const saved = await savedDocument(one, index, textOf);
    clusters.push([name, saved, commits.indexOf(one.enrolledBy), one.relabelledAt]);
  }
  const all = (documents: ReadonlyMap<string, InForce<unknown>>) => savedDocuments(documents, index, textOf);
  return {
    ...(docs.fleet && { fleet: await savedDocument(docs.fleet, index, textOf) }),
    clusters,
    placements: await all(docs.placements),
    values: await all(docs.values),
    strategies: await all(docs.strategies),
    access: await all(docs.access),
    valuesInDoubt: docs.valuesInDoubt,
    unreadable: {
      clusters: [...docs.unreadable.clusters],
      placements: [...docs.unreadable.placements],
    },
    commits: commits.items,
  };
}

async function savedLines(index: SavedIndex, extras: Extra[], textOf: TextOf): Promise<SavedLines> {
  const fleets = new Table<VersionSource['fleet']>();
  const values = new Table<DocumentsInForce['values']>();
  const numbers = new Map([...index.docs.clusters.keys()].map((name, number) => [name, number]));
  const savedSource = (source: VersionSource): SavedSource => ({
    ...source,
    fleet: fleets.indexOf(source.fleet),
    values: values.indexOf(source.values),
  });
  const savedVersion = ({ revision, at, authors, source, contents }: KeptVersion): SavedVersion => ({
    revision,
    at,
    authors,
    ...(source && { source: savedSource(source) }),
    apart: [...contents.apart].map(([cluster, content]) => [numbers.get(cluster)!, content]),
  });
  const lines = [...index.lines].map(
    ([name, { failing, held, kept, behind }]): SavedLine => ({
      name,
      kept: kept.map(savedVersion),
      ...(behind && { behind: [...behind] }),
      failing: [...failing],
      ...(held && { held }),
    }),
  );
  const retired = [...index.retired].map(
    ([name, { kept, ...rest }]): SavedRetired => ({ ...rest, name, kept: kept.map(savedVersion) }),
  );
  const savedValues: SavedDocuments[] = [];
  for (const one of values.items) savedValues.push(await savedDocuments(one, index, textOf));
  return { lines, retired, fleets: fleets.items, values: savedValues, extras };
}

function contentsOf({ lines, retired, docs }: SavedIndex, digests: Table<string>): Uint32Array[] {
  const clusters = [...docs.clusters.keys()];
  return [...lines.values(), ...retired.values()].flatMap(({ kept }) =>
    kept.map(({ contents }) =>
      Uint32Array.from(clusters, (cluster) => {
        const digest = contents.digest(cluster);
        return digest === undefined ? NONE : digests.indexOf(digest);
      }),
    ),
  );
}

/** The rows of every placement as columns, and what stands in none. */
function columnsOf({ rows, lines }: SavedIndex, overlays: Table<Overlay>, digests: Table<string>) {
  const extras: Extra[] = [];
  const of = new Map<string, Encoded['rows'][number]>();
  const clusters = [...rows.values()];
  for (const [line, placement] of [...lines.keys()].entries()) {
    const found = clusters.flatMap((ofCluster, cluster) => {
      const row = ofCluster.get(placement);
      return row ? [{ row, cluster }] : [];
    });
    for (const { row, cluster } of found) {
      if (row.problem) extras.push([line, cluster, row.problem]);
    }
    of.set(placement, {
      cluster: Uint32Array.from(found, ({ cluster }) => cluster),
      overlay: Uint32Array.from(found, ({ row }) => (row.read ? overlays.indexOf(row.read.overlay) : NONE)),
      digest: Uint32Array.from(found, ({ row }) => (row.read ? digests.indexOf(row.read.digest) : NONE)),
    });
  }
  return { of, extras };
}

function savedOverlays(
  overlays: readonly Overlay[],
): Pick<Encoded['overlays'], 'paths' | 'parts' | 'numbers'> {
  const parts = new Table<unknown>();
  const texts = new Map<string, number>();
  const byText = (part: unknown): number => {
    const text = JSON.stringify(part);
    const known = texts.get(text) ?? parts.indexOf(part);
    texts.set(text, known);
    return known;
  };
  const numbers = new Uint32Array(overlays.length * OVERLAY_NUMBERS);
  for (const [i, overlay] of overlays.entries()) {
    const { placement, components, nodes, files } = overlay;
    const reads = (overlay as Partial<KnownOverlay>).reads ?? [];
    const row = [byText(placement), byText(components), parts.indexOf(nodes), files, byText(reads)];
    numbers.set(row, i * OVERLAY_NUMBERS);
  }
  return { paths: overlays.map(({ path }) => path), parts: JSON.stringify(parts.items), numbers };
}

/** Gives each thing a number, the same for the same. */
class Table<T> {
  readonly items: T[];
  readonly #indexes: Map<T, number>;

  constructor(items: readonly T[] = []) {
    this.items = [...items];
    this.#indexes = new Map(items.map((item, index) => [item, index]));
  }

  indexOf(item: T): number {
    let index = this.#indexes.get(item);
    if (index === undefined) {
      index = this.items.push(item) - 1;
      this.#indexes.set(item, index);
    }
    return index;
  }
}
