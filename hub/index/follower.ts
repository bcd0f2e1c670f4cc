import { type Commit, isOid } from '#git/objects.ts';
import type { GitRemoteOptions } from '#git/remote.ts';
import { Bell, fullJitter } from '#process/wait.ts';
import { FlotillaError, toFault } from '#proto/faults.ts';
import type { Problem } from '#proto/problems.ts';
import type { IndexSnapshot, Reachability } from '../core/types.ts';
import { ancestorsOf, commitAt } from './ancestry.ts';
import type { Wanted } from './history.ts';
import type { Indexed } from './indexer.ts';
import { missingOf, recall } from './recall.ts';
import { namedBy, snapshotOf } from './snapshot.ts';
import { Source } from './source.ts';

export type FollowerOptions = {
  remote: GitRemoteOptions;
  branch: string;
  /** A directory of its own; a cache. */
  directory: string;
  /** Between two looks at the branch, milliseconds. */
  pollMs: number;
  /** Acknowledges a rewritten history: its new tip, or a commit below it. */
  acceptRewrite?: string | undefined;
  now: () => number;
  warn: (message: string) => void;
};

/** Told of everything that changes; must not throw. */
export type FollowerEvents = {
  index(snapshot: IndexSnapshot): void;
  git(reachability: Reachability): void;
};

/** First-parent commits that are indexed one by one to find out where a change began; of more, only the last. */
const MOST_STEPS = 50;
const HISTORY = 200;
const SAVE_AT_END_MS = 3_000;
/** The tip that was indexed last, kept over restarts: what the next one must descend from. */
const INDEXED_TIP = 'flotilla-indexed-tip';

