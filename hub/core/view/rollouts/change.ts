import type { Phase } from '#rollouts/phase.ts';
import { isOver } from './line-view.ts';
import type { RolloutRow } from './rollout.ts';

/** One commit with all rollouts that it is the first revision of. */
export type ChangeRow = {
  readonly revision: string;
  /** Short, and of this commit only. */
  readonly alias: string;
  readonly phase: Phase;
  readonly place: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** By name of the placement. */
  readonly rollouts: readonly RolloutRow[];
};

/** What wants a person first. */
const UNDER_WAY: readonly Phase[] = [
  'Paused',
  'RollingBack',
  'AwaitingApproval',
  'Running',
  'Soaking',
  'Pending',
];
const WORST_FIRST: readonly Phase[] = ['Failed', 'RolledBack', 'Aborted', 'Superseded', 'Succeeded'];

/** The phase of several rollouts in one word: of those under way what wants a person first, else the worst end. */
export function foldPhases(phases: readonly Phase[]): Phase {
  return [...UNDER_WAY, ...WORST_FIRST].find((phase) => phases.includes(phase)) ?? 'Succeeded';
}

/** `aliasOf` names a commit. */
export function changesOf(
  rollouts: readonly RolloutRow[],
  aliasOf: (revision: string) => string,
): ChangeRow[] {
  return [...Map.groupBy(rollouts, ({ version }) => version)].map(([revision, rows]) => {
    const phase = foldPhases(rows.map((row) => row.phase));
    const started = rows.flatMap(({ startedAt }) => startedAt ?? []);
    const finished = rows.flatMap(({ finishedAt }) => finishedAt ?? []);
    return {
      revision,
      alias: aliasOf(revision),
      phase,
      place: Math.max(...rows.map(({ place }) => place)),
      startedAt: started.length > 0 ? Math.min(...started) : undefined,
      finishedAt: isOver(phase) && finished.length > 0 ? Math.max(...finished) : undefined,
      rollouts: rows.toSorted((a, b) => (a.placement < b.placement ? -1 : 1)),
    };
  });
}

const LEAST_DIGITS = 7;

/** Names commits by seven digits, by more where several begin with the same. */
export function aliasesOf(all: Iterable<string>): (revision: string) => string {
  const groups = Map.groupBy(all, (revision) => revision.slice(0, LEAST_DIGITS));
  return (revision) => {
    let digits = LEAST_DIGITS;
    for (const other of groups.get(revision.slice(0, LEAST_DIGITS)) ?? []) {
      if (other === revision) continue;
      while (digits < revision.length && other.startsWith(revision.slice(0, digits))) digits += 1;
    }
    return revision.slice(0, digits);
  };
}
