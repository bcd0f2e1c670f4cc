import { FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';
import { createBreather } from './breathe.ts';
import type { EntryMode, GitObjects, TreeEntry } from './objects.ts';

/** A file below a directory; `path` is relative to the root that was asked about. */
export type TreeFile = { readonly path: string; readonly mode: EntryMode; readonly oid: string };

/** `before` is missing for what was added, `after` for what was removed; both stand for a change of content or mode. */
export type TreeChange = {
  readonly path: string;
  readonly before?: Pick<TreeEntry, 'mode' | 'oid'>;
  readonly after?: Pick<TreeEntry, 'mode' | 'oid'>;
};

/** Bounds of a walk; beyond them `git-too-large` is thrown. */
export type WalkLimits = { readonly maxEntries?: number; readonly maxDepth?: number };

const MAX_ENTRIES = 1_000_000;
const MAX_DEPTH = 64;

/**
 * Brings a path inside a repository to its one form: segments joined by `/`, without `.` and empty ones. `.` and the
 * empty path are the root, which is `''`. Throws `path-escapes` for a path that is absolute or has `..` or a NUL.
 */
export function normalizePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (path.startsWith('/') || path.includes('\0') || segments.includes('..')) {
    throw new FlotillaError('path-escapes', `path ${JSON.stringify(clip(path, 200))} leaves the repository`);
  }
  return segments.join('/');
}

/** What stands at a path below a tree, or undefined. The root is the tree itself. Symlinks are not followed. */
export async function entryAt(
  objects: GitObjects,
  rootTree: string,
  path: string,
  signal: AbortSignal,
): Promise<TreeEntry | undefined> {
  let entry: TreeEntry = { name: '', mode: 'tree', oid: rootTree };
  for (const name of normalizePath(path).split('/').filter(Boolean)) {
    if (entry.mode !== 'tree') return undefined;
    const found = (await objects.readTree(entry.oid, signal)).find((one) => one.name === name);
    if (!found) return undefined;
    entry = found;
  }
  return entry;
}

/**
 * Every file, symlink and gitlink below a tree, sorted by path (by UTF-16 units); `under` stands before the paths.
 * A sparse store is asked once for each level of directories.
 */
export async function listFiles(
  objects: GitObjects,
  tree: string,
  under: string,
  signal: AbortSignal,
  limits: WalkLimits = {},
): Promise<TreeFile[]> {
  const changes = await diffTrees(objects, undefined, tree, signal, limits);
  const prefix = normalizePath(under);
  return changes.map(({ path, after }) => ({ path: prefix === '' ? path : `${prefix}/${path}`, ...after! }));
}

/**
 * The files that differ between two trees, sorted by path; undefined is the empty tree. Equal subtrees are not read.
 * A file that becomes a directory is its removal and the additions below it.
 */
export async function diffTrees(
  objects: GitObjects,
  before: string | undefined,
  after: string | undefined,
  signal: AbortSignal,
  limits: WalkLimits = {},
): Promise<TreeChange[]> {
  const { maxEntries = MAX_ENTRIES, maxDepth = MAX_DEPTH } = limits;
  const breathe = createBreather();
  const changes: TreeChange[] = [];
  let entries = 0;
  type Pair = { path: string; before?: string | undefined; after?: string | undefined };
  let level: Pair[] = before === after ? [] : [{ path: '', before, after }];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      throw new FlotillaError('git-too-large', `directories are nested deeper than ${maxDepth}`);
    await objects.prefetch(
      level.flatMap((pair) => [pair.before, pair.after]).filter((oid) => oid !== undefined),
      signal,
    );
    const next: Pair[] = [];
    for (const pair of level) {
      const old = new Map(
        (pair.before === undefined ? [] : await objects.readTree(pair.before, signal)).map((one) => [
          one.name,
          one,
        ]),
      );
      const now = pair.after === undefined ? [] : await objects.readTree(pair.after, signal);
      entries += old.size + now.length;
      if (entries > maxEntries)
        throw new FlotillaError('git-too-large', `more than ${maxEntries} directory entries`);
      const compare = (was: TreeEntry | undefined, is: TreeEntry | undefined): void => {
        if (was && is && was.oid === is.oid && was.mode === is.mode) return;
        const path = pair.path + (is ?? was!).name;
        const below = { before: subtree(was), after: subtree(is) };
        if (below.before ?? below.after) next.push({ path: `${path}/`, ...below });
        const change = { ...side('before', was), ...side('after', is) };
        if (change.before || change.after) changes.push({ path, ...change });
      };
      for (const is of now) {
        compare(old.get(is.name), is);
        old.delete(is.name);
      }
      for (const was of old.values()) compare(was, undefined);
      await breathe(signal);
    }
    level = next;
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function subtree(entry: TreeEntry | undefined): string | undefined {
  return entry?.mode === 'tree' ? entry.oid : undefined;
}

function side(name: 'before' | 'after', entry: TreeEntry | undefined): Partial<TreeChange> {
  return entry && entry.mode !== 'tree' ? { [name]: { mode: entry.mode, oid: entry.oid } } : {};
}
