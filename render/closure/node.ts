import { type FaultCode, FlotillaError, type SourceLocation } from '#proto/faults.ts';
import type { Position } from '../yaml/read.ts';
import type { Kustomization } from './kustomization.ts';

/** A symlink that was followed. */
export type Link = { readonly path: string; readonly oid: string };

/** A file of a closure. A symlink's blob is its target's text. */
export type FileEntry = {
  readonly path: string;
  readonly oid: string;
  readonly mode: 'file' | 'executable' | 'symlink';
};

/** Something that a directory reads: a file by its blob, a chart home by its tree, or another kustomization. */
export type Item = {
  readonly field: string;
  readonly source: SourceLocation;
  readonly links: readonly Link[];
  readonly files: readonly FileEntry[];
} & (
  | { readonly reads: 'file' | 'charts'; readonly oid: string }
  | {
      readonly reads: 'kustomization';
      readonly path: string;
      readonly expects: Kustomization['kind'];
      /** Its resources configure plugins of the directory that lists it. */
      readonly isConfig: boolean;
    }
);

/** A directory with its kustomization read and every reference looked up, but nothing below it. */
export type LoadedDirectory = {
  readonly path: string;
  /** The kustomization file, behind its symlinks. */
  readonly file: FileEntry;
  readonly kustomization: Kustomization;
  readonly items: readonly Item[];
  /** Own files: the kustomization, what its items read and the symlinks on the way. */
  readonly files: readonly FileEntry[];
  /** Paths whose appearance or change below would alter the closure, besides the files themselves. */
  readonly watch: readonly string[];
  readonly usesCharts: boolean;
  readonly usesDirectoryName: boolean;
  /** References that lead nowhere; they are told together with those of other directories. */
  readonly faults: readonly FlotillaError[];
};

/** The same, with the hash over everything that can be read from here. */
export type DirectoryNode = LoadedDirectory & {
  readonly hash: string;
  readonly children: readonly DirectoryNode[];
};

/** A fault at a place of the repository; the message starts with the place. */
export function faultAt(
  code: FaultCode,
  file: string,
  at: Position | undefined,
  message: string,
  cause?: unknown,
): FlotillaError {
  const place = at ? `${file}:${at.line}:${at.column}` : file;
  return new FlotillaError(code, `${place}: ${message}`, {
    source: { file, ...(at && { line: at.line, column: at.column }) },
    ...(cause !== undefined && { cause }),
  });
}
