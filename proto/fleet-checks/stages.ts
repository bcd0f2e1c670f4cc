import type { Fleet } from '../documents/fleet.ts';
import type { Sourced } from '../documents/read.ts';
import type { RolloutStrategy } from '../documents/strategy.ts';
import { type Labels, matches, requirementsOf, type Selector } from '../selector.ts';
import { amountOf, clustersOf, stageOf } from '../stages.ts';
import { type Context, nameOf } from './context.ts';
import { type Finding, type Party, party, someOf } from './finding.ts';
import { allows } from './vocabulary.ts';

/** Stages that nothing can ever fall in, clusters that fall in no stage, and budgets that can never be used up. */
export function* checkStages(context: Context): Iterable<Finding> {
  for (const strategy of context.strategies.values()) yield* impossibleStages(context, strategy);
  const idle = new Set<string>();
  for (const placement of context.placements.values()) {
    const name = placement.document.spec.strategy ?? context.fleet?.document.spec.defaults?.strategy;
    const strategy = name === undefined ? undefined : context.strategies.get(name);
    if (!strategy) continue;
    yield* clustersInNoStage(context, placement, strategy);
    yield* idleBudgets(context, placement, strategy, idle);
  }
}

type PlacementSource = Context['placements'] extends ReadonlyMap<string, infer P> ? P : never;

function* clustersInNoStage(
  context: Context,
  placement: PlacementSource,
  strategy: Sourced<RolloutStrategy>,
): Iterable<Finding> {
  const { groups, changed, fleet } = context;
  const { stages } = strategy.document.spec;
  const stray = groups
    .filter(({ labels }) => matches(placement.document.spec.selector, labels) && !stageOf(stages, labels))
    .flatMap(({ clusters }) => clusters);
  if (stray.length === 0) return;
  const [name, on] = [nameOf(strategy), nameOf(placement)];
  const finding = (those: readonly string[]): Omit<Finding, 'parties'> => ({
    code: 'cluster-without-stage',
    severity: 'error',
    message: `${those.length > 1 ? 'clusters' : 'cluster'} ${someOf(those)} of placement ${on} ${those.length > 1 ? 'fall' : 'falls'} in no stage of strategy ${name}`,
    suggestion: 'end the stages with one whose selector is {}',
  });
  const inStrategy = party('RolloutStrategy', strategy, ['spec', 'stages'], 'key');
  const inPlacement = party('Placement', placement, ['spec', 'selector'], 'key');
  const relabelled = stray.filter((cluster) => changed('Cluster', nameOf(cluster)));
  const byDocuments = changed('RolloutStrategy', name) || changed('Placement', on) || relabelled.length === 0;
  if (byDocuments) {
    yield {
      ...finding(stray.map(nameOf)),
      parties: [inStrategy, inPlacement, ...fleetAt(fleet, ['spec', 'defaults', 'strategy'])],
    };
    return;
  }
  for (const cluster of relabelled)
    yield {
      ...finding([nameOf(cluster)]),
      parties: [party('Cluster', cluster, ['metadata', 'labels'], 'key')],
    };
}

const fleetAt = (fleet: Sourced<Fleet> | undefined, path: readonly string[]): Party[] =>
  fleet ? [party('Fleet', fleet, path, 'key')] : [];

/** Tells each stage of a strategy once: of the first placement for which its budget is idle. */
function* idleBudgets(
  { groups }: Context,
  placement: PlacementSource,
  strategy: Sourced<RolloutStrategy>,
  told: Set<string>,
): Iterable<Finding> {
  const { stages, failure } = strategy.document.spec;
  if (!failure?.maxFailed) return;
  const members = new Map<string, number>();
  for (const { labels, clusters } of groups) {
    const stage = matches(placement.document.spec.selector, labels) ? stageOf(stages, labels) : undefined;
    if (stage) members.set(stage.name, (members.get(stage.name) ?? 0) + clusters.length);
  }
  for (const [stage, count] of members) {
    const key = `${nameOf(strategy)}/${stage}`;
    const most = clustersOf(amountOf(failure.maxFailed), count);
    if (most < count || told.has(key)) continue;
    told.add(key);
    yield {
      code: 'failure-budget-idle',
      severity: 'warning',
      message: `stage ${stage} has ${count} ${count === 1 ? 'cluster' : 'clusters'} of placement ${nameOf(placement)}, and maxFailed lets ${most} fail: no failure stops it`,
      parties: [party('RolloutStrategy', strategy, ['spec', 'failure', 'maxFailed'])],
    };
  }
}

