import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { CHART_LIMITS, type ChartTree, refused, TreeBuilder } from './tree.ts';

/**
 * The files below a directory. Symlinks that stay below it are followed, as helm does; Git's own directory is left out.
 *
 * @throws FlotillaError chart-refused for a symlink that leads elsewhere
 */
export async function readTree(directory: string, signal: AbortSignal): Promise<ChartTree> {
  const root = await realpath(directory);
  const builder = new TreeBuilder(directory);
  let entries = 0;
  const walk = async (at: string, within: string, above: readonly string[]): Promise<void> => {
    for (const name of (await readdir(at)).sort()) {
      signal.throwIfAborted();
      if (within === '' && name === '.git') continue;
      if (++entries > 2 * CHART_LIMITS.files) throw refused(`${directory} has too many files for a chart`);
      const path = within === '' ? name : `${within}/${name}`;
      const real = await realpath(join(at, name)).catch((cause) => {
        throw refused(`${directory}: ${path} is a symlink that leads nowhere`, cause);
      });
      if (!real.startsWith(root + sep) || above.includes(real))
        throw refused(`${directory}: ${path} is a symlink that leaves the chart or goes round in it`);
      const found = await stat(real);
      if (found.isDirectory()) await walk(real, path, [...above, real]);
      else if (!found.isFile()) throw refused(`${directory}: ${path} is no file`);
      else if (found.size > CHART_LIMITS.bytes)
        throw refused(`${directory}: ${path} is too large for a chart`);
      else builder.add(path, await readFile(real));
    }
  };
  await walk(root, '', [root]);
  return builder.build();
}

/** Puts a tree in the place of whatever is there: written beside it first, so that no half of it is ever seen. */
export async function replaceTree(directory: string, tree: ChartTree, signal: AbortSignal): Promise<void> {
  const beside = `${dirname(directory)}/.vendor-${randomBytes(6).toString('hex')}`;
  try {
    for (const [path, content] of tree) {
      signal.throwIfAborted();
      await mkdir(dirname(join(beside, 'new', path)), { recursive: true });
      await writeFile(join(beside, 'new', path), content, { flag: 'wx' });
    }
    await rename(directory, join(beside, 'old')).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(join(beside, 'new'), directory);
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
