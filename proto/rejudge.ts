import { canonicalJson } from './canonical.ts';
import type { Cluster } from './documents/cluster.ts';
import type { Sourced } from './documents/read.ts';
import { contextOf } from './fleet-checks/context.ts';
import { checkReferences } from './fleet-checks/references.ts';
import { checkValueConflicts } from './fleet-checks/values.ts';
import type { FleetFile, FleetModel } from './fleet-model.ts';

/**
 * The model after some files changed, where that can be told without looking at all others: entries of clusters that keep their
 * labels and keys, valid before and now, in a fleet where everything is. It is what `judgeFleet` says of the whole.
 * Undefined where more may have changed; then everything has to be judged.
 */
export function rejudge(
  before: FleetModel,
  changed: readonly (FleetFile | undefined)[],
): FleetModel | undefined {
  const { fleet, ...invalid } = before.invalid;
  if (fleet || Object.values(invalid).some((names) => names.size > 0)) return undefined;
  const entries = new Map<string, Sourced<Cluster>>();
  for (const file of changed) {
    const entry = file && sameButForValues(before, file);
    if (!entry) return undefined;
    entries.set(entry.document.metadata.name, entry);
  }
  const context = contextOf({ ...before, clusters: entries }, new Map(), undefined);
  for (const check of [checkReferences, checkValueConflicts])
    for (const _ of check(context)) return undefined;
  const clusters = new Map(before.clusters);
  for (const [name, entry] of entries) clusters.set(name, entry);
  return { ...before, clusters };
}

/** An entry as it stands now, if what other documents look at in it is as before. */
function sameButForValues({ clusters, problems }: FleetModel, { file, result }: FleetFile) {
  if (!('read' in result) || result.warnings || result.read.kind !== 'Cluster') return undefined;
  const { document } = result.read;
  const { name, labels } = document.metadata;
  const was = clusters.get(name);
  if (was?.file !== file || problems.some((problem) => problem.source.file === file)) return undefined;
  const same =
    canonicalJson(was.document.metadata.labels ?? {}) === canonicalJson(labels ?? {}) &&
    canonicalJson(was.document.spec.agent) === canonicalJson(document.spec.agent);
  return same ? result.read : undefined;
}
