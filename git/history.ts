import { FlotillaError } from '#proto/faults.ts';
import { isOid } from './objects.ts';
import { parseCommit, parseParents } from './parse.ts';
import type { GitRemote } from './remote.ts';
import type { Repository } from './repository.ts';

export type BranchHistoryOptions = {
  /** More commits than this are never looked through. */
  readonly maxCommits?: number;
  /** Commits asked for at first; each further request asks for four times as many. */
  readonly firstStep?: number;
};

const MAX_STEP = 16_384;
const MAX_WANTS = 500;
const TIPS_REMEMBERED = 4;
const TREES_NAMED = 32;

/**
 * Which commits are on a branch: fetches commits without their content (about 200 bytes each) from the tip downwards,
 * only as far as a question needs. An ancestor of a tip is what can be reached from it by parents, those of merges
 * included. Parents are read from commits whose hash was checked, so a server can withhold history but not invent it.
 * **What was not seen is not an ancestor**, although the server may have it: unmerged and fork commits are handed
 * out by id.
 *
 * A server without filters sends the content too, of which names of trees already here keep off the most.
 */
export class BranchHistory {
  readonly #remote: GitRemote;
  readonly #repository: Repository;
  readonly #maxCommits: number;
  readonly #firstStep: number;
  readonly #parents = new Map<string, readonly string[]>();
  #tips: string[] = [];

  constructor(remote: GitRemote, repository: Repository, options: BranchHistoryOptions = {}) {
    this.#remote = remote;
    this.#repository = repository;
    this.#maxCommits = options.maxCommits ?? 100_000;
    this.#firstStep = options.firstStep ?? 64;
  }

  /**
   * Fetches commits below `tip` until every one of `until` is met. True when they were: each is the tip or an ancestor
   * of it. False when the root was reached without. With nothing in `until` only the tip itself is made sure of.
   *
   * The tip must come from the server's own list of refs. Throws `git-history-limit` when more than `maxCommits` were
   * looked through, `git-object-missing` when the server lacks a commit, and what fetching throws.
   */
  async advanceTo(tip: string, until: readonly string[], signal: AbortSignal): Promise<boolean> {
    if (!this.#parentsOf(tip)) await this.#fetchTip(tip, signal);
    this.#tips = [...this.#tips.filter((one) => one !== tip), tip].slice(-TIPS_REMEMBERED);
    if (!until.every(isOid)) return false;
    for (let step = this.#firstStep; ; step = Math.min(step * 4, MAX_STEP)) {
      const { missed, frontier, seen } = this.#look(tip, until);
      if (missed === 0) return true;
      if (frontier.size === 0) return false;
      if (seen > this.#maxCommits) {
        const text = `${this.#remote.display}: more than ${this.#maxCommits} commits below ${tip}`;
        throw new FlotillaError('git-history-limit', `${text}; ${until.join(', ')} not among them`);
      }
      await this.#fetchFrontier(frontier, step, signal);
    }
  }

  /** Of what was fetched so far, `unknown` when the answer may lie further down. Never fetches. */
  isAncestor(oid: string, ofTip: string): boolean | 'unknown' {
    const { missed, frontier } = this.#look(ofTip, [oid]);
    if (missed === 0) return true;
    return frontier.size === 0 ? false : 'unknown';
  }

  /** Breadth first from the tip; the frontier maps commits that are not here to one that names them as parent. */
  #look(
    tip: string,
    wanted: readonly string[],
  ): { missed: number; frontier: Map<string, string>; seen: number } {
    const missed = new Set(wanted);
    const frontier = new Map<string, string>();
    const namedBy = new Map([[tip, tip]]);
    for (const [oid, child] of namedBy) {
      missed.delete(oid);
      if (missed.size === 0) break;
      const parents = this.#parentsOf(oid);
      if (!parents) frontier.set(oid, child);
      for (const parent of parents ?? []) if (!namedBy.has(parent)) namedBy.set(parent, oid);
    }
    return { missed: missed.size, frontier, seen: namedBy.size };
  }

  #parentsOf(oid: string): readonly string[] | undefined {
    const known = this.#parents.get(oid);
    if (known) return known;
    const object = this.#repository.read(oid);
    if (!object) return undefined;
    if (object.type !== 'commit') {
      throw new FlotillaError('git-object-missing', `there is no commit ${oid}: it is a ${object.type}`);
    }
    const parents = parseParents(oid, object.data);
    this.#parents.set(oid, parents);
    return parents;
  }

  /** What lies below a tip seen earlier is left out by the server; what of it is not here is fetched as frontier. */
  async #fetchTip(tip: string, signal: AbortSignal): Promise<void> {
    const haves = this.#tips.filter((oid) => this.#repository.has(oid));
    await this.#fetch([tip], haves, this.#firstStep, signal);
  }

  async #fetchFrontier(
    frontier: ReadonlyMap<string, string>,
    step: number,
    signal: AbortSignal,
  ): Promise<void> {
    const wants = [...frontier].slice(0, MAX_WANTS);
    const { filter } = await this.#remote.capabilities(signal);
    const trees = filter ? [] : wants.slice(0, TREES_NAMED).map(([, child]) => this.#treeOf(child));
    await this.#fetch(
      wants.map(([oid]) => oid),
      trees.filter((tree) => tree !== undefined && this.#repository.has(tree)) as string[],
      step,
      signal,
    );
  }

  async #fetch(wants: string[], haves: string[], step: number, signal: AbortSignal): Promise<void> {
    const { filter, shallow } = await this.#remote.capabilities(signal);
    const request = {
      wants,
      haves,
      ...(shallow && { deepen: step }),
      ...(filter && { filter: 'tree:0' as const }),
    };
    const { pack } = await this.#remote.fetch(request, signal);
    await this.#repository.addPack(pack, {}, signal);
    const absent = wants.find((oid) => !this.#repository.has(oid));
    if (absent === undefined) return;
    const text = `commit ${absent} was asked for and is not in the answer`;
    throw new FlotillaError('git-object-missing', `${this.#remote.display}: ${text}`);
  }

  #treeOf(oid: string): string | undefined {
    const object = this.#repository.read(oid);
    return object && parseCommit(oid, object.data).tree;
  }
}
