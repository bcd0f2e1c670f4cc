import { copyFile, stat, utimes } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { isOid } from '../objects.ts';
import { type Environment, gitFailed, runGit } from './program.ts';

/** Settings for one run: nothing in the background, nothing compressed that is thrown away in a moment. */
const SETTINGS = ['core.compression=0', 'core.fsmonitor=false', 'core.safecrlf=false', 'gc.auto=0'];

/**
 * The tree of everything in a work tree, written with an index and objects of its own. It starts from a copy of the user's index,
 * so that only files that changed are read, and files that a sparse checkout leaves out are kept.
 * @throws FlotillaError git-local-failed
 */
export async function snapshotWorkTree(
  repository: { readonly top: string; readonly index: string; readonly objects: string },
  own: { readonly directory: string; readonly objects: string },
  base: Environment,
  signal: AbortSignal,
): Promise<string> {
  const index = join(own.directory, 'index');
  await copyIndex(repository.index, index);
  const env = {
    ...base,
    GIT_INDEX_FILE: index,
    GIT_OBJECT_DIRECTORY: own.objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: listOfDirectories(
      repository.objects,
      base.GIT_ALTERNATE_OBJECT_DIRECTORIES,
    ),
  };
  const git = async (...args: string[]) => {
    const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
    const result = await runGit([...settings, ...args], { cwd: repository.top, env }, signal);
    if (result.code !== 0) throw gitFailed(`work tree ${repository.top}`, result);
    return result.stdout.trim();
  };
  await git('add', '--all', '--', '.');
  const tree = await git('write-tree');
  if (!isOid(tree))
    throw new FlotillaError('git-local-failed', `git write-tree answers ${JSON.stringify(tree)}`);
  return tree;
}

/**
 * A copy as old as the original, or a little older: Git reads files again that changed in the moment in which the index was written
 * or later (Documentation/technical/racy-git), and to a younger index they would look as they were.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(from);
    await copyFile(from, to);
    const before = (Math.floor(mtimeMs) - 1) / 1_000;
    await utimes(to, before, before);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw new FlotillaError('git-local-failed', `${from} cannot be read (${code})`, { cause });
  }
}

/** As GIT_ALTERNATE_OBJECT_DIRECTORIES takes it: a path with a separator in it stands in quotes. */
export function listOfDirectories(first: string, more: string | undefined): string {
  const quoted = first.includes(delimiter) || first.startsWith('"') ? JSON.stringify(first) : first;
  return more ? `${quoted}${delimiter}${more}` : quoted;
}
