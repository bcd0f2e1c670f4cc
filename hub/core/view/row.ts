import type { Status as Report } from '#proto/messages.ts';
import {
  assignmentKey,
  type EffectiveCluster,
  type HubState,
  type IndexedAssignment,
  type IndexSnapshot,
} from '../types.ts';
import { type AgentRecord, NO_FACTS } from './agents.ts';
import { type ApprovalRow, heldReason } from './approvals.ts';
import { type AssignmentRow, deriveAssignment } from './assignment.ts';
import type { Axis, Connectivity } from './axes.ts';
import { type ClusterRow, foldCluster } from './cluster.ts';
import { decidedOf, removalsOf } from './decided.ts';
import type { Departing } from './departing.ts';
import { alike, shareStatus } from './share.ts';

/** Everything that the row of a cluster follows from. */
export type RowSources = {
  readonly index: IndexSnapshot;
  readonly state: HubState;
  readonly departing: Departing;
  readonly entry: EffectiveCluster;
  readonly agent: AgentRecord | undefined;
  readonly connectivity: Axis<Connectivity>;
};

/** The row of a cluster, made anew; its `version` is that of the row before. */
export function deriveRow(name: string, sources: RowSources, before: ClusterRow | undefined): ClusterRow {
  const { index, entry, departing } = sources;
  const kept = departing.keptOn(name);
  const leaves = !entry.invalid && entry.document.spec.decommission === 'prune';
  const given = leaves ? [] : [...index.assignments.ofCluster(name)];
  let neighbour: AssignmentRow | undefined;
  const derive = (placement: string, indexed: IndexedAssignment, approval?: ApprovalRow) => {
    neighbour = shareStatus(assignmentOf(name, sources, placement, indexed, approval), neighbour);
    return neighbour;
  };
  const assignments = [
    ...given.map(([placement, indexed]) => derive(placement, indexed)),
    ...kept.map(({ placement, indexed, approval }) => derive(placement, indexed, approval)),
  ].sort(byPlacement);
  return rowOf(name, sources, assignments, before);
}

/** The same where nothing else has changed than the index: only what it says of an assignment's trouble is in a row. */
export function deriveRowAt(
  was: IndexSnapshot,
  name: string,
  sources: RowSources,
  before: ClusterRow | undefined,
): ClusterRow {
  const { index } = sources;
  if (!before || !isStill(before, sources)) return deriveRow(name, sources, before);
  const assignments: AssignmentRow[] = [];
  const known = new Map(before.assignments.map((row) => [row.placement, row]));
  for (const [placement, indexed] of index.assignments.ofCluster(name)) {
    const row = known.get(placement);
    const isSame = row && was.assignments.get(assignmentKey(name, placement))?.problem === indexed.problem;
    assignments.push(isSame ? row : assignmentOf(name, sources, placement, indexed, undefined));
  }
  const isAll =
    assignments.length === known.size && assignments.every((row) => known.get(row.placement) === row);
  if (isAll) return before;
  return rowOf(name, sources, assignments.sort(byPlacement), before);
}

const byPlacement = (a: AssignmentRow, b: AssignmentRow): number => (a.placement < b.placement ? -1 : 1);

/** Whether what all assignments of a row have in common is as it was. */
function isStill(before: ClusterRow, { entry, connectivity, departing }: RowSources): boolean {
  const known = before.status.connectivity;
  const leaves = entry.document.spec.decommission === 'prune';
  return before.entry === entry && alike(connectivity, known) === known && departing.isEmpty && !leaves;
}

/**
 * The same where nothing else has changed than what is decided or said of one placement: of a cluster that runs many, most of the row
 * stays.
 */
export function deriveRowFor(
  placement: string,
  name: string,
  sources: RowSources,
  before: ClusterRow | undefined,
): ClusterRow {
  if (!before || !isStill(before, sources)) return deriveRow(name, sources, before);
  const at = before.assignments.findIndex((row) => row.placement === placement);
  const indexed = sources.index.assignments.get(assignmentKey(name, placement));
  if (at < 0 || !indexed) return deriveRow(name, sources, before);
  const made = assignmentOf(name, sources, placement, indexed, undefined);
  const assignments = [...before.assignments];
  assignments[at] = shareStatus(made, before.assignments[at === 0 ? 1 : 0]);
  return rowOf(name, sources, assignments, before);
}

function assignmentOf(
  cluster: string,
  { entry, state, agent, connectivity }: RowSources,
  placement: string,
  indexed: IndexedAssignment,
  approval: ApprovalRow | undefined,
): AssignmentRow {
  return deriveAssignment({
    cluster,
    placement,
    entry,
    indexed,
    target: decidedOf(state, placement, cluster),
    report: reportOf(agent, placement),
    connectivity,
    held: approval && { reason: heldReason(approval), since: approval.requestedAt },
  });
}

/** A status that says the placement is gone counts for nothing once Git assigns it again. */
function reportOf(agent: AgentRecord | undefined, placement: string): Report | undefined {
  const report = agent?.reports.get(placement)?.report;
  return report?.removed ? undefined : report;
}

function rowOf(
  name: string,
  { entry, state, agent, connectivity }: RowSources,
  assignments: readonly AssignmentRow[],
  before: ClusterRow | undefined,
): ClusterRow {
  const removals = removalsOf(state, name);
  return {
    name,
    labels: entry.document.metadata.labels ?? {},
    entry,
    facts: agent?.facts ?? NO_FACTS,
    status: foldCluster(entry, connectivity, assignments, removals),
    assignments,
    removals,
    version: before?.version ?? 0,
  };
}
