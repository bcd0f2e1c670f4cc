import type { Commit } from '#git/objects.ts';
import type { IndexSnapshot } from '../types.ts';
import type { AssignmentRow } from './assignment.ts';
import { type History, historyOf, type Lag, lagOf } from './lag.ts';
import { aliasesOf } from './rollouts/change.ts';

/** The commits of the branch as the index has them: their names, their order, and how far behind one is. */
export class Commits {
  #index: IndexSnapshot | undefined;
  #history: History = { position: new Map(), commits: [] };
  #aliases: ((revision: string) => string) | undefined;

  setIndex(index: IndexSnapshot): void {
    this.#index = index;
    this.#history = historyOf(index);
    this.#aliases = undefined;
  }

  /** The short name of a commit, unique among those that are known. */
  aliasOf(revision: string): string {
    this.#aliases ??= aliasesOf(this.#history.position.keys());
    return this.#aliases(revision);
  }

  /** Commits of the branch since a revision; undefined where the history that is kept does not reach back. */
  ageOf(revision: string): number | undefined {
    return this.#history.position.get(revision);
  }

  /** How far what is applied lies behind the digest that Git asks for; see `lagOf`. */
  lag(assignment: AssignmentRow, wanted: string | undefined, now: number): Lag | undefined {
    return lagOf(assignment, wanted, this.#history, now);
  }

  /** A commit by its whole id, a unique beginning of at least four digits, `HEAD` or the name of the branch. */
  find(rev: string): Commit | undefined {
    const index = this.#index;
    if (!index) return undefined;
    if (rev === 'HEAD' || rev === index.repository.branch) return index.head;
    const whole = index.commitsById.get(rev);
    if (whole || !/^[0-9a-f]{4,}$/.test(rev)) return whole;
    const found = [...index.commitsById.values()].filter(({ oid }) => oid.startsWith(rev));
    return found.length === 1 ? found[0] : undefined;
  }
}
