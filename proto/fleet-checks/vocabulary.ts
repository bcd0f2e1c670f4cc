import { variablesOf } from '../documents/common.ts';
import { meant } from '../documents/explain.ts';
import type { Fleet, LabelRule } from '../documents/fleet.ts';
import type { Kind } from '../documents/kinds.ts';
import type { Sourced } from '../documents/read.ts';
import { didYouMean } from '../problems.ts';
import { type Labels, requirementsOf, type Selector } from '../selector.ts';
import type { Context } from './context.ts';
import { type Finding, type Party, party } from './finding.ts';

type Vocabulary = Readonly<Record<string, LabelRule>>;
type Wrong = { at: 'key' | 'value'; message: string; suggestion?: string };
type Document = Sourced<{ metadata: { name: string } }>;

/** Labels of clusters against the closed vocabulary of the Fleet. */
export function* checkLabels({ fleet, groups }: Context): Iterable<Finding> {
  const vocabulary = fleet?.document.spec.labels;
  if (!vocabulary) return;
  for (const { labels, clusters } of groups) {
    const wrong = wrongLabels(vocabulary, labels);
    for (const cluster of wrong.length > 0 ? clusters : []) {
      for (const { key, at, message, suggestion } of wrong) {
        const path = at === 'missing' ? ['metadata', 'labels'] : ['metadata', 'labels', key];
        yield {
          code: 'label-invalid',
          severity: 'error',
          message,
          ...(suggestion !== undefined && { suggestion }),
          parties: [party('Cluster', cluster, path, at === 'value' ? 'value' : 'key'), ruleParty(fleet, key)],
        };
      }
    }
  }
}

function wrongLabels(vocabulary: Vocabulary, labels: Labels) {
  const wrong: { key: string; at: 'key' | 'value' | 'missing'; message: string; suggestion?: string }[] = [];
  for (const [key, value] of Object.entries(labels)) {
    const found = wrongLabel(vocabulary, key, [value])[0];
    if (found) wrong.push({ key, ...found, message: `label ${found.message}` });
  }
  for (const [key, { required }] of Object.entries(vocabulary)) {
    if (required && !Object.hasOwn(labels, key))
      wrong.push({ key, at: 'missing', message: `label ${key} is required and missing` });
  }
  return wrong;
}

/** What a label and some values of it have against the vocabulary; `index` is that of the value. */
function wrongLabel(
  vocabulary: Vocabulary,
  key: string,
  values: readonly string[],
): (Wrong & { index: number })[] {
  const rule = Object.hasOwn(vocabulary, key) ? vocabulary[key] : undefined;
  if (!rule) {
    const near = didYouMean(key, Object.keys(vocabulary));
    const message = `${key} is not in the vocabulary of the fleet${meant(near)}`;
    return [{ at: 'key', index: 0, message, ...(near !== undefined && { suggestion: near }) }];
  }
  return values.flatMap((value, index) => {
    if (rule.enum && !rule.enum.includes(value)) {
      const near = didYouMean(value, rule.enum);
      const message = `${key}=${value} is not one of ${rule.enum.join(', ')}${meant(near)}`;
      return [{ at: 'value' as const, index, message, ...(near !== undefined && { suggestion: near }) }];
    }
    if (!allows(rule, value))
      return [{ at: 'value' as const, index, message: `${key}=${value} does not match ${rule.pattern}` }];
    return [];
  });
}

/** Whether a selector names nothing but what the vocabulary knows: else it is told so, and not that it matches nothing. */
export function isKnown({ fleet }: Context, selector: Selector): boolean {
  const vocabulary = fleet?.document.spec.labels;
  if (!vocabulary) return true;
  return requirementsOf(selector).every(
    ({ key, values = [] }) => wrongLabel(vocabulary, key, values).length === 0,
  );
}

export function allows(rule: LabelRule, value: string): boolean {
  return (
    (rule.enum?.includes(value) ?? true) &&
    (rule.pattern === undefined || new RegExp(rule.pattern).test(value))
  );
}

