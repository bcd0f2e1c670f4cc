import type { Ahead, Had } from '#rollouts/recover.ts';
import type { HubFacts, HubState, Only } from './types.ts';

export type AheadOf = {
  /** To be taken up, once: their next document is younger than what they have. */
  readonly ahead: ReadonlyMap<string, Ahead>;
  /** They were not heard yet, or not all that they report: nothing is decided for them. */
  readonly waiting: ReadonlySet<string>;
};

/** Who waited, for steps that concern few: nobody but they and whom something was heard of can be ahead or wait. */
type Known = Pick<HubFacts, 'heard'> & Pick<AheadOf, 'waiting'> & { readonly entries: object };
const decided = new WeakMap<HubState['clusters'], Known>();

/**
 * Clusters whose agent has accepted a document that saved state does not know: state was lost, or is older (ADR 15). `only` names
 * of whom something was heard since the state was decided.
 */
export function aheadOf({ clusters }: HubState, facts: HubFacts, only?: Only): AheadOf {
  const { index, heard, reports, isWhole } = facts;
  const ahead = new Map<string, Ahead>();
  const waiting = new Set<string>();
  const last = only && decided.get(clusters);
  const isLast = last && last.heard === heard && last.entries === index.clusters;
  // Without an entry that can be read a cluster is told nothing.
  const some = isLast && [...last.waiting, ...only.clusters].filter((one) => index.clusters.has(one));
  for (const cluster of some || index.clusters.keys()) {
    const epoch = heard.get(cluster);
    const known = clusters[cluster]?.epoch ?? 0;
    if (epoch === undefined) waiting.add(cluster);
    else if (epoch <= known) continue;
    else if (isWhole(cluster)) ahead.set(cluster, { known: known > 0, has: hadBy(cluster, reports) });
    else waiting.add(cluster);
  }
  return { ahead, waiting };
}

/** Says that a step has led to these clusters; who was ahead is not any more. */
export function rememberWaiting(
  clusters: HubState['clusters'],
  { heard, index }: HubFacts,
  waiting: AheadOf['waiting'],
): void {
  decided.set(clusters, { heard, entries: index.clusters, waiting });
}

function hadBy(cluster: string, reports: HubFacts['reports']): Map<string, Had> {
  const has = new Map<string, Had>();
  for (const [placement, of] of reports) {
    const report = of.get(cluster);
    if (report) has.set(placement, report);
  }
  return has;
}
