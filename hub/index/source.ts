import { join } from 'node:path';
import { Mirror } from '#git/mirror.ts';
import { GitRemote, type GitRemoteOptions } from '#git/remote.ts';
import { Repository } from '#git/repository.ts';
import { toFault } from '#proto/faults.ts';
import { Indexer } from './indexer.ts';
import { IndexStore } from './saved/store.ts';

export type SourceOptions = {
  readonly remote: GitRemoteOptions;
  readonly branch: string;
  /** A directory of its own; a cache. */
  readonly directory: string;
  /** First-parent commits that are fetched. */
  readonly depth: number;
  readonly now: () => number;
  readonly warn: (message: string) => void;
};

/** The index is kept for the next start so often at most, and when the hub ends. */
const SAVE_EVERY_MS = 60_000;
const RESUME_MS = 30_000;

/** The repository as it is on this machine and the index of it, which the next process goes on from. */
export class Source {
  readonly remote: GitRemote;
  readonly repository: Repository;
  readonly mirror: Mirror;
  indexer: Indexer;
  readonly #options: SourceOptions;
  readonly #store: IndexStore;
  #savedAt = Number.NEGATIVE_INFINITY;
  #savedTip: string | undefined;

  private constructor(options: SourceOptions, remote: GitRemote, repository: Repository, mirror: Mirror) {
    this.#options = options;
    this.remote = remote;
    this.repository = repository;
    this.mirror = mirror;
    this.indexer = new Indexer(mirror.objects);
    this.#store = new IndexStore(options.directory, options.warn);
  }

  static async open(options: SourceOptions): Promise<Source> {
    const { directory, branch, depth, warn } = options;
    const remote = new GitRemote(options.remote);
    const repository = await Repository.open({ directory: join(directory, 'mirror.git'), log: warn });
    const mirror = await Mirror.open({ remote, repository, branch, depth });
    const source = new Source(options, remote, repository, mirror);
    await source.#resume();
    return source;
  }

  /** Goes on from what an earlier process kept, if it did and its objects are still here. */
  async #resume(): Promise<void> {
    const saved = await this.#store.load();
    if (!saved) return;
    try {
      await this.indexer.resume(saved, AbortSignal.timeout(RESUME_MS));
      this.#savedTip = saved.commit.oid;
    } catch (error) {
      const why = toFault(error).message;
      this.#options.warn(`what an earlier hub kept is not used, all is read anew: ${why}`);
      this.renew();
    }
  }

  /** Everything is read anew. */
  renew(): void {
    this.indexer = new Indexer(this.mirror.objects);
  }

  get isSaveDue(): boolean {
    return this.#options.now() - this.#savedAt >= SAVE_EVERY_MS;
  }

  /** What was saved for this tip is not all that is known of it any more. */
  outdate(): void {
    this.#savedTip = undefined;
  }

  async save(signal: AbortSignal): Promise<void> {
    const { saved } = this.indexer;
    if (!saved || this.#savedTip === saved.commit.oid) return;
    await this.#store.save(saved, async (blob) =>
      new TextDecoder().decode(await this.mirror.objects.readBlob(blob, signal)),
    );
    this.#savedTip = saved.commit.oid;
    this.#savedAt = this.#options.now();
  }

  async close(): Promise<void> {
    this.repository.close();
    await this.remote.close();
  }
}
