import { Draft } from '#rollouts/draft.ts';
import type { LineFacts } from '#rollouts/facts.ts';
import { type Phase, phaseOf } from '#rollouts/phase.ts';
import type { Line, Stage } from '#rollouts/state.ts';
import type { Versions } from '#rollouts/versions.ts';
import type { RolloutMemory } from './memory.ts';

/** Unix milliseconds, and the hub time that belongs to them. */
export type Clock = { readonly now: number; readonly hub: number };
export type Remember = (version: string) => RolloutMemory | undefined;

/** One placement's line with what it was decided from: what everything shown of its rollouts is derived from, when it is asked for. */
export class LineView {
  readonly placement: string;
  readonly line: Line;
  readonly facts: LineFacts;
  /** Without a time. */
  readonly draft: Draft;
  readonly remember: Remember;
  readonly #known = new Map<string, unknown>();

  constructor(placement: string, line: Line, facts: LineFacts, remember: Remember) {
    this.placement = placement;
    this.line = line;
    this.facts = facts;
    this.remember = remember;
    this.draft = new Draft(line, facts, 0);
  }

  get versions(): Versions {
    return this.draft.versions;
  }

  phase(version: string): Phase {
    return phaseOf(this.line, this.facts.strategy, this.versions, version);
  }

  /** The same at a moment, for what time decides. */
  at({ now, hub }: Clock): Draft {
    return new Draft(this.line, { ...this.facts, hub }, now);
  }

  /** A value that is made once for this line, as long as it stands. */
  once<T>(key: string, make: () => T): T {
    if (!this.#known.has(key)) this.#known.set(key, make());
    return this.#known.get(key) as T;
  }
}

const OVER: readonly Phase[] = ['Succeeded', 'Failed', 'RolledBack', 'Superseded', 'Aborted'];
export const isOver = (phase: Phase): boolean => OVER.includes(phase);

/**
 * How a stage stands to a version: it works on it, it has passed it last, the version has yet to come to it, or the stage has to do
 * with it no more.
 */
export type Standing = 'working' | 'passed' | 'ahead' | 'gone';

export function standingOf(view: LineView, stage: Stage, version: string): Standing {
  const { work, passed } = stage;
  if (work?.version === version) return 'working';
  const last = passed.at(-1);
  if (!work && last === version) return 'passed';
  const order = view.versions.order(version);
  const isAhead = order > view.versions.order(work?.version) && order > view.versions.order(last);
  return isAhead && !isOver(view.phase(version)) ? 'ahead' : 'gone';
}
