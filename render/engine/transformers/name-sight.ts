import { get, textOf } from '../json.ts';
import type { Resource } from '../resource.ts';
import { effectiveNamespace } from '../resource-id.ts';

/** Namespaces, besides its own, whose accounts a RoleBinding names. */
export function subjectNamespaces(referrer: Resource): ReadonlySet<string> {
  const subjects = referrer.kind === 'RoleBinding' ? get(referrer.value, 'subjects') : undefined;
  if (!Array.isArray(subjects)) return new Set();
  const accounts = subjects.filter((subject) => get(subject, 'kind') === 'ServiceAccount');
  return new Set(accounts.map((subject) => textOf(get(subject, 'namespace'))).filter(Boolean));
}

/** Whether an object can be named by another at all: of the cluster, of the same namespace, or an account of one named. */
export function canBeNamed(target: Resource, referrer: Resource, subjects: ReadonlySet<string>): boolean {
  if (referrer.id.cluster || target.id.cluster) return true;
  if (effectiveNamespace(target.id) === effectiveNamespace(referrer.id)) return true;
  return subjects.has(target.namespace);
}
