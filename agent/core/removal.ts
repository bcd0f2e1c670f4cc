import { whyNotSelected } from '#proto/assignment.ts';
import type { Cluster } from '#proto/documents/cluster.ts';
import type { Placement } from '#proto/documents/placement.ts';
import { FlotillaError } from '#proto/faults.ts';

/** A document at the revision of a removal: it, nothing, or something that cannot be read. */
export type Reading<T> = T | 'absent' | 'invalid';

/** How a placement leaves: with its objects, with them and without asking again (the whole cluster goes), or leaving them be. */
export type Removal = 'prune' | 'decommission' | 'orphan';

export type RemovalFacts = {
  placement: string;
  cluster: string;
  revision: string;
  /** The revision that runs; undefined where nothing was applied to the end. */
  applied: string | undefined;
  /** Whether the removal's revision is younger than the one that runs. */
  newer: boolean;
  /** Whether flotilla.yaml can be read there: an unreadable repository removes nothing. */
  fleet: boolean;
  entry: Reading<Cluster>;
  document: Reading<Placement>;
};

/**
 * Whether Git itself, at a revision on the branch, says that a placement is to leave this cluster, and how.
 * Law: `prune` only where the placement is gone, does not select the cluster, or the entry says `decommission: prune`; a document
 * that cannot be read confirms nothing.
 * @throws FlotillaError removal-not-in-git with the reason
 */
export function confirmRemoval(facts: RemovalFacts): Removal {
  const { placement, revision, entry, document } = facts;
  const refuse = (why: string): never => {
    throw new FlotillaError(
      'removal-not-in-git',
      `removal of placement ${placement} at ${revision} is not confirmed by Git: ${why}; nothing is pruned`,
    );
  };
  if (facts.applied !== undefined && !facts.newer)
    return refuse(`the revision that runs, ${facts.applied}, is not older`);
  if (!facts.fleet) return refuse('flotilla.yaml cannot be read there');
  if (entry === 'absent') return refuse(`cluster ${facts.cluster} has no entry there`);
  if (entry === 'invalid') return refuse(`the entry of cluster ${facts.cluster} is invalid there`);
  if (entry.spec.decommission) return entry.spec.decommission === 'prune' ? 'decommission' : 'orphan';
  if (document === 'absent') return 'prune';
  if (document === 'invalid') return refuse('the placement is invalid there');
  if (whyNotSelected(document, entry) !== undefined) return 'prune';
  return refuse('the placement exists there and selects this cluster');
}
