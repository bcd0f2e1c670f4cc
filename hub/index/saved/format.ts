import type { Commit } from '#git/objects.ts';
import type { FleetDocument } from '#proto/documents/read.ts';
import type { Problem } from '#proto/problems.ts';
import type { Content } from '#rollouts/facts.ts';
import type { DocumentsInForce } from '../../core/in-force.ts';
import type { DocumentFile } from '../documents.ts';
import type { Place } from '../history.ts';
import type { KeptVersion, VersionSource } from '../kept.ts';
import type { KnownOverlay } from '../overlays.ts';
import type { Assigned, Line, Retired } from '../rows.ts';

/** Everything that is needed to go on from a revision without reading it again. */
export type SavedIndex = Assigned &
  Place & {
    readonly files: ReadonlyMap<string, DocumentFile>;
    readonly docs: DocumentsInForce;
    /** Those that are known at `overlayTree`; rows that are held may have others besides. */
    readonly overlays: readonly KnownOverlay[];
    readonly overlayTree: string | undefined;
  };

/** To be raised with every change of what is saved, or of what is made of a repository. */
export const FORMAT = 3;
/** In a column: nothing. */
export const NONE = 0xffff_ffff;
export const DIGEST_BYTES = 32;
/** Numbers kept of each overlay: placement, components, nodes, how many files, reads; all but the fourth stand in `parts`. */
export const OVERLAY_NUMBERS = 5;

/** JSON and columns of numbers: 200,000 rows are some megabytes, and are read back in a fraction of a second. */
export type Encoded = {
  format: number;
  commit: Commit;
  files: string;
  docs: string;
  lines: string;
  overlays: {
    paths: string[];
    parts: string;
    numbers: Uint32Array;
    known: number;
    tree: string | undefined;
  };
  clusters: string[];
  /** For each line, in order. */
  rows: { cluster: Uint32Array; overlay: Uint32Array; digest: Uint32Array }[];
  /** All that are told anywhere, once. */
  digests: Uint8Array;
  /** Of each kept version, in order of lines and retired ones: its digest on every cluster of `docs`, by number. */
  contents: Uint32Array[];
  at: number;
  wrote: [author: string, at: number][];
};

/** Without the document where it has to be read from the text again. */
export type SavedFile = [path: string, oid: string, text: string, document?: FleetDocument['document']];
/** With the text where the revision has another file or none. */
export type SavedDocument = [file: string, blob: string, revision: string, invalid: boolean, text?: string];
export type SavedDocuments = readonly (readonly [name: string, document: SavedDocument])[];
export type SavedDocs = {
  fleet?: SavedDocument;
  clusters: [name: string, document: SavedDocument, enrolledBy: number, relabelledAt: string][];
  placements: SavedDocuments;
  values: SavedDocuments;
  strategies: SavedDocuments;
  access: SavedDocuments;
  valuesInDoubt: boolean;
  unreadable: { clusters: string[]; placements: string[] };
  /** Those that enrolled clusters. */
  commits: Commit[];
};
export type SavedSource = Omit<VersionSource, 'fleet' | 'values'> & { fleet: number; values: number };
/** `apart` has the cluster by number. */
export type SavedVersion = Pick<KeptVersion, 'revision' | 'at' | 'authors'> & {
  source?: SavedSource;
  apart: [cluster: number, content: Content][];
};
export type SavedLine = {
  name: string;
  kept: SavedVersion[];
  behind?: string[];
  failing: string[];
  held?: NonNullable<Line['held']>;
};
export type SavedRetired = Omit<Retired, 'kept'> & { name: string; kept: SavedVersion[] };
export type SavedLines = {
  lines: SavedLine[];
  retired: SavedRetired[];
  fleets: VersionSource['fleet'][];
  values: SavedDocuments[];
  extras: Extra[];
};
/** What keeps a row back; line and cluster by number. */
export type Extra = [line: number, cluster: number, problem: Problem];
