import type { Ahead, Had } from '#rollouts/recover.ts';
import type { HubFacts, HubState } from './types.ts';

export type AheadOf = {
  /** To be taken up, once: their next document is younger than what they have. */
  readonly ahead: ReadonlyMap<string, Ahead>;
  /** They were not heard yet, or not all that they report: nothing is decided for them. */
  readonly waiting: ReadonlySet<string>;
};

/** Clusters whose agent has accepted a document that saved state does not know: state was lost, or is older (ADR 15). */
export function aheadOf({ clusters }: HubState, { index, heard, reports, isWhole }: HubFacts): AheadOf {
  const ahead = new Map<string, Ahead>();
  const waiting = new Set<string>();
  if (heard.size < index.clusters.size)
    for (const cluster of index.clusters.keys()) if (!heard.has(cluster)) waiting.add(cluster);
  for (const [cluster, epoch] of heard) {
    const known = clusters[cluster]?.epoch ?? 0;
    // Without an entry that can be read it is told nothing.
    if (epoch <= known || !index.clusters.has(cluster)) continue;
    if (isWhole(cluster)) ahead.set(cluster, { known: known > 0, has: hadBy(cluster, reports) });
    else waiting.add(cluster);
  }
  return { ahead, waiting };
}

function hadBy(cluster: string, reports: HubFacts['reports']): Map<string, Had> {
  const has = new Map<string, Had>();
  for (const [placement, of] of reports) {
    const report = of.get(cluster);
    if (report) has.set(placement, report);
  }
  return has;
}
