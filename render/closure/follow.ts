import type { GitObjects } from '#git/objects.ts';
import type { FaultCode, FlotillaError } from '#proto/faults.ts';
import type { Position } from '../yaml/read.ts';
import type { NodeCache } from './cache.ts';
import type { ClosureLimits } from './limits.ts';
import { type FileEntry, faultAt, type Item, type Link } from './node.ts';
import type { Reference } from './references.ts';
import { remoteTarget } from './remote.ts';
import { type Found, joinPath, resolvePath } from './resolve.ts';

export type LoadContext = {
  objects: GitObjects;
  rootTree: string;
  cache: NodeCache;
  limits: ClosureLimits;
  signal: AbortSignal;
};

/** Where a reference stands: the directory it is relative to and the file that holds it. */
export type Site = { directory: string; file: string };

/** What one entry contributes; configuration contributes what it names in turn. */
export type Part = { items: Item[]; watch: string[]; usesDirectoryName: boolean };

/** What a reference leads to; everything that is neither a file nor a directory of the tree is thrown. */
export async function follow(text: string, reference: Reference, site: Site, context: LoadContext) {
  const { at, names } = reference;
  const remote = remoteTarget(text);
  const elsewhere = (what: string) => refused(site, at, `${text} is ${what}; vendor it into this repository`);
  if (remote && (names === 'component' || /^https?:/i.test(text))) throw elsewhere(remote);
  if (text.startsWith('/')) throw refused(site, at, `${text} is an absolute path`);
  const path = joinPath(site.directory, text);
  const found = path === undefined ? undefined : await lookUp(path, context);
  // A local file of such a name is read; a local directory is not, kustomize takes it for the repository.
  if (remote && found?.what !== 'file') throw elsewhere(remote);
  switch (found?.what) {
    case undefined:
      throw refused(site, at, `${text} leads out of the repository`);
    case 'nothing':
      throw faultAt('closure-missing-file', site.file, at, `${text} does not exist${missingAs(names)}`);
    case 'gitlink':
      throw refused(site, at, `${text} lies in the submodule ${found.path}`);
    case 'outside':
      throw refused(site, at, `${text} passes the symlink ${found.path}, which leads out of the repository`);
    case 'loop':
      throw refused(site, at, `${text} passes too many symlinks, last ${found.path}`);
    case 'file':
    case 'directory':
      return found;
    default:
      return found satisfies never;
  }
}

function missingAs(names: Reference['names']): string {
  return names === 'resource' || names === 'config' ? ', neither as a file nor as a directory' : '';
}

export function lookUp(path: string, { objects, rootTree, cache, signal }: LoadContext): Promise<Found> {
  return resolvePath(objects, rootTree, path, cache, signal);
}

export const nothing = (): Part => ({ items: [], watch: [], usesDirectoryName: false });

export function fileEntry({ path, oid, executable }: Found & { what: 'file' }): FileEntry {
  return { path, oid, mode: executable ? 'executable' : 'file' };
}

export function linkEntries(links: readonly Link[]): FileEntry[] {
  return links.map(({ path, oid }) => ({ path, oid, mode: 'symlink' }));
}

export function refused(site: Site, at: Position, message: string): FlotillaError {
  return problem('closure-refused', site, at, message);
}

export function invalid(site: Site, at: Position, message: string): FlotillaError {
  return problem('closure-invalid', site, at, message);
}

function problem(code: FaultCode, site: Site, at: Position, message: string): FlotillaError {
  return faultAt(code, site.file, at, message);
}
