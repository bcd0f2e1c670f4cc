import { type Resolution, type ResolveFault, resolveAssignment } from '../assignment.ts';
import type { Cluster } from '../documents/cluster.ts';
import type { Placement } from '../documents/placement.ts';
import type { Sourced } from '../documents/read.ts';
import type { Problem } from '../problems.ts';
import { matches } from '../selector.ts';
import { sharedLayer } from '../values.ts';
import { type Documents, groupByLabels, nameOf } from './context.ts';

export type Resolved = { placement: Sourced<Placement>; cluster: Sourced<Cluster>; resolution: Resolution };

/** Every placement on every cluster that it selects. Nothing without a Fleet. */
export function* resolveAll({ fleet, placements, clusters, values }: Documents): Iterable<Resolved> {
  if (!fleet) return;
  const groups = groupByLabels(clusters);
  for (const placement of placements.values()) {
    for (const { labels, clusters: members } of groups) {
      if (!matches(placement.document.spec.selector, labels)) continue;
      const shared = values.size > 0 ? sharedLayer(values.values(), placement.document, labels) : undefined;
      for (const cluster of members) {
        const files = { cluster: cluster.file, placement: placement.file };
        const resolution = resolveAssignment(fleet.document, placement.document, cluster.document, {
          ...(shared && { shared }),
          files,
        });
        yield { placement, cluster, resolution };
      }
    }
  }
}

/**
 * What keeps single assignments from being resolved, each naming cluster and placement: required values that are missing, path
 * variables without a label. What is a document's fault is told by `assembleFleet` and not again here.
 */
export function checkAssignments(documents: Documents): Problem[] {
  const problems: Problem[] = [];
  const told = new Set<string>();
  const vocabulary = documents.fleet?.document.spec.labels;
  for (const { placement, cluster, resolution } of resolveAll(documents)) {
    for (const fault of 'faults' in resolution ? resolution.faults : []) {
      if (fault.code !== 'value-missing' && fault.code !== 'path-variable-unknown') continue;
      const key = [nameOf(placement), nameOf(cluster), fault.code, fault.variable].join(' ');
      const unknown =
        fault.code === 'path-variable-unknown' && vocabulary && !Object.hasOwn(vocabulary, fault.variable);
      if (unknown || told.has(key)) continue;
      told.add(key);
      const path = placeOf(placement.document, fault);
      problems.push({
        code: fault.code,
        severity: 'error',
        message: `${placement.file}: ${fault.message}`,
        source: placement.locate(path),
        text: placement.quote(path),
        suggestion:
          fault.code === 'value-missing'
            ? `set ${fault.variable} in ${cluster.file}, or in a Values document`
            : `add label ${fault.variable} to ${cluster.file}`,
        cluster: nameOf(cluster),
        placement: nameOf(placement),
      });
    }
  }
  return problems;
}

/** Where in the placement a fault of one of its assignments stands. */
export function placeOf({ spec }: Placement, { code, variable }: ResolveFault): PropertyKey[] {
  if (code === 'path-variable-unknown') {
    if (spec.path.includes(`{${variable}}`)) return ['spec', 'path'];
    const index = (spec.components ?? []).findIndex(({ path }) => path.includes(`{${variable}}`));
    return ['spec', 'components', index, 'path'];
  }
  const index = spec.values?.required?.indexOf(variable) ?? -1;
  return index < 0 ? ['spec', 'values'] : ['spec', 'values', 'required', index];
}
