import { byBytes } from '../yaml/go-json.ts';
import { EngineFault } from './fault.ts';

/** Group, version and kind; '' stands for none, and in a selector for any. */
export type Gvk = { readonly group: string; readonly version: string; readonly kind: string };

/** What identifies an object among others: kustomize's ResId. `cluster` is true for kinds known to have no namespace. */
export type ResourceId = Gvk & {
  readonly name: string;
  readonly namespace: string;
  readonly cluster: boolean;
};

/** The place where objects of the cluster stand in comparisons of namespaces. */
export const NO_NAMESPACE = '_non_namespaceable_';

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function apiVersionOf({ group, version }: Pick<Gvk, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The namespace that counts: none and `default` are the same. */
export function effectiveNamespace({
  cluster,
  namespace,
}: Pick<ResourceId, 'cluster' | 'namespace'>): string {
  if (cluster) return NO_NAMESPACE;
  return namespace === '' ? 'default' : namespace;
}

/** Whether a kind is meant by a selector, whose empty parts mean any. */
export function isSelectedByGvk(gvk: Gvk, selector: Partial<Gvk>): boolean {
  return (
    (!selector.group || selector.group === gvk.group) &&
    (!selector.version || selector.version === gvk.version) &&
    (!selector.kind || selector.kind === gvk.kind)
  );
}

export function sameGvkAndName(a: ResourceId, b: ResourceId): boolean {
  return a.name === b.name && a.kind === b.kind && a.version === b.version && a.group === b.group;
}

export function sameId(a: ResourceId, b: ResourceId): boolean {
  return sameGvkAndName(a, b) && effectiveNamespace(a) === effectiveNamespace(b);
}

/** Equal for ids that `sameId` calls the same, and different for others. */
export function idKey(id: ResourceId): string {
  return [id.group, id.version, id.kind, effectiveNamespace(id), id.name].join('\0');
}

/** `Deployment.v1.apps/web.prod`, as kustomize calls objects in its messages. */
export function showId({ group, version, kind, name, namespace }: ResourceId): string {
  const parts = [kind || '[noKind]', version || '[noVer]', group || '[noGrp]'].join('.');
  return `${parts}/${name || '[noName]'}.${namespace || '[noNs]'}`;
}

/** The one of several that must be one. @throws EngineFault when there is none, or more than one */
export function onlyOne<Value>(found: readonly Value[], id: ResourceId): Value {
  if (found.length === 1) return found[0]!;
  throw new EngineFault(
    found.length === 0
      ? `no object is ${showId(id)}`
      : `${found.length} objects are ${showId(id)}; one is expected`,
  );
}

/** Kinds that others need, and so stand first where kustomize sorts; and those that are to be last. */
export const FIRST_KINDS = [
  ...['Namespace', 'ResourceQuota', 'StorageClass', 'CustomResourceDefinition', 'ServiceAccount'],
  ...['PodSecurityPolicy', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ConfigMap', 'Secret'],
  ...['Endpoints', 'Service', 'LimitRange', 'PriorityClass', 'PersistentVolume', 'PersistentVolumeClaim'],
  ...['Deployment', 'StatefulSet', 'CronJob', 'PodDisruptionBudget'],
];
export const LAST_KINDS = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/** Numbers to sort kinds by; 0 for those that are in neither list. */
export function kindRanks(first: readonly string[], last: readonly string[]): ReadonlyMap<string, number> {
  return new Map([
    ...first.map((kind, index) => [kind, index - first.length] as const),
    ...last.map((kind, index) => [kind, index + 1] as const),
  ]);
}

/** A text that sorts after any name stands for what is missing. */
export function sortText({ group, version, kind }: Gvk): string {
  return [group || '~G', version || '~V', kind || '~K'].join('_');
}

const RANKS = kindRanks(FIRST_KINDS, LAST_KINDS);

export function compareKinds(a: Gvk, b: Gvk): number {
  return (RANKS.get(a.kind) ?? 0) - (RANKS.get(b.kind) ?? 0) || byBytes(sortText(a), sortText(b));
}