/** Selectors that look at labels of clusters, order labels and path variables: a typo there matches nothing, in silence. */
export function* checkSelectors(context: Context): Iterable<Finding> {
  const { fleet, placements, values, strategies, access } = context;
  if (!fleet?.document.spec.labels) return;
  for (const placement of placements.values()) {
    const { spec } = placement.document;
    yield* inSelector(fleet, 'Placement', placement, ['spec', 'selector'], spec.selector);
    yield* inPath(fleet, placement, ['spec', 'path'], spec.path);
    for (const [index, component] of (spec.components ?? []).entries()) {
      const path = ['spec', 'components', index];
      yield* inSelector(fleet, 'Placement', placement, [...path, 'selector'], component.selector);
      yield* inPath(fleet, placement, [...path, 'path'], component.path);
    }
  }
  for (const one of values.values())
    yield* inSelector(fleet, 'Values', one, ['spec', 'selector'], one.document.spec.selector);
  for (const one of strategies.values()) {
    for (const [index, stage] of one.document.spec.stages.entries()) {
      const path = ['spec', 'stages', index];
      yield* inSelector(fleet, 'RolloutStrategy', one, [...path, 'selector'], stage.selector);
      if (stage.orderBy !== undefined)
        yield* inLabel(fleet, 'RolloutStrategy', one, stage.orderBy, [], [...path, 'orderBy'], []);
    }
    for (const [index, window] of (one.document.spec.windows ?? []).entries())
      yield* inSelector(
        fleet,
        'RolloutStrategy',
        one,
        ['spec', 'windows', index, 'selector'],
        window.selector,
      );
  }
  for (const one of access.values())
    for (const [index, rule] of one.document.spec.rules.entries())
      yield* inSelector(fleet, 'Access', one, ['spec', 'rules', index, 'clusters'], rule.clusters);
}

function* inSelector(
  fleet: Sourced<Fleet>,
  kind: Kind,
  of: Document,
  path: readonly PropertyKey[],
  selector: Selector = {},
): Iterable<Finding> {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    const at = [...path, 'matchLabels', key];
    yield* inLabel(fleet, kind, of, key, [value], at, [at]);
  }
  for (const [index, { key, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = [...path, 'matchExpressions', index];
    const valuesAt = values.map((_, position) => [...at, 'values', position]);
    yield* inLabel(fleet, kind, of, key, values, [...at, 'key'], valuesAt);
  }
}

/** Paths: of the label's name, and of each value. A key of a map is found by the path of what it leads to. */
function* inLabel(
  fleet: Sourced<Fleet>,
  kind: Kind,
  of: Document,
  key: string,
  values: readonly string[],
  keyAt: readonly PropertyKey[],
  valuesAt: readonly (readonly PropertyKey[])[],
): Iterable<Finding> {
  for (const { at, index, message, suggestion } of wrongLabel(fleet.document.spec.labels!, key, values)) {
    const isMapKey = keyAt.at(-1) === key && keyAt.at(-2) === 'matchLabels';
    const here =
      at === 'value' ? party(kind, of, valuesAt[index]!) : party(kind, of, keyAt, isMapKey ? 'key' : 'value');
    yield {
      code: 'selector-label-unknown',
      severity: 'error',
      message: `${at === 'key' ? 'label ' : ''}${message}`,
      ...(suggestion !== undefined && { suggestion }),
      parties: [here, ruleParty(fleet, key)],
    };
  }
}

function* inPath(
  fleet: Sourced<Fleet>,
  of: Document,
  at: readonly PropertyKey[],
  path: string,
): Iterable<Finding> {
  const vocabulary = fleet.document.spec.labels!;
  for (const variable of variablesOf(path)) {
    if (variable === 'name' || Object.hasOwn(vocabulary, variable)) continue;
    const near = didYouMean(variable, ['name', ...Object.keys(vocabulary)]);
    yield {
      code: 'path-variable-unknown',
      severity: 'error',
      message: `path ${path}: {${variable}} is neither {name} nor in the vocabulary of the fleet${near === undefined ? '' : `; did you mean {${near}}?`}`,
      ...(near !== undefined && { suggestion: `{${near}}` }),
      parties: [party('Placement', of, at), ruleParty(fleet, variable)],
    };
  }
}

function ruleParty(fleet: Sourced<Fleet>, key: string): Party {
  return party('Fleet', fleet, ['spec', 'labels', key], 'key');
}
