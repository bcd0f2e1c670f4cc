import type { ObjectDiff } from './objects.ts';

/** Clusters on which a placement changes in the same way. */
export type Group = {
  readonly clusters: readonly string[];
  /** Lines that change, in all objects together. */
  readonly changes: number;
  /** As on the first cluster; on the others what surrounds a change may differ. */
  readonly objects: readonly ObjectDiff[];
};

/** Puts clusters together whose changed lines are the same, the largest group first. */
export function fold(diffs: Iterable<readonly [cluster: string, objects: readonly ObjectDiff[]]>): Group[] {
  const groups = new Map<string, { clusters: string[]; objects: readonly ObjectDiff[] }>();
  const keys = new Map<readonly ObjectDiff[], string>();
  for (const [cluster, objects] of diffs) {
    let key = keys.get(objects);
    if (key === undefined) {
      key = JSON.stringify(
        objects.map(({ object, action, lines }) => [object, action, lines.filter(isChange)]),
      );
      keys.set(objects, key);
    }
    const group = groups.get(key);
    if (group) group.clusters.push(cluster);
    else groups.set(key, { clusters: [cluster], objects });
  }
  return [...groups.values()]
    .map((group) => ({ ...group, changes: group.objects.reduce((sum, { changes }) => sum + changes, 0) }))
    .sort((a, b) => b.clusters.length - a.clusters.length);
}

const isChange = (line: string) => line.startsWith('+') || line.startsWith('-');
