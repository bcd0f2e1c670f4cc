import type { GitObjects } from '#git/objects.ts';
import type { NodeCache } from './cache.ts';
import type { Link } from './node.ts';

/** What a path leads to inside one tree, symlinks followed; `path` is the real one. */
export type Found =
  | { what: 'file'; path: string; oid: string; executable: boolean; links: readonly Link[] }
  | { what: 'directory'; path: string; oid: string; links: readonly Link[] }
  | { what: 'nothing' }
  /** Where the refusal stands: a submodule, a symlink out of the repository, or symlinks in a circle. */
  | { what: 'gitlink' | 'outside' | 'loop'; path: string };

/** As many as Linux follows. */
const MAX_LINKS = 40;
const MAX_TARGET = 4_096;

/**
 * Joins a reference to the directory that holds it, as Go's `filepath.Join` does: `..` is taken by the text, before any
 * symlink. Undefined when it leads above the root of the repository or is absolute.
 */
export function joinPath(directory: string, text: string): string | undefined {
  if (text.startsWith('/')) return undefined;
  const parts = directory.split('/').filter(Boolean);
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** True when `path` is the directory or lies below it; the root is ''. */
export function isWithin(directory: string, path: string): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`);
}

/** Looks a clean path up in a tree, following symlinks as the kernel does, without ever leaving the tree. */
export async function resolvePath(
  objects: GitObjects,
  rootTree: string,
  path: string,
  cache: NodeCache,
  signal: AbortSignal,
): Promise<Found> {
  const links: Link[] = [];
  const above: { name: string; oid: string }[] = [];
  const here = () => above.map(({ name }) => name).join('/');
  const todo = path.split('/').filter(Boolean);
  while (todo.length > 0) {
    const name = todo.shift()!;
    if (name === '.' || name === '') continue;
    if (name === '..') {
      if (above.pop() === undefined) return { what: 'outside', path: links.at(-1)?.path ?? path };
      continue;
    }
    const tree = await cache.tree(objects, above.at(-1)?.oid ?? rootTree, signal);
    const entry = tree.get(name);
    if (!entry) return { what: 'nothing' };
    const at = [...above.map((one) => one.name), name].join('/');
    if (entry.mode === 'tree') above.push({ name, oid: entry.oid });
    else if (entry.mode === 'gitlink') return { what: 'gitlink', path: at };
    else if (entry.mode === 'symlink') {
      links.push({ path: at, oid: entry.oid });
      if (links.length > MAX_LINKS) return { what: 'loop', path: at };
      const content = await objects.readBlob(entry.oid, signal);
      if (content.length === 0 || content.length > MAX_TARGET) return { what: 'nothing' };
      const target = Buffer.from(content).toString('utf8');
      if (target.startsWith('/')) return { what: 'outside', path: at };
      todo.unshift(...target.split('/'));
    } else {
      // What follows a file on the way to something is nothing.
      if (todo.some((part) => part !== '')) return { what: 'nothing' };
      return { what: 'file', path: at, oid: entry.oid, executable: entry.mode === 'executable', links };
    }
  }
  return { what: 'directory', path: here(), oid: above.at(-1)?.oid ?? rootTree, links };
}
