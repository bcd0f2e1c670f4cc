import { hashOf } from '#proto/canonical.ts';
import type { FaultCode } from '#proto/faults.ts';
import type { Labels } from '#proto/selector.ts';
import type { IndexProblem } from '../types.ts';
import { selects } from './filters.ts';

export const SEVERITIES = ['ERROR', 'WARNING'] as const;

/** What somebody has to mend, wherever it was found: in the repository, by an agent, by the hub. */
export type ProblemRow = {
  /** The same for the same problem, also after a restart. */
  readonly id: string;
  readonly code: FaultCode;
  readonly severity: (typeof SEVERITIES)[number];
  readonly message: string;
  readonly suggestion: string | undefined;
  readonly source: Place | undefined;
  readonly cluster: string | undefined;
  readonly placement: string | undefined;
  /** When this hub first saw it, Unix milliseconds. */
  readonly since: number;
};

/** A file of the fleet repo, and where in it as far as known, counted from 1. */
type Place = { file: string; line?: number | undefined; column?: number | undefined };
type Concern = { readonly cluster?: string | undefined; readonly placement?: string | undefined };

export const problemId = (code: string, message: string, { cluster, placement }: Concern) =>
  hashOf('flotilla-problem-v1', { code, message, cluster, placement }).slice(0, 20);

export function fromIndex(problem: IndexProblem): ProblemRow {
  return {
    id: problemId(problem.code, problem.message, problem),
    code: problem.code,
    severity: problem.severity === 'error' ? 'ERROR' : 'WARNING',
    message: problem.message,
    suggestion: problem.suggestion,
    source: problem.source,
    cluster: problem.cluster,
    placement: problem.placement,
    since: problem.since,
  };
}

/** A fault as reported; `known` are the rows of the report before, whose `since` is kept. */
export function fromFault(
  fault: { code: FaultCode; message: string; source?: Place | undefined },
  concern: Concern,
  now: number,
  known: readonly ProblemRow[] = [],
): ProblemRow {
  const id = problemId(fault.code, fault.message, concern);
  return {
    id,
    code: fault.code,
    severity: 'ERROR',
    message: fault.message,
    suggestion: undefined,
    source: fault.source,
    cluster: concern.cluster,
    placement: concern.placement,
    since: known.find((row) => row.id === id)?.since ?? now,
  };
}

export type ProblemFilter = {
  readonly code?: readonly string[] | null | undefined;
  readonly severity?: readonly string[] | null | undefined;
  readonly clusters?: readonly string[] | null | undefined;
  readonly placements?: readonly string[] | null | undefined;
  readonly selector?: string | null | undefined;
};

/** `selector` looks at the labels of the cluster that a problem concerns; one that concerns none is not selected. */
export function problemTest(
  filter: ProblemFilter | null | undefined,
  labelsOf: (cluster: string) => Labels,
): (row: ProblemRow) => boolean {
  if (!filter) return () => true;
  const { code, severity, clusters, placements } = filter;
  const selected = selects(filter.selector);
  return (row) =>
    (!selected || (row.cluster !== undefined && selected(labelsOf(row.cluster)))) &&
    (!code || code.includes(row.code)) &&
    (!severity || severity.includes(row.severity)) &&
    (!clusters || (row.cluster !== undefined && clusters.includes(row.cluster))) &&
    (!placements || (row.placement !== undefined && placements.includes(row.placement)));
}
