import type { Reachability } from '../types.ts';
import { fromFault, type ProblemRow } from './problems.ts';
import type { BannerRow } from './rollouts/banners.ts';

const NOBODY = { by: undefined, reason: undefined, expiresAt: undefined };

/** What the hub stands upon: whether Git, NATS and its store answer, and what people are told while one does not. */
export class Outages {
  #git: Reachability = { ok: false, message: 'the repository has not been read yet' };
  #bus: Reachability = { ok: false, message: 'not connected yet' };
  #store: Reachability = { ok: true };
  #problems: readonly ProblemRow[] = [];

  get git(): Reachability {
    return this.#git;
  }

  get bus(): Reachability {
    return this.#bus;
  }

  /** One for each that does not answer, with the moment at which it was first seen so. */
  get problems(): readonly ProblemRow[] {
    return this.#problems;
  }

  setGit(git: Reachability, now: number): void {
    this.#git = git;
    this.#judge(now);
  }

  setBus(bus: Reachability, now: number): void {
    this.#bus = bus;
    this.#judge(now);
  }

  setStore(store: Reachability, now: number): void {
    this.#store = store;
    this.#judge(now);
  }

  /** The trouble that everybody should know of, worst first. */
  banners(): BannerRow[] {
    const banners: BannerRow[] = [];
    const { message: why = 'it does not answer' } = this.#store;
    if (!this.#store.ok)
      banners.push({
        kind: 'STORE_FULL',
        message: `nothing is stored, so nothing starts: ${why}`,
        ...NOBODY,
      });
    const { message = 'the branch was rewritten' } = this.#git;
    if (this.#isRewritten) banners.push({ kind: 'HISTORY_REWRITTEN', message, ...NOBODY });
    return banners;
  }

  /** Why the hub cannot do its work, in words; empty when it can. */
  unready(hasIndex: boolean): string[] {
    const reasons: string[] = [];
    const git = this.#git.message;
    if (!hasIndex) reasons.push(`no index yet: ${git ?? 'the repository is being read'}`);
    // A Git server that is away may come back by itself; a rewritten branch waits for a person.
    else if (this.#isRewritten) reasons.push(git ?? 'history-rewritten');
    if (!this.#bus.ok) reasons.push(`bus: ${this.#bus.message ?? 'not connected'}`);
    if (!this.#store.ok) reasons.push(`store: ${this.#store.message ?? 'does not take anything'}`);
    return reasons;
  }

  get #isRewritten(): boolean {
    return this.#git.code === 'history-rewritten';
  }

  #judge(now: number): void {
    const parts = [
      ['git-unreachable', this.#git],
      ['nats-unreachable', this.#bus],
      ['store-failed', this.#store],
    ] as const;
    this.#problems = parts
      .filter(([, { ok }]) => !ok)
      .map(([otherwise, { code = otherwise, message = 'does not answer' }]) =>
        fromFault({ code, message }, {}, now, this.#problems),
      );
  }
}
