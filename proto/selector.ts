import { z } from 'zod';
import { FlotillaError } from './faults.ts';

/**
 * Label selectors: the one parser and matcher for documents (`matchLabels`, `matchExpressions`) and for kubectl's text syntax
 * (`env=prod,region in (eu,us),!legacy`). Semantics of Kubernetes: all requirements must hold; an empty selector matches everything;
 * `NotIn` and `!=` match where the label is absent.
 */
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

export const labelKey = z
  .string()
  .regex(
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'not a label key (letters, digits, - _ . and an optional DNS prefix)',
  );
const labelValue = z
  .string()
  .regex(
    /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
    'not a label value (at most 63 letters, digits, - _ .)',
  );

export const labels = z.record(labelKey, labelValue);
export type Labels = z.infer<typeof labels>;

const requirement = z
  .strictObject({ key: labelKey, operator: z.enum(OPERATORS), values: z.array(labelValue).optional() })
  .superRefine(({ operator, values }, context) => {
    const needs = operator === 'In' || operator === 'NotIn';
    if (needs && !values?.length)
      context.addIssue({ code: 'custom', path: ['operator'], message: `${operator} needs values` });
    if (!needs && values?.length)
      context.addIssue({ code: 'custom', path: ['values'], message: `${operator} takes no values` });
  });
export type Requirement = z.infer<typeof requirement>;

export const selector = z.strictObject({
  matchLabels: labels.optional(),
  matchExpressions: z.array(requirement).optional(),
});
export type Selector = z.infer<typeof selector>;

/** Whether labels satisfy the selector. */
export function matches(selected: Selector, of: Labels): boolean {
  return requirementsOf(selected).every((one) => holds(one, of));
}

/** The first requirement that does not hold, in words; undefined when all hold. */
export function mismatch(selected: Selector, of: Labels): string | undefined {
  const failing = requirementsOf(selected).find((one) => !holds(one, of));
  return failing && inWords(failing, of);
}

/** Every requirement that does not hold, in words. */
export function mismatches(selected: Selector, of: Labels): string[] {
  return requirementsOf(selected)
    .filter((one) => !holds(one, of))
    .map((one) => inWords(one, of));
}

function inWords(failing: Requirement, of: Labels): string {
  const has = Object.hasOwn(of, failing.key)
    ? `${failing.key}=${of[failing.key]}`
    : `no label ${failing.key}`;
  return `wants ${formatRequirement(failing)}, has ${has}`;
}

/** Documents do not change once they are read, so a selector is taken apart once. */
const takenApart = new WeakMap<Selector, readonly Requirement[]>();

/** A selector as one list of requirements, all of which must hold; those of `matchLabels` come first. */
export function requirementsOf(selected: Selector): readonly Requirement[] {
  const known = takenApart.get(selected);
  if (known) return known;
  const { matchLabels = {}, matchExpressions = [] } = selected;
  const equal = Object.entries(matchLabels).map(
    ([key, value]): Requirement => ({ key, operator: 'In', values: [value] }),
  );
  const requirements = [...equal, ...matchExpressions];
  takenApart.set(selected, requirements);
  return requirements;
}

function holds({ key, operator, values = [] }: Requirement, of: Labels): boolean {
  const value = Object.hasOwn(of, key) ? of[key]! : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      operator satisfies never;
      return false;
  }
}

function formatRequirement({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
  }
}

/** kubectl syntax of a selector; the inverse of `parseSelector` up to spelling. */
export function formatSelector(selected: Selector): string {
  return requirementsOf(selected).map(formatRequirement).join(',');
}

/**
 * Parses kubectl's selector syntax (`=`, `==`, `!=`, `in (…)`, `notin (…)`, `key`, `!key`).
 * @throws FlotillaError selector-invalid naming the part that is wrong
 */
export function parseSelector(text: string): Selector {
  const matchExpressions = splitOutsideParentheses(text).map((part) => parseRequirement(part, text));
  return matchExpressions.length > 0 ? { matchExpressions } : {};
}

function splitOutsideParentheses(text: string): string[] {
  if (text.trim() === '') return [];
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const letter of text) {
    if (letter === '(') depth++;
    if (letter === ')') depth--;
    if (letter === ',' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += letter;
  }
  return [...parts, part.trim()];
}

function parseRequirement(part: string, whole: string): Requirement {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part);
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*([^=!\s]*)$/.exec(part);
  const presence = /^(!?)\s*([^=!\s(),]+)$/.exec(part);
  const candidate = set
    ? {
        key: set[1],
        operator: set[2] === 'in' ? 'In' : 'NotIn',
        values: set[3]!.split(',').map((value) => value.trim()),
      }
    : equality
      ? { key: equality[1], operator: equality[2] === '!=' ? 'NotIn' : 'In', values: [equality[3]] }
      : presence && { key: presence[2], operator: presence[1] ? 'DoesNotExist' : 'Exists' };
  const read = requirement.safeParse(candidate);
  if (read.success) return read.data;
  const why = candidate ? read.error.issues[0]?.message : 'expected key=value, key in (a,b), key or !key';
  throw new FlotillaError(
    'selector-invalid',
    `selector ${JSON.stringify(whole)}: ${JSON.stringify(part)}: ${why}`,
  );
}
