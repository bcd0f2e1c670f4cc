import { FlotillaError } from '#proto/faults.ts';
import { BranchHistory } from './history.ts';
import { type CommitLog, type LogQuery, listCommits } from './log.ts';
import { type GitObjects, isOid } from './objects.ts';
import { parseParents } from './parse.ts';
import type { GitRemote } from './remote.ts';
import { parseOids, type Repository } from './repository.ts';
import { RepositoryObjects } from './repository-objects.ts';

export type MirrorOptions = {
  readonly remote: GitRemote;
  readonly repository: Repository;
  readonly branch: string;
  /** Commits of history that are kept with their content, at least. */
  readonly depth?: number;
  /** How far below the tip a rewrite is looked for. */
  readonly maxCommits?: number;
};

export type Followed = {
  readonly tip: string;
  /** The tip before; undefined on the first time, or after the local copy was lost. */
  readonly previous: string | undefined;
  /** The tip does not descend from the previous one, or that could not be shown within `maxCommits`. */
  readonly rewritten: boolean;
};

/** Follows one branch with all trees and blobs, for a reader of everything (the hub). One `follow` at a time. */
export class Mirror {
  /** Objects of the tips followed so far. */
  readonly objects: GitObjects;
  readonly #remote: GitRemote;
  readonly #repository: Repository;
  readonly #history: BranchHistory;
  readonly #branch: string;
  readonly #depth: number;
  #tip: string | undefined;

  private constructor(options: MirrorOptions) {
    this.#remote = options.remote;
    this.#repository = options.repository;
    this.#branch = options.branch;
    this.#depth = options.depth ?? 200;
    this.#history = new BranchHistory(options.remote, options.repository, {
      ...(options.maxCommits !== undefined && { maxCommits: options.maxCommits }),
    });
    this.objects = new RepositoryObjects(options.repository);
  }

  /** Goes on where the directory says that an earlier process stopped. */
  static async open(options: MirrorOptions): Promise<Mirror> {
    const mirror = new Mirror(options);
    const tip = (await options.repository.readFile(mirror.#ref))?.trim() ?? '';
    if (isOid(tip) && options.repository.has(tip)) mirror.#tip = tip;
    return mirror;
  }

  /** The newest tip whose objects are all here. */
  get tip(): string | undefined {
    return this.#tip;
  }

  /**
   * Brings the branch up to date: one small request when nothing changed, else one that carries what is new. The
   * first time, after damage, and when the directory is full, the last `depth` commits come with everything.
   * Throws what `GitRemote` and `Repository.addPack` throw; then the tip is still the previous one.
   */
  async follow(signal: AbortSignal): Promise<Followed> {
    const tip = await this.#remote.tip(this.#branch, signal);
    const previous = this.#tip !== undefined && this.#repository.has(this.#tip) ? this.#tip : undefined;
    if (tip === previous) return { tip, previous, rewritten: false };
    await this.#bring(tip, previous, signal);
    const rewritten = previous !== undefined && !(await this.#descends(tip, previous, signal));
    await this.#repository.writeFile(this.#ref, `${tip}\n`);
    this.#tip = tip;
    return { tip, previous, rewritten };
  }

  /** Commits between two revisions that are here, newest first. */
  commits(query: LogQuery, signal: AbortSignal): Promise<CommitLog> {
    return listCommits(this.#repository, query, signal);
  }

  get #ref(): string {
    return `refs/heads/${this.#branch}`;
  }

  /**
   * The file `shallow` says where history is cut. It is sent along, or the server would leave out objects that it
   * believes to be here, below the cut. It is written after the pack and before the ref, so that it is true of
   * whatever ref a crash leaves.
   */
  async #bring(tip: string, previous: string | undefined, signal: AbortSignal): Promise<void> {
    const { shallow } = await this.#remote.capabilities(signal);
    const afresh = previous === undefined || this.#repository.full;
    const shallows = afresh ? [] : parseOids(await this.#repository.readFile('shallow'));
    const answer = await this.#remote.fetch(
      {
        wants: [tip],
        haves: afresh ? [] : [previous],
        shallows,
        ...(shallow && { deepen: this.#depth }),
      },
      signal,
    );
    await this.#repository.addPack(answer.pack, { replace: afresh }, signal);
    if (!this.#repository.has(tip)) {
      throw new FlotillaError(
        'git-object-missing',
        `${this.#remote.display}: the tip ${tip} is not in the answer`,
      );
    }
    const cuts = new Set([...shallows, ...answer.shallow]);
    for (const oid of answer.unshallow) cuts.delete(oid);
    const used = this.#cutsBelow(tip, cuts);
    await this.#repository.writeFile('shallow', used.map((oid) => `${oid}\n`).join(''));
  }

  /** The cuts that are met from the tip: others lie below them and would only grow in number. */
  #cutsBelow(tip: string, cuts: ReadonlySet<string>): string[] {
    const reached = new Set([tip]);
    for (const oid of reached) {
      const commit = cuts.has(oid) ? undefined : this.#repository.read(oid);
      for (const parent of commit?.type === 'commit' ? parseParents(oid, commit.data) : [])
        reached.add(parent);
    }
    return [...cuts].filter((oid) => reached.has(oid));
  }

  async #descends(tip: string, previous: string, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#history.advanceTo(tip, [previous], signal);
    } catch (error) {
      if (error instanceof FlotillaError && error.code === 'git-history-limit') return false;
      throw error;
    }
  }
}
