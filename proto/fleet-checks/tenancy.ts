import type { Context } from './context.ts';
import { type Finding, party, someOf } from './finding.ts';

/** What a placement says that lies outside its own `allow`: visible without rendering anything. */
export function* checkTenancy({ placements }: Context): Iterable<Finding> {
  for (const placement of placements.values()) {
    const { namespace, createNamespace, allow } = placement.document.spec;
    if (!allow) continue;
    if (namespace !== undefined && allow.namespaces && !permits(allow.namespaces, namespace)) {
      yield {
        code: 'tenancy-refused',
        severity: 'error',
        message: `namespace ${namespace} is not among allow.namespaces (${someOf(allow.namespaces) || 'none'})`,
        parties: [party('Placement', placement, ['spec', 'namespace'])],
      };
    }
    if (createNamespace && allow.clusterScoped && !permits(allow.clusterScoped, 'Namespace')) {
      yield {
        code: 'tenancy-refused',
        severity: 'error',
        message: 'createNamespace needs Namespace among allow.clusterScoped',
        suggestion: 'Namespace',
        parties: [party('Placement', placement, ['spec', 'createNamespace'], 'key')],
      };
    }
  }
}

/** Whether a list of `allow` has a name; `*` stands for every one. */
function permits(allowed: readonly string[], name: string): boolean {
  return allowed.includes('*') || allowed.includes(name);
}
