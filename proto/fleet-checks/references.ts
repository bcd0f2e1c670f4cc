import { meant } from '../documents/explain.ts';
import type { Kind } from '../documents/kinds.ts';
import type { Placement } from '../documents/placement.ts';
import { didYouMean } from '../problems.ts';
import { declaredNames } from '../values.ts';
import type { Context } from './context.ts';
import { type Finding, type Party, party } from './finding.ts';

/** Names of other documents: placements and strategies that do not exist, and values that a placement does not declare. */
export function* checkReferences(context: Context): Iterable<Finding> {
  const { fleet, clusters, placements, values } = context;
  for (const cluster of clusters.values()) {
    for (const [name, given] of Object.entries(cluster.document.spec.placementValues ?? {})) {
      const path = ['spec', 'placementValues', name];
      const missing = missingPlacement(
        context,
        name,
        'placementValues',
        party('Cluster', cluster, path, 'key'),
      );
      if (missing) yield missing;
      for (const key of undeclared(placements.get(name)?.document, given))
        yield undeclaredValue(context, name, key, party('Cluster', cluster, [...path, key], 'key'));
    }
  }
  for (const shared of values.values()) {
    const name = shared.document.spec.placement;
    if (name === undefined) continue;
    const missing = missingPlacement(
      context,
      name,
      'placement',
      party('Values', shared, ['spec', 'placement']),
    );
    if (missing) yield missing;
    for (const key of undeclared(placements.get(name)?.document, shared.document.spec.values))
      yield undeclaredValue(context, name, key, party('Values', shared, ['spec', 'values', key], 'key'));
  }
  for (const placement of placements.values()) {
    for (const [index, name] of (placement.document.spec.dependsOn ?? []).entries()) {
      const at = party('Placement', placement, ['spec', 'dependsOn', index]);
      const missing = missingPlacement(context, name, 'dependsOn', at);
      if (missing) yield missing;
    }
    const { strategy } = placement.document.spec;
    if (strategy !== undefined)
      yield* missingStrategy(context, strategy, party('Placement', placement, ['spec', 'strategy']));
  }
  const byDefault = fleet?.document.spec.defaults?.strategy;
  if (fleet && byDefault !== undefined)
    yield* missingStrategy(context, byDefault, party('Fleet', fleet, ['spec', 'defaults', 'strategy']));
}

function undeclared(placement: Placement | undefined, given: Readonly<Record<string, unknown>>): string[] {
  if (!placement) return [];
  const declared = declaredNames(placement);
  return Object.keys(given).filter((key) => !declared.has(key));
}

function undeclaredValue({ placements }: Context, name: string, key: string, at: Party): Finding {
  const placement = placements.get(name)!;
  const near = didYouMean(key, declaredNames(placement.document));
  return {
    code: 'value-undeclared',
    severity: 'error',
    message: `placement ${name} does not declare value ${key}${meant(near)}`,
    ...(near !== undefined && { suggestion: near }),
    parties: [at, party('Placement', placement, ['spec', 'values'])],
  };
}

function missingPlacement(context: Context, name: string, field: string, at: Party): Finding | undefined {
  if (context.placements.has(name) || context.held('Placement', name)) return undefined;
  const near = didYouMean(name, context.placements.keys());
  return {
    code: 'placement-unknown',
    severity: 'error',
    message: `${field} names placement ${name}, which does not exist${meant(near)}`,
    ...(near !== undefined && { suggestion: near }),
    parties: [at, ...lost(context, 'Placement', name)],
  };
}

function* missingStrategy(context: Context, name: string, at: Party): Iterable<Finding> {
  if (context.strategies.has(name) || context.held('RolloutStrategy', name)) return;
  const near = didYouMean(name, context.strategies.keys());
  yield {
    code: 'strategy-unknown',
    severity: 'error',
    message: `strategy ${name} does not exist${meant(near)}`,
    ...(near !== undefined && { suggestion: near }),
    parties: [at, ...lost(context, 'RolloutStrategy', name)],
  };
}

/** A document that is gone is to blame when who names it did not change: it stays in force until nobody needs it. */
function lost({ gone }: Context, kind: Kind, name: string): Party[] {
  const was = gone(kind, name);
  return was ? [{ kind, name, file: was.file }] : [];
}
