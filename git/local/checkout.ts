import { mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { type Commit, type GitObjects, isOid } from '../objects.ts';
import { DirectoryObjects } from './directory.ts';
import { ObjectPipe } from './object-pipe.ts';
import { LocalObjects } from './objects.ts';
import { type Environment, gitEnvironment, gitFailed, runGit } from './program.ts';
import { listOfDirectories, snapshotWorkTree } from './work-tree.ts';

/** A root tree, and how people call it. */
export type Revision = { readonly name: string; readonly tree: string; readonly commit?: Commit };

export type CheckoutOptions = {
  /** Environment of the caller, from which `git` gets its own. */
  readonly env: Environment;
  /** Parent of a temporary directory. */
  readonly scratch: string;
  /** Outside of Git, what stands for the repository where the directory is below it (default: the directory itself). */
  readonly around?: string;
};

type Layout = {
  readonly gitDirectory: string;
  /** What linked work trees share. */
  readonly commonDirectory: string;
  readonly objects: string;
  readonly index: string;
  readonly workTree: string | undefined;
};

/**
 * A directory on this machine as trees and commits: inside a Git repository its revisions and its work tree as it stands, dirty or
 * not; elsewhere a directory, read as it is asked for. The user's index, objects and refs are never written. Dispose of it: it owns a
 * process and a temporary directory.
 */
export class Checkout implements AsyncDisposable {
  /** The work tree, or the directory itself outside of Git; undefined for a bare repository. */
  readonly top: string | undefined;
  /** Path of the directory inside of `top`, with slashes; `''` for `top` itself. */
  readonly prefix: string;
  readonly #layout: Layout | undefined;
  readonly #cwd: string;
  readonly #env: Environment;
  readonly #scratch: string;
  readonly #objects: LocalObjects | DirectoryObjects;

  private constructor(cwd: string, found: Layout | string, env: Environment, scratch: string) {
    this.#layout = typeof found === 'string' ? undefined : found;
    this.#cwd = cwd;
    this.#env = env;
    this.#scratch = scratch;
    this.top = typeof found === 'string' ? found : found.workTree;
    this.prefix = this.top === undefined ? '' : relative(this.top, cwd).split(sep).join('/');
    // Objects of the work tree that are not committed are found beside those of the repository.
    const beside = listOfDirectories(this.#newObjects, env.GIT_ALTERNATE_OBJECT_DIRECTORIES);
    const pipeEnv = { ...env, GIT_ALTERNATE_OBJECT_DIRECTORIES: beside };
    this.#objects =
      typeof found === 'string'
        ? new DirectoryObjects(found)
        : new LocalObjects(() => new ObjectPipe(cwd, pipeEnv));
  }

  get objects(): GitObjects {
    return this.#objects;
  }

  /** Whether there is a repository, with revisions. */
  get versioned(): boolean {
    return this.#layout !== undefined;
  }

  /** @throws FlotillaError git-local-failed where the directory cannot be read, or Git refuses to */
  static async open(
    directory: string,
    { env: own, scratch: parent, around }: CheckoutOptions,
    signal: AbortSignal,
  ): Promise<Checkout> {
    const cwd = await realpath(directory).catch((cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code})`;
      throw new FlotillaError('git-local-failed', `directory ${directory} ${why}`, { cause });
    });
    if (!(await stat(cwd)).isDirectory())
      throw new FlotillaError('git-local-failed', `${directory} is a file, not a directory`);
    await mkdir(parent, { recursive: true });
    const scratch = await mkdtemp(join(await realpath(parent), 'flotilla-checkout-'));
    try {
      await mkdir(join(scratch, 'objects'));
      const env = gitEnvironment(own);
      const layout = await layoutOf(cwd, env, signal);
      return new Checkout(cwd, layout ?? (await outermost(cwd, around)), env, scratch);
    } catch (error) {
      await rm(scratch, { recursive: true, force: true });
      throw error;
    }
  }

  /** Where caches of this repository may be kept; undefined outside of Git. */
  get cacheDirectory(): string | undefined {
    return this.#layout && join(this.#layout.commonDirectory, 'flotilla');
  }

  /**
   * A commit by any name that Git knows: a branch, a tag, `HEAD~1`, an id.
   * @throws FlotillaError revision-unknown, saying where history is cut
   */
  async revision(name: string, signal: AbortSignal): Promise<Revision> {
    if (!this.versioned)
      throw new FlotillaError('revision-unknown', `revision ${name}: ${this.#cwd} is in no Git repository`);
    const oid = await this.#commitOf(
      ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`],
      signal,
    );
    if (oid === undefined) throw await this.#unknown(name, signal);
    const commit = await this.objects.readCommit(oid, signal);
    const short = oid.slice(0, 7);
    return { name: oid.startsWith(name) ? short : `${name} (${short})`, tree: commit.tree, commit };
  }

  /** The commit that is checked out; undefined where there is none yet. */
  async head(signal: AbortSignal): Promise<Revision | undefined> {
    const oid = await this.#commitOf(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], signal);
    return oid === undefined ? undefined : this.revision('HEAD', signal);
  }

  /** The newest commit that two revisions share, as `A...B` means it. @throws FlotillaError revision-unknown */
  async mergeBase(one: string, other: string, signal: AbortSignal): Promise<Revision> {
    const [a, b] = [await this.revision(one, signal), await this.revision(other, signal)];
    const oid = await this.#commitOf(['merge-base', a.commit!.oid, b.commit!.oid], signal);
    if (oid === undefined)
      throw new FlotillaError(
        'revision-unknown',
        `revisions ${one} and ${other} have no common history here`,
      );
    return this.revision(oid, signal);
  }

  /**
   * Everything that stands in the work tree now, as a commit of all of it would have it: what Git ignores is left out, what it does
   * not know yet is in. Outside of Git everything there is. @throws FlotillaError git-local-failed, in Git's words
   */
  async workTree(signal: AbortSignal): Promise<Revision> {
    if (this.top === undefined)
      throw new FlotillaError('git-local-failed', `repository ${this.#cwd} is bare: name a revision (--rev)`);
    if (this.#objects instanceof DirectoryObjects) return { name: this.#cwd, tree: this.#objects.rootTree };
    const { index, objects } = this.#layout!;
    const tree = await snapshotWorkTree(
      { top: this.top, index, objects },
      { directory: this.#scratch, objects: this.#newObjects },
      this.#env,
      signal,
    );
    return { name: 'the work tree', tree };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#objects instanceof LocalObjects) await this.#objects.close();
    await rm(this.#scratch, { recursive: true, force: true });
  }

  get #newObjects(): string {
    return join(this.#scratch, 'objects');
  }

  async #commitOf(args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const { code, stdout } = await runGit(args, { cwd: this.#cwd, env: this.#env }, signal);
    const oid = stdout.trim().split('\n')[0] ?? '';
    return code === 0 && isOid(oid) ? oid : undefined;
  }

  async #unknown(name: string, signal: AbortSignal): Promise<FlotillaError> {
    const { stdout } = await runGit(
      ['rev-parse', '--is-shallow-repository'],
      { cwd: this.#cwd, env: this.#env },
      signal,
    );
    const base = name.replace(/[~^@].*$/, '');
    const cut =
      stdout.trim() === 'true'
        ? 'its history is cut (a shallow clone); fetch more of it, for example git fetch --unshallow'
        : base === 'HEAD' && base === name
          ? 'there is no commit yet'
          : 'Git knows no commit by that name';
    return new FlotillaError('revision-unknown', `revision ${name} is not in this repository: ${cut}`);
  }
}

/** Undefined where there is no repository. */
async function layoutOf(cwd: string, env: Environment, signal: AbortSignal): Promise<Layout | undefined> {
  const asked = ['--is-inside-work-tree', '--absolute-git-dir', '--git-common-dir', '--show-object-format'];
  const paths = ['--git-path', 'objects', '--git-path', 'index', '--show-cdup'];
  const result = await runGit(['rev-parse', ...asked, ...paths], { cwd, env }, signal);
  if (result.code !== 0 && /not a git repository/.test(result.stderr)) return undefined;
  if (result.code !== 0) throw gitFailed(`directory ${cwd}`, result);
  const [inside, gitDirectory, common, format, objects, index, up = ''] = result.stdout.split('\n');
  if (format !== 'sha1')
    throw new FlotillaError(
      'git-local-failed',
      `repository ${cwd} has ${format} object ids; only sha1 is read`,
    );
  return {
    gitDirectory: gitDirectory!,
    commonDirectory: resolve(cwd, common!),
    objects: env.GIT_OBJECT_DIRECTORY ? resolve(cwd, env.GIT_OBJECT_DIRECTORY) : resolve(cwd, objects!),
    index: resolve(cwd, index!),
    workTree: inside === 'true' ? resolve(cwd, up) : undefined,
  };
}

/** What stands for the repository of a directory that is in none. */
async function outermost(cwd: string, around: string | undefined): Promise<string> {
  const top = around === undefined ? cwd : await realpath(around).catch(() => cwd);
  return cwd.startsWith(top === sep ? top : `${top}${sep}`) ? top : cwd;
}
