/** Bare repositories for the Git server, and a clone of one to commit in. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { GIT_ENVIRONMENT, git } from './git.ts';

/** Creates a bare repository with branch main at `path`; `from` is a directory whose content is the first commit. */
export async function createBareRepository(path: string, from?: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await git(['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const settings = {
    'http.receivepack': 'true',
    'uploadpack.allowFilter': 'true',
    'uploadpack.allowAnySHA1InWant': 'true',
    // Nothing goes on in the background after a push: a test that ends leaves no process.
    'receive.autogc': 'false',
    'gc.auto': '0',
  };
  for (const [key, value] of Object.entries(settings)) await git(['config', key, value], { cwd: path });
  if (from === undefined) return;
  const scratch = await mkdtemp(join(tmpdir(), 'flotilla-index-'));
  try {
    const env = { GIT_DIR: path, GIT_WORK_TREE: resolve(from), GIT_INDEX_FILE: join(scratch, 'index') };
    await git(['add', '--all', '.'], { cwd: resolve(from), env });
    const tree = await git(['write-tree'], { env });
    const commit = await git(['commit-tree', '-m', 'First commit', tree], { env });
    await git(['update-ref', 'refs/heads/main', commit], { env });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A clone with a work tree: what a person does with commits, in one call each. */
export class WorkingClone {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Clones `url` (credentials may stand in it) into `dir`. Commits made there by hand work without any git setup. */
  static async clone(url: string, dir: string): Promise<WorkingClone> {
    await git(['clone', '--quiet', url, dir]);
    const clone = new WorkingClone(dir);
    await clone.git('config', 'user.name', GIT_ENVIRONMENT.GIT_AUTHOR_NAME ?? '');
    await clone.git('config', 'user.email', GIT_ENVIRONMENT.GIT_AUTHOR_EMAIL ?? '');
    await clone.git('config', 'commit.gpgSign', 'false');
    return clone;
  }

  /** Any git command in the clone; returns its output. */
  git(...args: string[]): Promise<string> {
    return git(args, { cwd: this.dir });
  }

  read(path: string): Promise<string> {
    return readFile(join(this.dir, path), 'utf8');
  }

  async write(path: string, text: string): Promise<void> {
    const file = join(this.dir, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Removes a file or a directory. */
  async remove(path: string): Promise<void> {
    await rm(join(this.dir, path), { recursive: true });
  }

  /** The commit that is checked out. */
  head(): Promise<string> {
    return this.git('rev-parse', 'HEAD');
  }

  /** Commits everything that changed (nothing is fine too), pushes the branch, returns the commit. */
  async commit(message: string): Promise<string> {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '-m', message);
    await this.git('push', '--quiet', 'origin', 'HEAD');
    return this.head();
  }

  /**
   * Commits everything that changed to `ref` alone, for example `refs/pull/1/head`: the commit is on the server but
   * not on the branch. The clone is as before the changes afterwards. Returns the commit.
   */
  async commitAside(ref: string, message: string): Promise<string> {
    const before = await this.head();
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '-m', message);
    const commit = await this.head();
    await this.pushRef(ref, commit);
    await this.git('reset', '--quiet', '--hard', before);
    return commit;
  }

  /** Makes the opposite of a commit on top of the branch, pushes it, returns the new commit. */
  async revert(commit: string): Promise<string> {
    await this.git('revert', '--no-edit', commit);
    await this.git('push', '--quiet', 'origin', 'HEAD');
    return this.head();
  }

  /** Sets a ref of the server to a commit, by force. */
  async pushRef(ref: string, commit = 'HEAD'): Promise<void> {
    await this.git('push', '--quiet', '--force', 'origin', `${commit}:${ref}`);
  }
}
