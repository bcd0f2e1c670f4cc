/** What the hub's API tells of assignments and their drift, as tests, the demo and benchmarks ask for it. */
import { eventually } from './eventually.ts';
import { ask } from './graphql.ts';

export type AssignmentState = {
  cluster: { name: string; labels: { key: string; value: string }[] };
  placement: { name: string };
  desired: { digest: string } | null;
  applied: { digest: string; revision: { oid: string } } | null;
  status: { sync: string; drift: string; health: string; reason: string | null };
};

/** What is not given selects everything; what no cluster or placement has selects nothing. */
export type AssignmentFilter = { clusters?: readonly string[]; placements?: readonly string[] };

const ASSIGNMENTS = `query($filter: AssignmentFilter) { assignments(filter: $filter, first: 100) { nodes {
  cluster { name labels { key value } }
  placement { name }
  desired { digest }
  applied { digest revision { oid } }
  status { sync drift health reason }
} } }`;

export async function assignmentsOf(
  graphql: string,
  filter: AssignmentFilter,
  signal: AbortSignal,
): Promise<AssignmentState[]> {
  type Answer = { assignments: { nodes: AssignmentState[] } };
  return (await ask<Answer>(graphql, ASSIGNMENTS, { filter }, signal)).assignments.nodes;
}

/** What is desired was applied, and runs. */
export function isCurrent({ desired, applied, status }: AssignmentState): boolean {
  return (
    applied !== null &&
    applied.digest === desired?.digest &&
    status.sync === 'SYNCED' &&
    status.health === 'CURRENT'
  );
}

/**
 * Waits until all that the filter selects is Current, is as many as `count`, and `also` holds of it.
 * @throws Error naming `what` and the assignments seen last
 */
export async function untilCurrent(
  what: string,
  graphql: string,
  expected: AssignmentFilter & { count: number; also?: (states: readonly AssignmentState[]) => boolean },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { count, also = () => true, ...filter } = expected;
  let last: AssignmentState[] = [];
  await eventually(
    what,
    async (limit) => {
      last = await assignmentsOf(graphql, filter, limit);
      return last.length === count && last.every(isCurrent) && also(last) ? true : undefined;
    },
    timeoutMs,
    signal,
    () => JSON.stringify(last),
  );
}

export type DriftSeen = {
  path: string;
  kind: string;
  desired: unknown;
  live: unknown;
  manager: string | null;
  resource: { kind: string; name: string };
};
const DRIFT_FIELDS = 'path kind desired live manager resource { kind name }';

/** Drift of a cluster that was told in an event, whether it is still there or not; the newest first. */
export async function driftTold(graphql: string, cluster: string, signal: AbortSignal): Promise<DriftSeen[]> {
  const query = `query($clusters: ClusterFilter) {
    events(types: [DRIFT_DETECTED], clusters: $clusters, first: 100) { nodes { drift { ${DRIFT_FIELDS} } } } }`;
  type Answer = { events: { nodes: { drift: DriftSeen | null }[] } };
  const { events } = await ask<Answer>(graphql, query, { clusters: { names: [cluster] } }, signal);
  return events.nodes.flatMap(({ drift }) => drift ?? []);
}

/** Drift of a cluster that is there now. */
export async function driftOpen(graphql: string, cluster: string, signal: AbortSignal): Promise<DriftSeen[]> {
  const query = `query($filter: DriftFilter) { drift(filter: $filter, first: 50) { nodes { ${DRIFT_FIELDS} } } }`;
  type Answer = { drift: { nodes: DriftSeen[] } };
  return (await ask<Answer>(graphql, query, { filter: { clusters: [cluster] } }, signal)).drift.nodes;
}
