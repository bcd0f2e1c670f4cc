/**
 * The cache directory: finished programs, a manifest that finds them without running anything, and a place for what
 * is not finished yet.
 *
 *     <cacheDir>/tools/<name>-<version>-<key>/<name>   finished; appears by one rename
 *     <cacheDir>/tools.json                            the manifest
 *     <cacheDir>/tmp/<pid>-<random>/                   unfinished; swept by the next run
 *     <cacheDir>/lock
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolsError } from './errors.ts';
import { isAlive } from './lock.ts';
import type { ToolName } from './pins.ts';

/** A program that was found right once. Size and time of change tell whether the file is still that one. */
export type ManifestEntry = {
  key: string;
  path: string;
  version: string;
  /** In words, for people. */
  from: string;
  size: number;
  mtimeMs: number;
};

type Manifest = Partial<Record<ToolName, ManifestEntry>>;

export class ToolCache {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get lockPath(): string {
    return join(this.directory, 'lock');
  }

  /** Creates the directory; fails in plain words when it cannot be written. */
  open(): void {
    try {
      mkdirSync(join(this.directory, 'tmp'), { recursive: true });
      mkdirSync(join(this.directory, 'tools'), { recursive: true });
    } catch (error) {
      throw this.unwritable(error);
    }
  }

  /** The entry whose file is unchanged and was made from `key`. Synchronous and cheap: one read, one stat. */
  lookup(name: ToolName, key: string): ManifestEntry | undefined {
    const entry = this.read()[name];
    if (entry === undefined || entry.key !== key) return undefined;
    const now = describe(entry.path);
    return now && now.size === entry.size && now.mtimeMs === entry.mtimeMs ? entry : undefined;
  }

  async record(name: ToolName, entry: Omit<ManifestEntry, 'size' | 'mtimeMs'>): Promise<ManifestEntry> {
    const now = describe(entry.path);
    if (now === undefined) throw new ToolsError(`${entry.path} vanished while it was being recorded`);
    const complete = { ...entry, ...now };
    const draft = join(this.directory, 'tmp', `${process.pid}-tools.json`);
    await this.writing(async () => {
      await writeFile(draft, `${JSON.stringify({ ...this.read(), [name]: complete }, null, 2)}\n`);
      await rename(draft, join(this.directory, 'tools.json'));
    });
    return complete;
  }

  /** Where a finished program of this key lies or will lie. */
  home(name: ToolName, version: string, key: string): string {
    return join(this.directory, 'tools', `${name}-${version}-${key}`);
  }

  /** A fresh directory for unfinished work, removed when `body` ends. */
  async temporary<T>(body: (directory: string) => Promise<T>): Promise<T> {
    const directory = await this.writing(() => mkdtemp(join(this.directory, 'tmp', `${process.pid}-`)));
    try {
      return await body(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Moves a finished directory to its home. When another run was faster, its result stays. */
  async publish(from: string, home: string): Promise<void> {
    try {
      await rename(from, home);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw this.unwritable(error);
    }
  }

  /** Removes what runs that were killed left behind. To be called by the holder of the lock. */
  async sweep(): Promise<void> {
    const drafts = (await readdir(this.directory)).filter((name) => /^lock\.\d/.test(name));
    const unfinished = (await readdir(join(this.directory, 'tmp'))).map((name) => join('tmp', name));
    for (const path of [...drafts, ...unfinished]) {
      const owner = Number(/(?:lock\.|^tmp.)(\d+)-/.exec(path)?.[1]);
      if (isAlive(owner)) continue;
      await rm(join(this.directory, path), { recursive: true, force: true });
    }
  }

  private read(): Manifest {
    try {
      return JSON.parse(readFileSync(join(this.directory, 'tools.json'), 'utf8')) as Manifest;
    } catch {
      // No manifest, or one that a disk fault broke: everything in it can be found out again.
      return {};
    }
  }

  private async writing<T>(body: () => Promise<T>): Promise<T> {
    await mkdir(join(this.directory, 'tmp'), { recursive: true }).catch((error: unknown) => {
      throw this.unwritable(error);
    });
    return body().catch((error: unknown) => {
      throw this.unwritable(error);
    });
  }

  private unwritable(error: unknown): ToolsError {
    const reason = error instanceof Error ? error.message : String(error);
    return new ToolsError(
      `the cache ${this.directory} cannot be written: ${reason}; choose another place with FLOTILLA_CACHE_DIR`,
      { cause: error },
    );
  }
}

function describe(path: string): { size: number; mtimeMs: number } | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() && (stat.mode & 0o111) !== 0 ? { size: stat.size, mtimeMs: stat.mtimeMs } : undefined;
}
