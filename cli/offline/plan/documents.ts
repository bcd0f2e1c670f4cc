import type { Access } from '#proto/documents/access.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import { FLEET_NAME } from '#proto/documents/kinds.ts';
import type { Sourced } from '#proto/documents/read.ts';
import type { SharedValues } from '#proto/documents/values.ts';
import type { FleetModel } from '#proto/fleet-model.ts';
import { formatSelector } from '#proto/selector.ts';
import { valueText } from '../../output/words.ts';
import { stagingOf } from './stage-moves.ts';
import { listChanges, strategyDifferences } from './strategy-words.ts';

/** A document that is about many placements or clusters, and that says something else. What it says of each is told there. */
export type DocumentChange = {
  readonly kind: 'Fleet' | 'RolloutStrategy' | 'Access' | 'Values';
  readonly name: string;
  readonly file: string;
  /** `invalid` is not valid at the end: it stays as it was. */
  readonly change: 'added' | 'removed' | 'changed' | 'invalid';
  /** What differs; of one that is new or gone, what it says, for short. */
  readonly why: readonly string[];
  /** Of a strategy: the placements that it stages. */
  readonly placements?: readonly string[];
};

/** Every strategy, Access or Values document that is new, gone or another one, and the Fleet. */
export function documentChanges(before: FleetModel, after: FleetModel): DocumentChange[] {
  const fleets = ({ fleet }: FleetModel) => new Map(fleet ? [[FLEET_NAME, fleet]] : []);
  const invalidFleet = new Set(after.invalid.fleet ? [FLEET_NAME] : []);
  return [
    ...compared('Fleet', fleets(before), fleets(after), invalidFleet, fleetDifferences, () => []),
    ...compared(
      'RolloutStrategy',
      before.strategies,
      after.strategies,
      after.invalid.strategies,
      strategyDifferences,
      ({ spec }) => [`stages ${spec.stages.map(({ name }) => name).join(', ')}`],
    ).map((one) => ({ ...one, placements: stagedBy(one.name, one.change === 'removed' ? before : after) })),
    ...compared('Access', before.access, after.access, after.invalid.access, accessDifferences, rulesOf),
    ...compared('Values', before.values, after.values, after.invalid.values, valuesDifferences, valuesOf),
  ];
}

function compared<T>(
  kind: DocumentChange['kind'],
  before: ReadonlyMap<string, Sourced<T>>,
  after: ReadonlyMap<string, Sourced<T>>,
  invalid: ReadonlySet<string>,
  differences: (was: T, is: T) => string[],
  summary: (document: T) => readonly string[],
): DocumentChange[] {
  const changes: DocumentChange[] = [];
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [was, is] = [before.get(name), after.get(name)];
    const { file } = (is ?? was)!;
    const tell = (change: DocumentChange['change'], why: readonly string[] = []) =>
      changes.push({ kind, name, file, change, why });
    if (invalid.has(name)) {
      if (was && was.document !== is?.document) tell('invalid');
    } else if (!was) tell('added', summary(is!.document));
    else if (!is) tell('removed', summary(was.document));
    else {
      const why = was.document === is.document ? [] : differences(was.document, is.document);
      if (why.length > 0) tell('changed', why);
    }
  }
  return changes;
}

const stagedBy = (strategy: string, model: FleetModel): string[] =>
  [...model.placements]
    .filter(([, { document }]) => stagingOf(document, model).name === strategy)
    .map(([name]) => name)
    .sort();

/** Who may do what, rule by rule. */
function accessDifferences(was: Access, is: Access): string[] {
  return listChanges('rule', rulesOf(was), rulesOf(is));
}

const rulesOf = ({ spec }: Access): string[] => spec.rules.map(ruleText);

function ruleText({ groups, permissions, clusters, placements }: Access['spec']['rules'][number]): string {
  const on = [
    clusters === undefined ? '' : ` on clusters ${formatSelector(clusters) || 'of any labels'}`,
    placements === undefined ? '' : ` of placements ${formatSelector(placements) || 'of any labels'}`,
  ];
  return `${groups.join(', ')} may ${[...permissions].sort().join(', ')}${on.join('')}`;
}

const valuesTold = ({ spec: { selector, placement, values } }: SharedValues): Record<string, unknown> => ({
  selector: formatSelector(selector) || 'all clusters',
  placement,
  ...values,
});

const valuesDifferences = (was: SharedValues, is: SharedValues): string[] =>
  differing(valuesTold(was), valuesTold(is));

const valuesOf = (document: SharedValues): string[] =>
  Object.entries(valuesTold(document)).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${valueText(value)}`],
  );

/** By place: `spec.defaults.prune`. */
function fleetDifferences(was: Fleet, is: Fleet): string[] {
  return differing(leaves(was.spec, 'spec'), leaves(is.spec, 'spec'));
}

function leaves(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { [path]: value };
  const entries = Object.entries(value).map(([key, inner]) => leaves(inner, `${path}.${key}`));
  return Object.assign({}, ...entries);
}

function differing(was: Readonly<Record<string, unknown>>, is: Readonly<Record<string, unknown>>): string[] {
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]))
    .map((key) => `${key} ${valueText(was[key])} → ${valueText(is[key])}`);
}
