import type { Loose } from './api.ts';

/**
 * Who owns which fields of an object, one line a manager, sorted:
 * `kubectl-edit Update apps/v1: spec.replicas spec.template.spec.containers[name="web"].image`. A list element or map
 * key that is itself owned stands as a path of its own. Written from managedFields with code of its own, so that the
 * simulation's is not proven by itself. Times are left out, and so are the managers of `without`.
 */
export function owners(object: Loose, without: readonly string[] = CONTROLLERS): string[] {
  const entries: Loose[] = object.metadata?.managedFields ?? [];
  return entries
    .filter((entry) => !without.includes(entry.manager))
    .map((entry) => {
      const via = entry.subresource ? `/${entry.subresource}` : '';
      const fields = pathsOf(entry.fieldsV1, '').sort();
      return `${entry.manager} ${entry.operation}${via} ${entry.apiVersion}: ${fields.join(' ')}`;
    })
    .sort();
}

/** What a real cluster's own programs write beside the test; the simulation's controllers go by the same names. */
const CONTROLLERS = ['kube-controller-manager', 'kube-scheduler', 'kube-apiserver', 'kwok'];

function pathsOf(fields: Record<string, Loose>, prefix: string): string[] {
  return Object.entries(fields).flatMap(([element, below]) => {
    if (element === '.') return [];
    const path = prefix + segment(element, prefix === '');
    const names = Object.keys(below);
    const isMember = names.length === 0 || names.includes('.');
    return [...(isMember ? [path] : []), ...pathsOf(below, path)];
  });
}

function segment(element: string, isFirst: boolean): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return isFirst ? rest : `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}
