import { rmSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FlotillaError } from '#proto/faults.ts';
import { readOptional, removeLeftBehind, storeFailed, writeAtomically } from './files.ts';
import { ObjectCache } from './object-cache.ts';
import { isOid, type RawObject } from './objects.ts';
import { indexPack, objectCount, type PackLimits } from './pack.ts';
import { type IndexEntry, writePackIndex } from './pack-index.ts';
import { joinPacks } from './pack-join.ts';
import { hashObject } from './parse.ts';
import { indexPath, StoredPack } from './stored-pack.ts';

export type RepositoryOptions = Partial<PackLimits> & {
  /** A directory of its own; what stands in it can always be fetched again. */
  readonly directory: string;
  /** Told what was found damaged and removed. */
  readonly log?: (message: string) => void;
  /** More packs than this are put together into one. */
  readonly maxPacks?: number;
  /** From this many bytes on, `full` is true: the owner fetches afresh and drops the old. */
  readonly maxBytes?: number;
  /** Memory for inflated objects. */
  readonly cacheBytes?: number;
};

const MiB = 1024 * 1024;
/** A pack larger than this is never copied to be put together with others. */
const JOIN_BELOW_BYTES = 64 * MiB;

/**
 * A bare Git directory on disk that holds packs: the objects fetched so far, for any Git to look into. It is a cache:
 * what is damaged is removed with a word to the log and fetched again. Packs appear whole or not at all, are never
 * changed and are named by their content, so two processes may have the same directory open.
 */
