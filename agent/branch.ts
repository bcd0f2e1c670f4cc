import { BranchHistory } from '#git/history.ts';
import type { GitRemote } from '#git/remote.ts';
import type { Repository } from '#git/repository.ts';
import { type Fault, FlotillaError } from '#proto/faults.ts';

export type BranchOptions = {
  /** The trusted remote: the only one whose word on the tip counts. */
  remote: GitRemote;
  repository: Repository;
  branch: string;
  /** Acknowledges a rewrite: a commit of the new history that the old one does not have. */
  acceptedRewrite: string | undefined;
  /** The highest tip that an earlier run saw. */
  lastTip: string | undefined;
};

/**
 * What the agent itself has seen of the branch: the highest tip, and what lies below it. A commit that was not seen below the tip
 * is not on the branch, whoever signs a document that names it.
 */
export class Branch {
  readonly #options: BranchOptions;
  readonly #history: BranchHistory;
  #tip: string | undefined;
  #rewrite: Fault | undefined;

  constructor(options: BranchOptions) {
    this.#options = options;
    this.#history = new BranchHistory(options.remote, options.repository);
    this.#tip = options.lastTip;
  }

  /** The highest tip seen and accepted. */
  get tip(): string | undefined {
    return this.#tip;
  }

  /** `history-rewritten` while the branch has a tip that does not descend from ours and nobody has acknowledged it. */
  get rewrite(): Fault | undefined {
    return this.#rewrite;
  }

  /** Asks the remote for the tip by name and moves ours forward, never sideways. @throws what fetching throws */
  async look(signal: AbortSignal): Promise<string> {
    const { remote, branch } = this.#options;
    const found = await remote.tip(branch, signal);
    const last = this.#tip;
    if (found === last) this.#rewrite = undefined;
    else if (last === undefined || (await this.#descends(found, last, signal))) this.#advance(found);
    // A replica that lags shows an older tip: nothing new, and no rewrite.
    else if (await this.#descends(last, found, signal)) this.#rewrite = undefined;
    else if (await this.#acknowledged(found, last, signal)) this.#advance(found);
    else {
      this.#rewrite = {
        code: 'history-rewritten',
        message: `branch ${branch} was rewritten: its tip ${found} does not descend from ${last}; what runs is kept`,
      };
    }
    return this.#tip!;
  }

  /**
   * Refuses unless every revision is the tip or below it. What was seen before is enough; else the remote is asked.
   * @throws FlotillaError revision-not-on-branch; what fetching throws
   */
  async require(revisions: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.#tip !== undefined && this.#seen(revisions, this.#tip)) return;
    const tip = await this.look(signal);
    if (await this.#history.advanceTo(tip, revisions, signal)) return;
    const missing = revisions.filter((oid) => this.#history.isAncestor(oid, tip) !== true);
    throw new FlotillaError(
      'revision-not-on-branch',
      `revision ${missing.join(', ')} is not on branch ${this.#options.branch} as seen at ${tip}`,
    );
  }

  /**
   * Refuses a revision that does not have `oldest` in its history; both are on the branch where the check is meant to pass.
   * @throws FlotillaError revision-too-old
   */
  async requireNotBefore(revision: string, oldest: string, signal: AbortSignal): Promise<void> {
    if (revision === oldest || (await this.#descends(revision, oldest, signal))) return;
    throw new FlotillaError(
      'revision-too-old',
      `revision ${revision} is older than ${oldest}, before which nothing is accepted (trust.notBefore)`,
    );
  }

  /** Whether `newer` has `older` below it and is not it; both must be on the branch. */
  async isNewer(newer: string, older: string, signal: AbortSignal): Promise<boolean> {
    return newer !== older && (await this.#descends(newer, older, signal));
  }

  #seen(revisions: readonly string[], tip: string): boolean {
    return (
      this.#options.repository.has(tip) &&
      revisions.every((oid) => this.#history.isAncestor(oid, tip) === true)
    );
  }

  #advance(tip: string): void {
    this.#tip = tip;
    this.#rewrite = undefined;
  }

  async #descends(from: string, to: string, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#history.advanceTo(from, [to], signal);
    } catch (error) {
      // A commit that the server has forgotten is not below anything that it serves.
      if (error instanceof FlotillaError && error.code === 'git-object-missing') return false;
      throw error;
    }
  }

  async #acknowledged(found: string, last: string, signal: AbortSignal): Promise<boolean> {
    const { acceptedRewrite } = this.#options;
    if (acceptedRewrite === undefined) return false;
    const isNew = !(await this.#descends(last, acceptedRewrite, signal));
    return isNew && (await this.#descends(found, acceptedRewrite, signal));
  }
}
