import type { Scalar } from '../documents/common.ts';
import type { Sourced } from '../documents/read.ts';
import type { SharedValues } from '../documents/values.ts';
import { matches } from '../selector.ts';
import { layerValues, sharedLayer } from '../values.ts';
import { type Context, type LabelGroup, nameOf } from './context.ts';
import { type Finding, party } from './finding.ts';

type Shared = Sourced<SharedValues>;
type Conflict = { one: Shared; other: Shared; key: string; example: Example; more: number };
type Example = { cluster: LabelGroup['clusters'][number]; placement: string };

/**
 * Values documents of equal rank that give a cluster different values for a name, where that decides: some placement on it
 * declares the name, and nothing more specific sets it. Told once for every two documents and name.
 */
export function* checkValueConflicts(context: Context): Iterable<Finding> {
  const conflicts = new Map<string, Conflict>();
  if (context.values.size > 1)
    for (const group of context.groups)
      for (const example of disputes(context, group)) collect(context, conflicts, example);
  for (const { one, other, key, example, more } of conflicts.values()) {
    const { cluster, placement } = example;
    const path = ['spec', 'values', key];
    const others = more > 0 ? `, and so do ${more} more assignments` : '';
    yield {
      code: 'value-conflict',
      severity: 'error',
      message: `value ${key} differs from that of ${one.file}, of equal rank: cluster ${nameOf(cluster)} gets both for placement ${placement}${others}`,
      suggestion: 'let only one of them select the cluster, or set the value where it is more specific',
      parties: [
        party('Values', other, path),
        party('Values', one, path),
        party('Cluster', cluster, ['metadata', 'labels'], 'key'),
      ],
    };
  }
}

/** Assignments of a group of clusters for which two documents may disagree; cheap where none do. */
function* disputes({ values, placements }: Context, { labels, clusters }: LabelGroup): Iterable<Example> {
  const disputed = new Map<string, Set<string>>();
  const seen = new Map<string, Scalar>();
  for (const one of values.values()) {
    const { selector, placement = '', values: given } = one.document.spec;
    if (!matches(selector, labels)) continue;
    for (const [key, value] of Object.entries(given)) {
      const place = `${placement} ${key}`;
      if (!seen.has(place)) seen.set(place, value);
      else if (seen.get(place) !== value)
        disputed.set(placement, (disputed.get(placement) ?? new Set()).add(key));
    }
  }
  if (disputed.size === 0) return;
  for (const [name, { document }] of placements) {
    if (!disputed.has('') && !disputed.has(name)) continue;
    if (!matches(document.spec.selector, labels)) continue;
    for (const cluster of clusters) yield { cluster, placement: name };
  }
}

function collect({ values, placements }: Context, conflicts: Map<string, Conflict>, example: Example): void {
  const placement = placements.get(example.placement)!.document;
  const cluster = example.cluster.document;
  const shared = sharedLayer(values.values(), placement, cluster.metadata.labels ?? {});
  const { faults } = layerValues(placement, cluster, shared);
  for (const fault of faults) {
    if (fault.code !== 'value-conflict') continue;
    const [one, other] = fault.between!;
    const key = [one.file, other.file, fault.variable].join(' ');
    const known = conflicts.get(key);
    if (known) known.more++;
    else conflicts.set(key, { one, other, key: fault.variable, example, more: 0 });
  }
}
