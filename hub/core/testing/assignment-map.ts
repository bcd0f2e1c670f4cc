import type { Assignments, IndexedAssignment } from '../types.ts';

/** Assignments in a plain map, by `assignmentKey`. */
export class AssignmentMap extends Map<string, IndexedAssignment> implements Assignments {
  *ofCluster(cluster: string): Iterable<readonly [placement: string, indexed: IndexedAssignment]> {
    for (const [key, indexed] of this)
      if (key.startsWith(`${cluster}/`)) yield [key.slice(cluster.length + 1), indexed];
  }

  changedSince(): ReadonlySet<string> | undefined {
    return undefined;
  }
}
