import { committedApprovals, isInForce } from '#proto/approvals.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Fleet } from '#proto/documents/fleet.ts';
import type { Placement } from '#proto/documents/placement.ts';

/** What the cluster's own entry says that is in force at once. `unknown`: never read yet. */
export type EntryState =
  | { state: 'unknown' }
  | { state: 'missing'; revision: string }
  | {
      state: 'present';
      revision: string;
      suspend: boolean;
      observe: boolean;
      decommission?: 'orphan' | 'prune' | undefined;
      /** Whether it carries the key of this agent. */
      hasKey: boolean;
    };

export function entryState(entry: Cluster, publicKey: string, revision: string): EntryState {
  const { suspend = false, mode, decommission, agent } = entry.spec;
  return {
    state: 'present',
    revision,
    suspend,
    observe: mode === 'observe',
    hasKey: agent.publicKeys.includes(publicKey),
    ...(decommission && { decommission }),
  };
}

/** Why nothing is written on this cluster at all; undefined when writing is allowed. */
export function whyStopped(entry: EntryState, cluster: string): string | undefined {
  if (entry.state === 'missing')
    return `cluster ${cluster} has no entry in Git at ${entry.revision}: nothing is written, nothing is pruned`;
  if (entry.state !== 'present') return undefined;
  if (entry.suspend) return `suspended by the cluster entry at ${entry.revision}`;
  if (entry.decommission === 'orphan')
    return `the cluster entry says decommission: orphan at ${entry.revision}; everything is left as it is`;
  return undefined;
}

/** Hashes of deletions that commits have approved for a placement and that still count; `now` in Unix ms. */
export function approvalsFor(
  placement: string,
  fleet: Fleet | undefined,
  document: Placement | undefined,
  now: number,
): string[] {
  return committedApprovals(placement, fleet, document)
    .filter((approval) => isInForce(approval, now))
    .flatMap(({ prune, removal }) => [prune, removal])
    .filter((hash) => hash !== undefined);
}
