import type { GitObjects } from '#git/objects.ts';
import { normalizePath } from '#git/tree.ts';
import { hashOf } from '#proto/canonical.ts';
import { FlotillaError } from '#proto/faults.ts';
import { buildNode, reachable } from './closure/build.ts';
import { NodeCache } from './closure/cache.ts';
import type { Kustomization } from './closure/kustomization.ts';
import { CLOSURE_LIMITS, type ClosureLimits } from './closure/limits.ts';
import { type FileEntry, faultAt } from './closure/node.ts';
import { resolvePath } from './closure/resolve.ts';

export { NodeCache } from './closure/cache.ts';
export { faultsOf } from './closure/faults.ts';
export { CLOSURE_LIMITS, type ClosureLimits } from './closure/limits.ts';

/**
 * Everything that the kustomization of one directory can read, by id and without contents.
 *
 * Laws: nothing outside `entries` can change what it renders to; `node` changes with every one of them; and it holds no
 * path, so that the same files in another place, or in another order of committing, have the same node.
 */
export type Closure = {
  /** The directory behind any symlinks, relative to the root, which is ''. */
  readonly path: string;
  /** Lower-case hex SHA-256. */
  readonly node: string;
  readonly kind: Kustomization['kind'];
  /** The same of every directory with a kustomization from here down, by path; for caches of what is made of them. */
  readonly nodes: ReadonlyMap<string, string>;
  readonly usesCharts: boolean;
  /** Fields of the kustomization that take effect only where it is the top-level one. */
  readonly options: Pick<Kustomization, 'sortOptions' | 'buildMetadata'>;
  /** Files and symlinks, sorted by path. */
  readonly files: readonly string[];
  readonly entries: ReadonlyMap<string, FileEntry>;
  /**
   * Besides `files`: paths that alter the closure when something appears there or below. A commit that touches neither
   * leaves the closure as it is, unless the overlay did not resolve before.
   */
  readonly watch: readonly string[];
  /** Every directory with a kustomization that is read, its own included: all files lie at or below one, symlinks apart. */
  readonly directories: readonly string[];
  /** The same content at another place would not have the same node: symlinks were followed, or the directory's name matters. */
  readonly dependsOnPlace: boolean;
};

export type ClosureFile = {
  readonly bytes: Uint8Array;
  readonly mode: FileEntry['mode'];
  /** Id of the blob: equal ids, equal bytes. What is read from a file may be kept by it. */
  readonly oid?: string;
};

/**
 * The closure of one directory of a tree. Only kustomizations, configuration and symlinks are read; a store that
 * fetches is asked as often as kustomizations and directories are nested, not once per file. The cache makes thousands
 * of overlays cheap: shared bases are read once per tree, and contents are parsed once however many trees hold them.
 *
 * @throws FlotillaError overlay-missing when the directory does not exist; closure-missing-file, closure-refused,
 *   closure-invalid, closure-cycle and closure-too-large with file, line and column of the reference; several that do not
 *   depend on one another at once (`faultsOf`)
 */
export async function closureNode(
  objects: GitObjects,
  rootTree: string,
  path: string,
  cache: NodeCache,
  signal: AbortSignal,
  limits: Partial<ClosureLimits> = {},
): Promise<Closure> {
  const place = normalizePath(path);
  const found = await resolvePath(objects, rootTree, place, cache, signal);
  if (found.what === 'gitlink' || found.what === 'outside' || found.what === 'loop')
    throw faultAt(
      'closure-refused',
      place,
      undefined,
      `passes ${found.path}, a submodule or a symlink out of here`,
    );
  if (found.what !== 'directory') {
    const what = found.what === 'file' ? 'is a file, not a directory' : 'does not exist';
    throw new FlotillaError('overlay-missing', `directory ${place} ${what}`, { source: { file: place } });
  }
  const bounds = { ...CLOSURE_LIMITS, ...limits };
  const node = await buildNode(found.path, found.oid, { objects, rootTree, cache, limits: bounds, signal });
  const entries = new Map<string, FileEntry>();
  const watch = new Set<string>();
  const nodes = new Map<string, string>();
  const directories: string[] = [];
  let usesCharts = false;
  let dependsOnPlace = found.links.length > 0;
  for (const link of found.links) entries.set(link.path, { ...link, mode: 'symlink' });
  for (const directory of reachable(node)) {
    directories.push(directory.path);
    dependsOnPlace ||= directory.usesDirectoryName || directory.files.some(({ mode }) => mode === 'symlink');
    nodes.set(directory.path, directory.hash);
    for (const entry of directory.files) entries.set(entry.path, entry);
    for (const one of directory.watch) watch.add(one);
    usesCharts ||= directory.usesCharts;
    if (entries.size > bounds.files)
      throw faultAt('closure-too-large', place, undefined, `reads more than ${bounds.files} files`);
  }
  const { kind, sortOptions, buildMetadata } = node.kustomization;
  const sorted = [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    path: found.path,
    node:
      found.links.length === 0
        ? node.hash
        : hashOf('flotilla-closure-v1', { links: found.links.map(({ oid }) => oid), node: node.hash }),
    kind,
    nodes,
    usesCharts,
    options: {
      ...(sortOptions !== undefined && { sortOptions }),
      ...(buildMetadata !== undefined && { buildMetadata }),
    },
    files: sorted.map((entry) => entry.path),
    entries: new Map(sorted.map((entry) => [entry.path, entry])),
    watch: [...watch].sort(),
    directories,
    dependsOnPlace,
  };
}

/**
 * Contents of every file of some closures of one repository, by path; those of a symlink are its target. Whatever the
 * store lacks is fetched at once.
 * @throws FlotillaError closure-too-large beyond the limits in bytes
 */
export async function readFiles(
  objects: GitObjects,
  closures: readonly Closure[],
  signal: AbortSignal,
  limits: Partial<ClosureLimits> = {},
): Promise<ReadonlyMap<string, ClosureFile>> {
  const { bytes: most, fileBytes } = { ...CLOSURE_LIMITS, ...limits };
  const entries = new Map(closures.flatMap((closure) => [...closure.entries]));
  await objects.prefetch([...new Set([...entries.values()].map(({ oid }) => oid))], signal);
  const files = new Map<string, ClosureFile>();
  let total = 0;
  for (const [path, { oid, mode }] of entries) {
    const bytes = await objects.readBlob(oid, signal);
    total += bytes.length;
    if (bytes.length > fileBytes)
      throw faultAt(
        'closure-too-large',
        path,
        undefined,
        `has ${bytes.length} bytes, more than ${fileBytes}`,
      );
    if (total > most)
      throw faultAt('closure-too-large', closures[0]!.path, undefined, `reads more than ${most} bytes`);
    files.set(path, { bytes, mode, oid });
  }
  return files;
}

/** The closure of one directory with its contents, for who renders a single overlay. */
export async function readClosure(
  objects: GitObjects,
  rootTree: string,
  path: string,
  options: { cache?: NodeCache; limits?: Partial<ClosureLimits> },
  signal: AbortSignal,
): Promise<Omit<Closure, 'files'> & { readonly files: ReadonlyMap<string, ClosureFile> }> {
  const { cache = new NodeCache(), limits = {} } = options;
  const closure = await closureNode(objects, rootTree, path, cache, signal, limits);
  return { ...closure, files: await readFiles(objects, [closure], signal, limits) };
}