/** Follows the branch and keeps a snapshot of what it says. Whatever goes wrong, the last snapshot stays. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #events: FollowerEvents;
  readonly #bell = new Bell();
  #source: Source | undefined;
  #snapshot: IndexSnapshot | undefined;
  #git: Reachability = { ok: false, message: 'not asked yet' };
  #faults: readonly Problem[] = [];
  #abandoned: ReadonlySet<string> = new Set();
  /** Whether this process has indexed anything yet. */
  #begun = false;
  #wanted: Wanted | undefined;
  #recalling = false;
  /** Placements and revisions that were wanted and are not to be had. */
  readonly #lost = new Set<string>();

  constructor(options: FollowerOptions, events: FollowerEvents) {
    this.#options = options;
    this.#events = events;
  }

  get snapshot(): IndexSnapshot | undefined {
    return this.#snapshot;
  }

  /** Looks at the branch now. */
  poke(): void {
    this.#bell.ring();
  }

  /**
   * Versions that are still needed, by placement: they are kept, and read again from Git where they are not there and still on the
   * branch. Told before `run`, they are in the first snapshot.
   */
  keep(wanted: Wanted): void {
    this.#wanted = wanted;
    this.#source?.indexer.keep(wanted);
    if (this.#missing().size === 0) return;
    this.#recalling = true;
    this.#bell.ring();
  }

  /** Versions that are still needed are being read again: a snapshot follows that has them, or without hope for them. */
  get isRecalling(): boolean {
    return this.#recalling;
  }

  /** Until the signal is aborted. Never rejects for what Git does or the repository holds. */
  async run(signal: AbortSignal): Promise<void> {
    const { pollMs } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
        failures = 0;
        if (this.#source?.isSaveDue) await this.#source.save(signal);
      } catch (error) {
        if (signal.aborted) break;
        failures++;
        this.#report(error);
      }
      await this.#catchUp(signal);
      const wait =
        failures === 0
          ? pollMs * (0.9 + 0.2 * Math.random())
          : pollMs / 2 + fullJitter(failures, { first: pollMs, most: 6 * pollMs });
      await this.#bell.wait(wait, signal);
    }
    await this.#source?.save(AbortSignal.timeout(SAVE_AT_END_MS));
    await this.#source?.close();
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#source ??= await this.#open();
    const { mirror, repository, indexer } = this.#source;
    const { tip, previous, rewritten } = await mirror.follow(signal);
    const last = this.#begun
      ? indexer.current?.commit.oid
      : ((await repository.readFile(INDEXED_TIP))?.trim() ?? indexer.current?.commit.oid);
    this.#git = { ok: true, lastOkAt: this.#options.now() };
    if (last !== undefined && isOid(last) && last !== tip) {
      const follows = (previous === last && !rewritten) || (await this.#isBelow(last, tip, signal));
      if (!follows && !(await this.#isAcknowledged(tip, signal))) {
        await this.#refuseRewrite(tip, last, signal);
        return;
      }
      if (!follows) await this.#abandon(last, tip, signal);
    }
    const moved = await this.#bring(tip, signal);
    this.#begun = true;
    if (moved) await repository.writeFile(INDEXED_TIP, `${tip}\n`);
    const recalled = await this.#recall(signal);
    const cleared = this.#faults.length > 0;
    this.#faults = [];
    if (moved || recalled || cleared || !this.#snapshot) await this.#publish(signal);
    this.#events.git(this.#git);
  }

  async #open(): Promise<Source> {
    const source = await Source.open({ ...this.#options, depth: HISTORY });
    source.indexer.keep(this.#wanted);
    return source;
  }

  /** Indexes up to the tip; false when it is indexed already. */
  async #bring(tip: string, signal: AbortSignal): Promise<boolean> {
    const { indexer, mirror } = this.#source!;
    const at = indexer.current?.commit.oid;
    if (at === tip) return false;
    if (at === undefined) {
      await indexer.begin(await this.#history(tip, signal), signal);
      return true;
    }
    const query = { to: tip, from: at, firstParent: true, limit: MOST_STEPS };
    const { commits, complete } = await mirror.commits(query, signal);
    try {
      await indexer.advance(complete ? commits.toReversed() : commits.slice(0, 1), signal);
    } catch (error) {
      const isMissing = error instanceof FlotillaError && error.code === 'git-object-missing';
      if (this.#begun || !isMissing) throw error;
      // What an earlier process kept is of a tree that is not here any more.
      this.#renew();
      return this.#bring(tip, signal);
    }
    return true;
  }

  async #history(tip: string, signal: AbortSignal): Promise<readonly Commit[]> {
    const query = { to: tip, firstParent: true, limit: HISTORY };
    return (await this.#source!.mirror.commits(query, signal)).commits;
  }

  async #isBelow(oid: string, tip: string, signal: AbortSignal): Promise<boolean> {
    return (await ancestorsOf(this.#source!.mirror.objects, tip, oid, signal)).has(oid);
  }

  async #isAcknowledged(tip: string, signal: AbortSignal): Promise<boolean> {
    const { acceptRewrite } = this.#options;
    return acceptRewrite !== undefined && (await this.#isBelow(acceptRewrite, tip, signal));
  }

  /** What was in force stays; where this hub has just begun, what was indexed last is indexed again, if it is still here. */
  async #refuseRewrite(tip: string, last: string, signal: AbortSignal): Promise<void> {
    const { repository } = this.#source!;
    const message = `branch ${this.#options.branch} was rewritten: its tip ${tip} does not descend from ${last}; nothing advances until it is acknowledged with --accept-rewrite ${tip}`;
    const known = this.#faults.some((fault) => fault.message === message);
    if (!known) this.#options.warn(message);
    this.#faults = [
      {
        code: 'history-rewritten',
        severity: 'error',
        message,
        source: { file: this.#source!.remote.display },
      },
    ];
    if (!this.#begun && repository.has(last)) await this.#bring(last, signal);
    this.#begun = true;
    if (this.#source!.indexer.current && !known) await this.#publish(signal);
    this.#git = { ...this.#git, ok: false, code: 'history-rewritten', message };
    this.#events.git(this.#git);
  }

  /** A rewrite was acknowledged: everything is read anew from the new line, and the old one's commits are remembered as gone. */
  async #abandon(last: string, tip: string, signal: AbortSignal): Promise<void> {
    const { mirror } = this.#source!;
    const kept = await ancestorsOf(mirror.objects, tip, undefined, signal);
    const old = await ancestorsOf(mirror.objects, last, undefined, signal);
    this.#abandoned = new Set([...this.#abandoned, ...old].filter((oid) => !kept.has(oid)));
    this.#renew();
  }

  /** Everything is read anew. */
  #renew(): void {
    this.#source!.renew();
    this.#source!.indexer.keep(this.#wanted);
    this.#lost.clear();
  }

  #missing(): Wanted {
    const current = this.#source?.indexer.current;
    if (!current || !this.#wanted) return new Map();
    return missingOf(current, this.#wanted, (...one) => !this.#lost.has(one.join(' ')));
  }

  /** Reads again what is wanted and not there; true when it tried. What cannot be had is said once, and not tried again. */
  async #recall(signal: AbortSignal): Promise<boolean> {
    const { indexer, mirror } = this.#source!;
    const missing = this.#missing();
    if (missing.size === 0) return false;
    try {
      indexer.adopt(await recall(indexer.current!, this.#wanted!, missing, mirror.objects, signal));
      this.#source!.outdate();
    } catch (error) {
      signal.throwIfAborted();
      this.#options.warn(`versions were not read again: ${toFault(error).message}`);
    }
    for (const [placement, revisions] of missingOf(indexer.current!, missing)) {
      const names = [...revisions];
      for (const revision of names) this.#lost.add(`${placement} ${revision}`);
      const those = names.length === 1 ? `version ${names[0]}` : `versions ${names.join(', ')}`;
      this.#options.warn(`${those} of placement ${placement} cannot be read again from the branch`);
    }
    return true;
  }

  /** Whatever Git says: a hub that starts while it is away shows what it kept, and what is wanted is read from what is here. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    if (!this.#source?.indexer.current) return;
    try {
      const recalled = await this.#recall(signal);
      if (recalled || !this.#snapshot) await this.#publish(signal);
    } catch (error) {
      if (!signal.aborted) this.#options.warn(`what was kept cannot be shown: ${toFault(error).message}`);
    }
  }

  async #publish(signal: AbortSignal): Promise<void> {
    const { indexer, remote } = this.#source!;
    const indexed = indexer.current!;
    const now = this.#options.now();
    const commits = await this.#history(indexed.commit.oid, signal);
    const circumstances = {
      repository: { url: remote.display, branch: this.#options.branch },
      indexedAt: now,
      commits,
      olderCommits: await this.#older(indexed, commits, signal),
      git: this.#git,
      faults: this.#faults,
      abandoned: this.#abandoned,
    };
    this.#snapshot = snapshotOf(indexed, circumstances, this.#snapshot, now);
    this.#events.index(this.#snapshot);
    this.#recalling = this.#missing().size > 0;
  }

  /** What a version is named by may lie further back than the history that is shown. */
  async #older(indexed: Indexed, commits: readonly Commit[], signal: AbortSignal): Promise<Commit[]> {
    const known = new Set([...commits.map(({ oid }) => oid), ...(this.#snapshot?.commitsById.keys() ?? [])]);
    const found: Commit[] = [];
    for (const oid of new Set(namedBy(indexed))) {
      const commit = known.has(oid) ? undefined : await commitAt(this.#source!.mirror.objects, oid, signal);
      if (commit) found.push(commit);
    }
    return found;
  }

  #report(error: unknown): void {
    const { code, message } = toFault(error);
    const { now, warn } = this.#options;
    if (!(error instanceof FlotillaError)) warn(`indexing failed: ${(error as Error).stack ?? message}`);
    if (this.#git.message === message) return;
    warn(message);
    const { lastOkAt } = this.#git;
    this.#git = { ok: false, code, message, ...(lastOkAt !== undefined && { lastOkAt }) };
    if (this.#snapshot) {
      const source = { file: this.#source?.remote.display ?? this.#options.branch };
      const problem = { code, severity: 'error' as const, message, source, since: now() };
      this.#snapshot = { ...this.#snapshot, git: this.#git, problems: [...this.#ofRepository(), problem] };
      this.#faults = [problem];
      this.#events.index(this.#snapshot);
    }
    this.#events.git(this.#git);
  }

  /** Problems of the snapshot that are not about following the repository. */
  #ofRepository(): IndexSnapshot['problems'] {
    const faults = new Set(this.#faults.map(({ message }) => message));
    return this.#snapshot!.problems.filter(({ message }) => !faults.has(message));
  }
}
