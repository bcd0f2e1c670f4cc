import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import type { Commit, GitObjects, TreeEntry } from '../objects.ts';

/** A directory, the root of the repository that it is in, and its path from there ('' for the root). */
export type Place = { root: string; path: string };

/**
 * The root is the enclosing work tree of Git, found without `git`; outside of one it is the directory itself.
 * @throws FlotillaError overlay-missing
 */
export async function placeOf(directory: string): Promise<Place> {
  const start = resolve(directory);
  const found = await stat(start).catch(() => undefined);
  if (!found?.isDirectory()) {
    const what = found ? 'is no directory' : 'does not exist';
    throw new FlotillaError('overlay-missing', `directory ${directory} ${what}`);
  }
  let root = start;
  while (!existsSync(join(root, '.git'))) {
    const parent = dirname(root);
    if (parent === root) return { root: start, path: '' };
    root = parent;
  }
  return { root, path: relative(root, start).split(sep).join('/') };
}

/**
 * A directory as it lies on disk, committed or not, behind the port through which rendering reads Git. Read when asked for: the other
 * ten thousand overlays of a repository cost nothing. Ids stand for places, not for content (hashing a directory would read all that
 * is below it); they are good for one run. Neither `git` nor a repository is needed, and nothing is written.
 */
export class DirectoryObjects implements GitObjects {
  readonly rootTree: string;
  readonly #places = new Map<string, { type: 'tree' | 'file' | 'symlink'; path: string }>();

  constructor(root: string) {
    this.rootTree = this.#idOf('tree', root);
  }

  async readTree(oid: string, signal: AbortSignal): Promise<readonly TreeEntry[]> {
    signal.throwIfAborted();
    const place = this.#places.get(oid);
    if (place?.type !== 'tree') throw missing('tree', oid);
    const entries: TreeEntry[] = [];
    for (const found of await readdir(place.path, { withFileTypes: true })) {
      const { name } = found;
      const path = join(place.path, name);
      if (name === '.git') continue;
      if (found.isDirectory()) entries.push({ name, mode: 'tree', oid: this.#idOf('tree', path) });
      else if (found.isSymbolicLink())
        entries.push({ name, mode: 'symlink', oid: this.#idOf('symlink', path) });
      else if (found.isFile()) entries.push({ name, mode: 'file', oid: this.#idOf('file', path) });
    }
    return entries.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  }

  async readBlob(oid: string, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const place = this.#places.get(oid);
    if (place === undefined || place.type === 'tree') throw missing('blob', oid);
    return place.type === 'symlink' ? Buffer.from(await readlink(place.path)) : readFile(place.path);
  }

  async readCommit(oid: string): Promise<Commit> {
    throw missing('commit', oid);
  }

  async prefetch(_oids: readonly string[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  #idOf(type: 'tree' | 'file' | 'symlink', path: string): string {
    const oid = createHash('sha1').update(`${type} ${path}`).digest('hex');
    this.#places.set(oid, { type, path });
    return oid;
  }
}

/** Git sorts directories as if their names ended in a slash. */
const sortKey = ({ name, mode }: TreeEntry): string => (mode === 'tree' ? `${name}/` : name);

const missing = (type: string, oid: string): FlotillaError =>
  new FlotillaError('git-object-missing', `there is no ${type} ${oid} in this directory`);
