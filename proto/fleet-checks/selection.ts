import type { Kind } from '../documents/kinds.ts';
import type { Sourced } from '../documents/read.ts';
import { matches, mismatches, type Selector } from '../selector.ts';
import { type Context, nameOf } from './context.ts';
import { type Finding, party } from './finding.ts';
import { isKnown } from './vocabulary.ts';

/** Selectors that match too little: fewer clusters than expected is an error, no cluster at all a warning with the reason. */
export function* checkSelection(context: Context): Iterable<Finding> {
  const { placements, values, groups, heldClusters } = context;
  for (const placement of placements.values()) {
    const { selector, expect } = placement.document.spec;
    const least = expect?.minClusters ?? 0;
    if (!isKnown(context, selector)) continue;
    let count = 0;
    for (const { labels, clusters } of groups) if (matches(selector, labels)) count += clusters.length;
    // A cluster that cannot be read is in force at its last valid revision and may well be selected there.
    if (count + heldClusters < least) {
      const why = count === 0 ? nearestMiss(context, selector) : undefined;
      yield {
        code: 'placement-empty',
        severity: 'error',
        message: `selects ${count} clusters, but expects at least ${least}${why === undefined ? '' : `; ${why}`}`,
        parties: [party('Placement', placement, ['spec', 'selector'], 'key')],
      };
    } else if (count === 0) yield* unmatched(context, 'Placement', placement, selector);
  }
  for (const one of values.values()) {
    const { selector } = one.document.spec;
    if (isKnown(context, selector) && !groups.some(({ labels }) => matches(selector, labels)))
      yield* unmatched(context, 'Values', one, selector);
  }
}

function* unmatched(
  context: Context,
  kind: Kind,
  of: Sourced<{ metadata: { name: string } }>,
  selector: Selector,
): Iterable<Finding> {
  const why = nearestMiss(context, selector);
  if (why === undefined || context.heldClusters > 0) return;
  yield {
    code: 'selector-unmatched',
    severity: 'warning',
    message: `selects no cluster; ${why}`,
    parties: [party(kind, of, ['spec', 'selector'], 'key')],
  };
}

/** The cluster that fails the fewest requirements, and by what; undefined where there are no clusters. */
function nearestMiss({ groups }: Pick<Context, 'groups'>, selector: Selector): string | undefined {
  let nearest: { cluster: string; failing: string[] } | undefined;
  for (const { labels, clusters } of groups) {
    const failing = mismatches(selector, labels);
    if (!nearest || failing.length < nearest.failing.length)
      nearest = { cluster: nameOf(clusters[0]!), failing };
  }
  return nearest && `the nearest is ${nearest.cluster}: it ${nearest.failing.join('; it ')}`;
}
