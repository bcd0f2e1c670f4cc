import { tableOf } from '#rollouts/target-table.ts';
import type { HubState } from './types.ts';

/** Placement → revisions that decisions still speak of: the index has to know their versions. */
export function wantedRevisions({ fleet, clusters }: HubState): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  const want = (placement: string, revision: string | undefined) => {
    if (revision === undefined) return;
    const known = wanted.get(placement) ?? new Set();
    wanted.set(placement, known.add(revision));
  };
  for (const [placement, { stages, pins, pauses, rollback, targets }] of Object.entries(fleet.lines)) {
    for (const { work, passed } of stages) for (const one of [work?.version, ...passed]) want(placement, one);
    for (const { version } of [...pins, ...pauses]) want(placement, version);
    want(placement, rollback?.version);
    for (const { run } of tableOf(targets).list) want(placement, run?.revision);
  }
  for (const { observed = {} } of Object.values(clusters))
    for (const [placement, { revision }] of Object.entries(observed)) want(placement, revision);
  return wanted;
}
