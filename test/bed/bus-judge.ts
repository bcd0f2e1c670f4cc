/** What a record of the bus proves of the way of a version: who was told, who said that it works there, and in which order. */
import type { Heard } from './bus-spy.ts';
import type { Rings } from './scripted-fleet.ts';

/** Clusters that were told to run a digest, in order, each as often as it was. */
export const told = (heard: readonly Heard[], digest: string): string[] =>
  heard.flatMap((one) => (one.what === 'told' && one.digest === digest ? [one.cluster] : []));

/** Whether a cluster says here that a digest is Current there. */
export function saysCurrent(one: Heard, digest: string): boolean {
  if (one.what !== 'said') return false;
  const { applied, sync, health } = one.status;
  return applied?.digest === digest && sync.state === 'SYNCED' && health.state === 'CURRENT';
}

/** Clusters that say that a digest is Current there. */
export const current = (heard: readonly Heard[], digest: string): string[] =>
  heard.flatMap((one) => (saysCurrent(one, digest) ? [one.cluster] : []));

/** Starts of a cluster before all of the rings before it had said that they are Current; in words, best none. */
export function outOfOrder(heard: readonly Heard[], digest: string, rings: Rings): string[] {
  const stages = Object.values(rings);
  const there = new Set<string>();
  const faults: string[] = [];
  for (const one of heard) {
    if (saysCurrent(one, digest)) there.add(one.cluster);
    if (one.what !== 'told' || one.digest !== digest) continue;
    const at = stages.findIndex((clusters) => clusters.includes(one.cluster));
    const missing = stages
      .slice(0, at)
      .flat()
      .filter((cluster) => !there.has(cluster));
    if (missing.length > 0) faults.push(`${one.cluster} before ${missing.join(', ')}`);
  }
  return faults;
}

/** Rings in the order in which it was their turn. */
export function turns(clusters: readonly string[], rings: Rings): string[] {
  const all = Object.keys(rings);
  const of = clusters.map((cluster) => all.find((ring) => rings[ring]!.includes(cluster))!);
  return of.filter((ring, at) => ring !== of[at - 1]);
}
