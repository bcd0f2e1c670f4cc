import { deserialize } from 'node:v8';
import { documentOf, type Sourced } from '#proto/documents/read.ts';
import { type FleetFile, readFleetFile } from '#proto/fleet-model.ts';
import type { Content } from '#rollouts/facts.ts';
import type { DocumentsInForce, InForce, InForceCluster } from '../../core/in-force.ts';
import { Contents, Slots } from '../contents.ts';
import type { DocumentFile } from '../documents.ts';
import type { Kept, VersionSource } from '../kept.ts';
import type { KnownOverlay } from '../overlays.ts';
import type { Assigned, Line, Row } from '../rows.ts';
import {
  DIGEST_BYTES,
  type Encoded,
  FORMAT,
  NONE,
  OVERLAY_NUMBERS,
  type SavedDocs,
  type SavedDocument,
  type SavedDocuments,
  type SavedFile,
  type SavedIndex,
  type SavedLines,
  type SavedSource,
  type SavedVersion,
} from './format.ts';

/** Undefined for what another version has saved. Throws whatever where the bytes are not what `encodeIndex` made. */
export function decodeIndex(bytes: Buffer): SavedIndex | undefined {
  const encoded = deserialize(bytes) as Encoded;
  if (encoded.format !== FORMAT) return undefined;
  const files = new Map((JSON.parse(encoded.files) as SavedFile[]).map(fileOf));
  const overlays = overlaysOf(encoded.overlays);
  const docs = docsOf(JSON.parse(encoded.docs) as SavedDocs, files);
  return {
    commit: encoded.commit,
    files,
    docs,
    ...assignedOf(encoded, JSON.parse(encoded.lines) as SavedLines, docs, files, overlays),
    at: encoded.at,
    wrote: new Map(encoded.wrote),
    overlays: overlays.slice(0, encoded.overlays.known),
    overlayTree: encoded.overlays.tree,
  };
}

type Files = ReadonlyMap<string, DocumentFile>;

function fileOf([path, oid, text, document]: SavedFile): [string, DocumentFile] {
  const read: FleetFile = document
    ? { file: path, result: { read: documentOf(path, text, document) } }
    : readFleetFile(path, text)!;
  return [path, { oid, text, read }];
}

function documentFrom<T>([file, blob, revision, invalid, text]: SavedDocument, files: Files): InForce<T> {
  const { result } = text === undefined ? files.get(file)!.read : readFleetFile(file, text)!;
  if (!('read' in result)) throw new Error(`${file} was in force and cannot be read`);
  const { document, locate, quote } = result.read as unknown as Sourced<T>;
  return { document, file, locate, quote, blob, revision, invalid };
}

function documentsFrom<T>(saved: SavedDocuments, files: Files): Map<string, InForce<T>> {
  return new Map(saved.map(([name, one]) => [name, documentFrom<T>(one, files)]));
}

function docsOf(saved: SavedDocs, files: Files): DocumentsInForce {
  const { commits, unreadable } = saved;
  const clusters = saved.clusters.map(([name, one, enrolledBy, relabelledAt]): [string, InForceCluster] => [
    name,
    { ...documentFrom(one, files), enrolledBy: commits[enrolledBy]!, relabelledAt },
  ]);
  return {
    fleet: saved.fleet && documentFrom(saved.fleet, files),
    clusters: new Map(clusters),
    placements: documentsFrom(saved.placements, files),
    values: documentsFrom(saved.values, files),
    strategies: documentsFrom(saved.strategies, files),
    access: documentsFrom(saved.access, files),
    valuesInDoubt: saved.valuesInDoubt,
    unreadable: {
      clusters: new Set(unreadable.clusters),
      placements: new Set(unreadable.placements),
    },
  };
}

function overlaysOf({ paths, parts: json, numbers }: Encoded['overlays']): KnownOverlay[] {
  const parts = JSON.parse(json);
  return paths.map((path, i) => {
    const at = i * OVERLAY_NUMBERS;
    return {
      placement: parts[numbers[at]!],
      path,
      components: parts[numbers[at + 1]!],
      nodes: parts[numbers[at + 2]!],
      files: numbers[at + 3]!,
      reads: parts[numbers[at + 4]!],
    };
  });
}

/** One string for each digest: rows and contents share it. */
function digestsOf(bytes: Uint8Array): string[] {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  const size = 2 * DIGEST_BYTES;
  return Array.from({ length: hex.length / size }, (_, i) => hex.slice(i * size, (i + 1) * size));
}

function assignedOf(
  { clusters, rows: columns, digests: bytes, contents: arrays }: Encoded,
  { lines: saved, retired, fleets, values, extras }: SavedLines,
  docs: DocumentsInForce,
  files: Files,
  overlays: readonly KnownOverlay[],
): Assigned {
  const ofClusters = clusters.map(() => new Map<string, Row>());
  const digests = digestsOf(bytes);
  for (const [line, { cluster, overlay, digest }] of columns.entries()) {
    const { name } = saved[line]!;
    for (let i = 0; i < cluster.length; i++) {
      const read =
        overlay[i] === NONE ? undefined : { overlay: overlays[overlay[i]!]!, digest: digests[digest[i]!]! };
      ofClusters[cluster[i]!]!.set(name, { read });
    }
  }
  for (const [line, cluster, problem] of extras) {
    const { name } = saved[line]!;
    const row = ofClusters[cluster]!.get(name)!;
    ofClusters[cluster]!.set(name, { ...row, problem });
  }
  const valueSets = values.map((one): VersionSource['values'] => documentsFrom(one, files));
  const sourceOf = (source: SavedSource): VersionSource => ({
    ...source,
    fleet: fleets[source.fleet]!,
    values: valueSets[source.values]!,
  });
  const names = [...docs.clusters.keys()];
  const slots = new Slots();
  for (const name of names) slots.of(name);
  let next = 0;
  const keptOf = (versions: readonly SavedVersion[]): Kept =>
    versions.map(({ apart, source, ...version }) => {
      const told = arrays[next++]!;
      const contents = function* (): Iterable<[string, Content]> {
        for (const [number, digest] of told.entries())
          if (digest !== NONE)
            yield [names[number]!, { digest: digests[digest]!, entryRevision: version.revision }];
        for (const [number, content] of apart) yield [names[number]!, content];
      };
      return {
        ...version,
        source: source && sourceOf(source),
        contents: Contents.of(version.revision, contents(), slots),
      };
    });
  const lines = saved.map(({ name, failing, held, kept, behind }): [string, Line] => [
    name,
    {
      kept: keptOf(kept),
      ...(behind && { behind: new Set(behind) }),
      failing: new Set(failing),
      ...(held && { held }),
    },
  ]);
  return {
    rows: new Map(clusters.map((name, index) => [name, ofClusters[index]!])),
    lines: new Map(lines),
    retired: new Map(retired.map(({ name, kept, ...rest }) => [name, { ...rest, kept: keptOf(kept) }])),
    slots,
  };
}