export class Repository {
  readonly directory: string;
  readonly #options: Required<RepositoryOptions>;
  readonly #cache: ObjectCache;
  #packs: StoredPack[] = [];
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: RepositoryOptions) {
    this.directory = options.directory;
    this.#options = {
      log: () => undefined,
      maxPacks: 24,
      maxBytes: 1024 * MiB,
      cacheBytes: 4 * MiB,
      maxObjectBytes: 128 * MiB,
      maxUnpackedBytes: 8 * 1024 * MiB,
      ...options,
    };
    this.#cache = new ObjectCache(this.#options.cacheBytes);
  }

  /** Opens the directory, making it where there is none. Throws `git-store-failed`. */
  static async open(options: RepositoryOptions): Promise<Repository> {
    const repository = new Repository(options);
    try {
      await repository.#prepare();
      await repository.#load();
    } catch (error) {
      repository.close();
      throw error instanceof FlotillaError ? error : storeFailed(options.directory, error);
    }
    return repository;
  }

  has(oid: string): boolean {
    return this.#packs.some((pack) => pack.index.find(oid) !== undefined);
  }

  /**
   * An object, checked to hash to its id, or undefined when it is not here. Finding damage empties the directory
   * (see the log) and throws `git-object-corrupt`.
   */
  read(oid: string): RawObject | undefined {
    for (const pack of this.#packs) {
      const offset = pack.index.find(oid);
      if (offset === undefined) continue;
      try {
        const object = pack.read(offset, this.#options.maxObjectBytes);
        if (hashObject(object.type, object.data) === oid) return object;
      } catch (cause) {
        if (cause instanceof FlotillaError && cause.code === 'git-too-large') throw cause;
        throw this.#condemn(oid, cause);
      }
      throw this.#condemn(oid, undefined);
    }
    return undefined;
  }

  /** True when the directory has grown so large that starting afresh is better. */
  get full(): boolean {
    return this.#packs.reduce((sum, pack) => sum + pack.size, 0) > this.#options.maxBytes;
  }

  /**
   * Checks a pack as it came from a server and keeps it; with `replace`, instead of everything else.
   * Throws `git-object-corrupt`, `git-too-large`, `git-store-failed`; then nothing was kept.
   */
  async addPack(pack: Buffer, options: { replace?: boolean }, signal: AbortSignal): Promise<void> {
    const entries = objectCount(pack) === 0 ? [] : await indexPack(pack, this.#options, signal);
    await this.#serially(async () => {
      const stored = entries.length === 0 ? undefined : await this.#store(pack, entries);
      if (options.replace) this.#drop(this.#packs.filter((one) => one !== stored));
      if (this.#packs.length > this.#options.maxPacks) await this.#join();
    });
  }

  /** Reads a small file of the directory, for example `refs/heads/main` or `shallow`. */
  async readFile(path: string): Promise<string | undefined> {
    return readOptional(join(this.directory, path));
  }

  async writeFile(path: string, content: string): Promise<void> {
    const target = join(this.directory, path);
    await mkdir(dirname(target), { recursive: true }).catch((cause) => {
      throw storeFailed(this.directory, cause);
    });
    await writeAtomically(dirname(target), basename(target), content);
  }

  /** Lets go of the files; nothing can be read afterwards. */
  close(): void {
    for (const pack of this.#packs.splice(0)) pack.close();
    this.#cache.clear();
  }

  get #packDirectory(): string {
    return join(this.directory, 'objects', 'pack');
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#packDirectory, { recursive: true });
    await mkdir(join(this.directory, 'refs', 'heads'), { recursive: true });
    await removeLeftBehind(this.#packDirectory);
    if ((await this.readFile('HEAD')) === undefined) {
      await this.writeFile('config', '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
      await this.writeFile('HEAD', 'ref: refs/heads/main\n');
    }
  }

  /** The index is written after its pack, so a pack without one is of no use, or another process is about to write it. */
  async #load(): Promise<void> {
    for (const name of await readdir(this.#packDirectory)) {
      if (!/^pack-[0-9a-f]{40}\.idx$/.test(name)) continue;
      const path = join(this.#packDirectory, name.replace(/idx$/, 'pack'));
      try {
        this.#packs.push(new StoredPack(path, this.#cache));
      } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        if (!missing && !(error instanceof FlotillaError)) throw error;
        this.#options.log(
          `git directory ${this.directory}: removed ${name}, which is damaged: ${(error as Error).message}`,
        );
        this.#remove(path);
      }
    }
  }

  async #store(pack: Buffer, entries: readonly IndexEntry[]): Promise<StoredPack> {
    const checksum = pack.subarray(-20);
    const name = `pack-${checksum.toString('hex')}`;
    const path = join(this.#packDirectory, `${name}.pack`);
    const already = this.#packs.find((one) => one.path === path);
    if (already) return already;
    await writeAtomically(this.#packDirectory, `${name}.pack`, pack);
    await writeAtomically(this.#packDirectory, `${name}.idx`, writePackIndex(entries, checksum));
    const stored = this.#open(path);
    this.#packs.push(stored);
    return stored;
  }

  #open(path: string): StoredPack {
    try {
      return new StoredPack(path, this.#cache);
    } catch (cause) {
      throw storeFailed(this.directory, cause);
    }
  }

  /**
   * Puts small packs together. The largest is left alone until the others weigh half as much, so that a byte is
   * copied a few times in its life and not with every change.
   */
  async #join(): Promise<void> {
    const [largest, ...others] = this.#packs
      .filter((pack) => pack.size < JOIN_BELOW_BYTES)
      .sort((a, b) => b.size - a.size);
    if (!largest || others.length === 0) return;
    const weight = others.reduce((sum, pack) => sum + pack.size, 0);
    const small = others.length === 1 || weight > largest.size / 2 ? [largest, ...others] : others;
    const { pack, entries } = joinPacks(
      small.map((one) => ({ pack: one.content(), entries: one.index.entries() })),
    );
    const joined = await this.#store(pack, entries);
    this.#drop(small.filter((one) => one !== joined));
  }

  #drop(packs: readonly StoredPack[]): void {
    this.#packs = this.#packs.filter((pack) => !packs.includes(pack));
    for (const pack of packs) {
      pack.close();
      this.#remove(pack.path);
    }
  }

  #condemn(oid: string, cause: unknown): FlotillaError {
    const why = cause instanceof Error ? `: ${cause.message}` : '';
    this.#options.log(
      `git directory ${this.directory}: emptied, because object ${oid} in it is damaged${why}`,
    );
    this.#drop(this.#packs);
    this.#cache.clear();
    return new FlotillaError('git-object-corrupt', `object ${oid} is damaged on disk`, { cause });
  }

  /** Removes a pack's files at once, so that the same pack can be stored again; what cannot be removed is said. */
  #remove(path: string): void {
    try {
      rmSync(indexPath(path), { force: true });
      rmSync(path, { force: true });
    } catch (error) {
      this.#options.log(
        `git directory ${this.directory}: cannot remove ${basename(path)}: ${(error as Error).message}`,
      );
    }
  }

  /** One change of the set of packs at a time. */
  #serially<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(change, change);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

/** The ids in a file with one a line, as in `shallow`. */
export function parseOids(text: string | undefined): string[] {
  return (text ?? '').split('\n').filter(isOid);
}
