import { type Policy, policyOf } from '#proto/assignment.ts';
import { canonicalJson } from '#proto/canonical.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { valueText } from '../../output/words.ts';

/** How the treatment of what a placement renders differs, in words. Its strategy is told with the stages. */
export function policyDifferences(name: string, before: FleetModel, after: FleetModel): string[] {
  const [was, is] = [before, after].map(({ fleet, placements }) => {
    const placement = placements.get(name)?.document;
    return fleet && placement && treatment(policyOf(fleet.document, placement), placement);
  });
  return was && is ? changes(was, is) : [];
}

/** How the treatment of a whole cluster differs, in words. */
export function entryDifferences(before: Cluster, after: Cluster): string[] {
  return changes(entry(before), entry(after));
}

function treatment(
  { strategy: _, minClusters: __, drift, health, guards, ...rest }: Policy,
  { spec }: Placement,
) {
  return {
    'drift.mode': drift.mode,
    'drift.extras': drift.extras,
    'drift.ignore': drift.ignore,
    'drift.controllers': drift.controllers,
    'health.timeout': `${health.timeoutMs / 1_000}s`,
    'health.requireAddress': health.requireAddress,
    'guards.maxPrune': `${guards.maxPrune * 100}%`,
    'guards.maxAssignmentsRemoved': `${guards.maxAssignmentsRemoved * 100}%`,
    ...rest,
    trust: spec.trust,
  };
}

const entry = ({ spec }: Cluster) => ({
  mode: spec.mode ?? 'enforce',
  suspend: spec.suspend ?? false,
  decommission: spec.decommission,
  'agent.publicKeys': spec.agent.publicKeys,
});

function changes<T extends Readonly<Record<string, unknown>>>(was: T, is: T): string[] {
  return Object.keys(is)
    .filter((key) => canonicalJson(was[key] ?? null) !== canonicalJson(is[key] ?? null))
    .map((key) => `${key} ${valueText(was[key])} → ${valueText(is[key])}`);
}
