import type { Policy } from '#proto/assignment.ts';
import { FlotillaError } from '#proto/faults.ts';

/** An object and whether its kind is namespaced. */
export type Scoped = {
  object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } };
  namespaced: boolean;
};

const MOST_NAMED = 5;

/**
 * Refuses objects outside of what `allow` of the placement permits. Once `allow` is given, a list that is left out permits nothing:
 * `namespaces` are names or globs with `*`; `clusterScoped` are kinds, `Kind` or `group/Kind`. A Namespace object is permitted where
 * its name is. The agent asks before it writes, and the CLI before anybody merges.
 * @throws FlotillaError tenancy-refused naming the first objects
 */
export function checkTenancy(placement: string, objects: readonly Scoped[], allow: Policy['allow']): void {
  if (!allow) return;
  const { namespaces = [], clusterScoped = [] } = allow;
  const outside = objects.filter(({ object, namespaced }) => {
    const { apiVersion, kind, metadata } = object;
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    if (namespaced) return !fits(namespaces, metadata.namespace ?? 'default');
    if (group === '' && kind === 'Namespace' && fits(namespaces, metadata.name)) return false;
    return !clusterScoped.includes(kind) && !clusterScoped.includes(`${group}/${kind}`);
  });
  if (outside.length === 0) return;
  const named = outside.slice(0, MOST_NAMED).map(({ object: { kind, metadata }, namespaced }) => {
    return [kind, namespaced ? metadata.namespace : undefined, metadata.name].filter(Boolean).join('/');
  });
  const more = outside.length > MOST_NAMED ? ` and ${outside.length - MOST_NAMED} more` : '';
  throw new FlotillaError(
    'tenancy-refused',
    `placement ${placement} is not allowed to have ${named.join(', ')}${more}`,
  );
}

function fits(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => {
    const pattern = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${pattern.join('.*')}$`).test(name);
  });
}
