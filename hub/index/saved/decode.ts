import { deserialize } from 'node:v8';
import { documentOf, type Sourced } from '#proto/documents/read.ts';
import { type FleetFile, readFleetFile } from '#proto/fleet-model.ts';
import type { DocumentsInForce, InForce, InForceCluster } from '../../core/in-force.ts';
import type { DocumentFile } from '../documents.ts';
import type { KnownOverlay } from '../overlays.ts';
import type { Assigned, Line, Row, VersionSource } from '../rows.ts';
import {
  DIGEST_BYTES,
  type Encoded,
  FORMAT,
  NO_OVERLAY,
  OVERLAY_NUMBERS,
  type SavedDocs,
  type SavedDocument,
  type SavedDocuments,
  type SavedFile,
  type SavedIndex,
  type SavedLines,
} from './format.ts';

/** Undefined for what another version has saved. Throws whatever where the bytes are not what `encodeIndex` made. */
export function decodeIndex(bytes: Buffer): SavedIndex | undefined {
  const encoded = deserialize(bytes) as Encoded;
  if (encoded.format !== FORMAT) return undefined;
  const files = new Map((JSON.parse(encoded.files) as SavedFile[]).map(fileOf));
  const overlays = overlaysOf(encoded.overlays);
  return {
    commit: encoded.commit,
    files,
    docs: docsOf(JSON.parse(encoded.docs) as SavedDocs, files),
    ...assignedOf(encoded, JSON.parse(encoded.lines) as SavedLines, files, overlays),
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

function assignedOf(
  { clusters, rows: columns }: Encoded,
  { lines: saved, fleets, values, extras }: SavedLines,
  files: Files,
  overlays: readonly KnownOverlay[],
): Assigned {
  const ofClusters = clusters.map(() => new Map<string, Row>());
  for (const [line, { cluster, overlay, digests }] of columns.entries()) {
    const { name } = saved[line]!;
    const hex = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength).toString('hex');
    for (let i = 0; i < cluster.length; i++) {
      const digest = hex.slice(i * 2 * DIGEST_BYTES, (i + 1) * 2 * DIGEST_BYTES);
      const read = overlay[i] === NO_OVERLAY ? undefined : { overlay: overlays[overlay[i]!]!, digest };
      ofClusters[cluster[i]!]!.set(name, { read });
    }
  }
  for (const [line, cluster, at, problem] of extras) {
    const { name } = saved[line]!;
    const row = ofClusters[cluster]!.get(name)!;
    ofClusters[cluster]!.set(name, { read: row.read, ...(at && { at }), ...(problem && { problem }) });
  }
  const valueSets = values.map((one): VersionSource['values'] => documentsFrom(one, files));
  const lines = saved.map(({ name, version, apart, failing, held }): [string, Line] => [
    name,
    {
      version: version && {
        ...version,
        fleet: fleets[version.fleet]!,
        values: valueSets[version.values]!,
      },
      apart: new Set(apart),
      failing: new Set(failing),
      ...(held && { held }),
    },
  ]);
  return {
    rows: new Map(clusters.map((name, index) => [name, ofClusters[index]!])),
    lines: new Map(lines),
  };
}