/** Beyond so many combinations of labels nobody reads a strategy any more; then nothing is said. */
const MOST_COMBINATIONS = 20_000;
/** Stands for every value that no selector names. */
const OTHER = '\0other';

function* impossibleStages({ fleet }: Context, strategy: Sourced<RolloutStrategy>): Iterable<Finding> {
  const { stages } = strategy.document.spec;
  const vocabulary = fleet?.document.spec.labels;
  const domains = domainsOf(
    stages.map(({ selector }) => selector),
    vocabulary,
  );
  if (!domains) return;
  const alone = new Set<number>();
  const first = new Set<number>();
  for (const labels of combinations(domains)) {
    let taken = false;
    for (const [index, { selector }] of stages.entries()) {
      if (!matches(selector, labels)) continue;
      alone.add(index);
      if (!taken) first.add(index);
      taken = true;
    }
  }
  for (const [index, { name }] of stages.entries()) {
    if (first.has(index)) continue;
    const earlier = stages.slice(0, index).map((stage) => stage.name);
    const why = alone.has(index)
      ? `${earlier.length > 1 ? 'the stages' : 'stage'} ${someOf(earlier)} before it ${earlier.length > 1 ? 'take' : 'takes'} every cluster that it matches`
      : 'its selector contradicts itself or the vocabulary of the fleet';
    yield {
      code: 'stage-impossible',
      severity: 'error',
      message: `no cluster can ever be in stage ${name}: ${why}`,
      parties: [
        party('RolloutStrategy', strategy, ['spec', 'stages', index, 'name']),
        ...fleetAt(fleet, ['spec', 'labels']),
      ],
    };
  }
}

type Domains = ReadonlyMap<string, readonly (string | undefined)[]>;

/**
 * What each label that selectors look at can be: the values that they name, one for all others, and absence, as far as the
 * vocabulary allows. Undefined when a selector names what the vocabulary does not know (that is told elsewhere), or when there
 * are too many combinations.
 */
function domainsOf(selectors: readonly Selector[], vocabulary: Fleet['spec']['labels']): Domains | undefined {
  const named = new Map<string, Set<string>>();
  for (const { key, values = [] } of selectors.flatMap((selector) => requirementsOf(selector))) {
    const known = named.get(key) ?? new Set();
    for (const value of values) known.add(value);
    named.set(key, known);
  }
  const domains = new Map<string, (string | undefined)[]>();
  let combinations = 1;
  for (const [key, values] of named) {
    const rule = vocabulary && Object.hasOwn(vocabulary, key) ? vocabulary[key] : undefined;
    if (vocabulary && (!rule || [...values].some((value) => !allows(rule, value)))) return undefined;
    const domain: (string | undefined)[] = [...values];
    if (!rule?.enum || rule.enum.some((value) => !values.has(value) && allows(rule, value)))
      domain.push(OTHER);
    if (!rule?.required) domain.push(undefined);
    domains.set(key, domain);
    combinations *= domain.length;
    if (combinations > MOST_COMBINATIONS) return undefined;
  }
  return domains;
}

function* combinations(domains: Domains): Iterable<Labels> {
  const keys = [...domains.keys()];
  const sizes = keys.map((key) => domains.get(key)!.length);
  const total = sizes.reduce((product, size) => product * size, 1);
  for (let index = 0; index < total; index++) {
    const labels: Record<string, string> = {};
    let rest = index;
    for (const [position, key] of keys.entries()) {
      const value = domains.get(key)![rest % sizes[position]!];
      rest = Math.floor(rest / sizes[position]!);
      if (value !== undefined) labels[key] = value;
    }
    yield labels;
  }
}
