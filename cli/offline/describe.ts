import { type Policy, policyOf } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import type { Sourced } from '#proto/documents/read.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { formatSelector, matches, mismatches } from '#proto/selector.ts';
import { stageOf } from '#proto/stages.ts';
import { explained } from './explain.ts';
import { rowsOf } from './fleet.ts';

/** A cluster as its entry and the placements that select it have it. Members are added, never renamed. */
export function describeCluster(model: FleetModel, cluster: Sourced<Cluster>) {
  const { metadata, spec } = cluster.document;
  return {
    cluster: metadata.name,
    file: cluster.file,
    labels: metadata.labels ?? {},
    mode: spec.mode ?? 'enforce',
    suspend: spec.suspend ?? false,
    decommission: spec.decommission ?? null,
    publicKeys: spec.agent.publicKeys,
    assignments: rowsOf(model, { cluster }).map((row) => ({
      ...explained(row),
      ...stageOn(model, row.placement.document, cluster.document),
      policy: policyIn(model, row.placement.document),
    })),
  };
}

/** A placement with the clusters that it selects, by stage, and those that it does not, by reason. */
export function describePlacement(model: FleetModel, placement: Sourced<Placement>) {
  const { document, file } = placement;
  const { metadata, spec } = document;
  const rows = rowsOf(model, { placements: new Map([[metadata.name, placement]]) });
  const staged = Map.groupBy(rows, ({ cluster }) => stageOn(model, document, cluster.document).stage);
  const others = [...model.clusters.values()].filter((cluster) => !selects(document, cluster.document));
  const unmatched = Map.groupBy(others, (cluster) => whyNot(document, cluster.document));
  const names = (clusters: readonly Sourced<Cluster>[]) => clusters.map((one) => one.document.metadata.name);
  return {
    placement: metadata.name,
    file,
    labels: metadata.labels ?? {},
    owner: spec.owner ?? null,
    runbook: spec.runbook ?? null,
    selector: formatSelector(spec.selector),
    path: spec.path,
    components: (spec.components ?? []).map(({ path, selector }) => ({
      path,
      selector: formatSelector(selector ?? {}),
    })),
    namespace: spec.namespace ?? null,
    values: { required: spec.values?.required ?? [], optional: spec.values?.optional ?? {} },
    strategy: strategyName(model, document),
    stages: [...staged].map(([stage, some]) => ({
      stage,
      clusters: names(some.map(({ cluster }) => cluster)),
    })),
    unmatched: [...unmatched].map(([why, some]) => ({ why, clusters: names(some) })),
    faults: rows.flatMap((row) =>
      'faults' in row ? row.faults.map(({ code, message }) => ({ code, message })) : [],
    ),
    policy: policyIn(model, document),
  };
}

/** Why a cluster has a placement, or has it not. */
export function whyOn(model: FleetModel, cluster: Sourced<Cluster>, placement: Sourced<Placement>) {
  const { document, file } = placement;
  const selected = selects(document, cluster.document);
  const placements = new Map([[document.metadata.name, placement]]);
  const [row] = selected ? rowsOf(model, { cluster, placements }) : [];
  const selector = formatSelector(document.spec.selector);
  return {
    placement: document.metadata.name,
    file,
    selected,
    why: selected
      ? [
          selector === ''
            ? 'its selector is empty: it selects every cluster'
            : `its selector ${selector} matches`,
        ]
      : mismatches(document.spec.selector, cluster.document.metadata.labels ?? {}),
    ...(selected && stageOn(model, document, cluster.document)),
    ...(row &&
      ('faults' in row
        ? { faults: row.faults.map(({ message }) => message) }
        : { path: row.assignment.path })),
  };
}

const selects = ({ spec }: Placement, { metadata }: Cluster): boolean =>
  matches(spec.selector, metadata.labels ?? {});
const whyNot = ({ spec }: Placement, { metadata }: Cluster): string =>
  mismatches(spec.selector, metadata.labels ?? {}).join('; ');

const strategyName = ({ fleet }: FleetModel, { spec }: Placement): string | null =>
  spec.strategy ?? fleet?.document.spec.defaults?.strategy ?? null;

function stageOn(model: FleetModel, placement: Placement, { metadata }: Cluster) {
  const strategy = strategyName(model, placement);
  const stages = model.strategies.get(strategy ?? '')?.document.spec.stages ?? [];
  const stage = strategy === null ? 'all' : (stageOf(stages, metadata.labels ?? {})?.name ?? null);
  return { strategy, stage };
}

function policyIn({ fleet }: FleetModel, placement: Placement): Policy | null {
  return fleet ? policyOf(fleet.document, placement) : null;
}
