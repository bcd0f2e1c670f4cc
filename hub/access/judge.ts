import type { Access, Permission } from '#proto/documents/access.ts';
import {
  formatSelector,
  type Labels,
  matches,
  type Requirement,
  requirementsOf,
  type Selector,
} from '#proto/selector.ts';
import { ADMIN_GROUP, type Viewer } from './viewer.ts';

export type Rule = Access['spec']['rules'][number];

/** The rules of all Access documents in force. */
export const rulesOf = (
  documents: ReadonlyMap<string, { readonly document: Access }> | undefined,
): readonly Rule[] => [...(documents?.values() ?? [])].flatMap(({ document }) => document.spec.rules);

/**
 * What an operation touches. `labels` of a cluster are undefined where it has no entry any more: only a rule for all clusters covers
 * it then.
 */
export type Touched = {
  /** Undefined: whatever runs there. */
  readonly placement?: { readonly name: string; readonly labels: Labels } | undefined;
  /** Clusters as they are today, or a selector, under which more may fall tomorrow. */
  readonly on:
    | { readonly clusters: readonly { readonly name: string; readonly labels: Labels | undefined }[] }
    | { readonly selector: Selector };
};

/**
 * Why a viewer may not do something, in words; undefined when it is allowed. Every cluster that is touched has to be covered by a rule
 * of one of the viewer's groups; a selector has to lie wholly within one rule, because what it will select is not known; what
 * concerns whatever runs on a cluster needs a rule for all placements. `rules` are those of all Access documents in force.
 */
export function whyNot(
  viewer: Viewer | undefined,
  permission: Permission,
  touched: Touched,
  rules: readonly Rule[],
): string | undefined {
  if (!viewer) return `who asks is not known: ${permission} needs a token`;
  const { subject, groups, only } = viewer;
  if (only) {
    const narrow = { clusters: only.clusters, placements: only.placements };
    const permissions = only.permissions ?? [permission];
    const missing = uncovered([{ groups: [], permissions, ...narrow }], permission, touched);
    if (missing !== undefined) return `the token ${subject} is restricted: ${missing}`;
  }
  if (groups.includes(ADMIN_GROUP)) return undefined;
  const mine = rules.filter((rule) => rule.groups.some((group) => groups.includes(group)));
  const missing = uncovered(mine, permission, touched);
  if (missing === undefined) return undefined;
  if (groups.length === 0) return `${subject} may not ${permission}: the token is in no group`;
  return `${subject} may not: access/ gives ${groups.join(', ')} ${missing}`;
}

/** Permissions that some rule gives a viewer somewhere, for showing. */
export function permissionsOf(viewer: Viewer, rules: readonly Rule[]): Permission[] {
  const given = viewer.groups.includes(ADMIN_GROUP)
    ? (['admin'] as const)
    : rules
        .filter((rule) => rule.groups.some((group) => viewer.groups.includes(group)))
        .flatMap(({ permissions }) => permissions);
  const most = viewer.only?.permissions;
  const within = most && !most.includes('admin') ? narrowed(given, most) : given;
  return [...new Set(within)].sort();
}

const narrowed = (given: readonly Permission[], most: readonly Permission[]): Permission[] =>
  given.includes('admin') ? [...most] : given.filter((one) => most.includes(one));

/** What no rule gives, in words. */
function uncovered(
  rules: readonly Pick<Rule, 'permissions' | 'clusters' | 'placements' | 'groups'>[],
  permission: Permission,
  { placement, on }: Touched,
): string | undefined {
  const able = rules.filter(
    ({ permissions }) => permissions.includes(permission) || permissions.includes('admin'),
  );
  if (able.length === 0) return `no ${permission}`;
  const there = able.filter(({ placements = {} }) =>
    placement ? matches(placements, placement.labels) : isEverything(placements),
  );
  if (there.length === 0)
    return placement
      ? `no ${permission} on placement ${placement.name}`
      : `${permission} on some placements only, and this concerns all that run there`;
  if ('selector' in on) {
    if (there.some(({ clusters = {} }) => isWithin(on.selector, clusters))) return undefined;
    const those = there.map(({ clusters = {} }) => formatSelector(clusters)).join(' or ');
    return `${permission} on clusters of ${those} only: the selector has to say that, too`;
  }
  const missing = on.clusters.filter(
    ({ labels }) =>
      !there.some(({ clusters = {} }) => (labels ? matches(clusters, labels) : isEverything(clusters))),
  );
  const [first] = missing;
  if (!first) return undefined;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
  return `no ${permission} on cluster ${first.name}${more}`;
}

const isEverything = (selector: Selector): boolean => requirementsOf(selector).length === 0;

/** Whether whatever `inner` selects, now or later, `outer` selects, too. It may say no where that is so, never the other way. */
export const isWithin = (inner: Selector, outer: Selector): boolean =>
  requirementsOf(outer).every((wanted) => requirementsOf(inner).some((one) => implies(one, wanted)));

function implies(one: Requirement, wanted: Requirement): boolean {
  if (one.key !== wanted.key) return false;
  const { values: given = [] } = one;
  const { values: allowed = [] } = wanted;
  switch (wanted.operator) {
    case 'In':
      return one.operator === 'In' && given.every((value) => allowed.includes(value));
    case 'Exists':
      return one.operator === 'In' || one.operator === 'Exists';
    case 'NotIn':
      if (one.operator === 'In') return !given.some((value) => allowed.includes(value));
      return (
        one.operator === 'DoesNotExist' ||
        (one.operator === 'NotIn' && allowed.every((value) => given.includes(value)))
      );
    case 'DoesNotExist':
      return one.operator === 'DoesNotExist';
    default:
      wanted.operator satisfies never;
      return false;
  }
}
