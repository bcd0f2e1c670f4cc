import type { Assignment } from '#proto/assignment.ts';

/** The assignment of an overlay to a cluster, with nothing asked for that is not given. */
export function assignmentOf(path: string, more: Partial<Assignment> = {}): Assignment {
  return {
    cluster: 'c',
    placement: 'p',
    path,
    components: [],
    createNamespace: false,
    prune: true,
    values: {},
    apiVersions: [],
    ...more,
  };
}
