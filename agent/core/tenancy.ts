import type { Policy } from '#proto/assignment.ts';
import { FlotillaError } from '#proto/faults.ts';
import { displayName, type KubeObject, splitApiVersion } from './object.ts';

/** An object and whether its kind is namespaced. */
export type Scoped = { object: KubeObject; namespaced: boolean };

const MOST_NAMED = 5;

/**
 * Refuses objects outside of what `allow` of the placement permits. Once `allow` is given, a list that is left out permits nothing:
 * `namespaces` are names or globs with `*`; `clusterScoped` are kinds, `Kind` or `group/Kind`. A Namespace object is permitted where
 * its name is.
 * @throws FlotillaError tenancy-refused naming the first objects
 */
export function checkTenancy(placement: string, objects: readonly Scoped[], allow: Policy['allow']): void {
  if (!allow) return;
  const { namespaces = [], clusterScoped = [] } = allow;
  const outside = objects.filter(({ object, namespaced }) => {
    const { group } = splitApiVersion(object.apiVersion);
    const { kind, metadata } = object;
    if (namespaced) return !fits(namespaces, metadata.namespace ?? 'default');
    if (group === '' && kind === 'Namespace' && fits(namespaces, metadata.name)) return false;
    return !clusterScoped.includes(kind) && !clusterScoped.includes(`${group}/${kind}`);
  });
  if (outside.length === 0) return;
  const named = outside.slice(0, MOST_NAMED).map(({ object }) => displayName(object));
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
