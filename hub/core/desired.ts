import { hashOf } from '#proto/canonical.ts';
import type { DesiredPayload } from '#proto/messages.ts';
import type { FleetState } from '#rollouts/state.ts';
import type { ClusterState, HubState, Told } from './types.ts';

/** What a desired document says, apart from its number. */
export type DesiredContent = Pick<DesiredPayload, 'head' | 'assignments' | 'removed' | 'hold'>;

type Own = Pick<ClusterState, 'head' | 'observed' | 'leaving' | 'offBranch'>;

/** What a cluster is told of a placement; undefined where it is told nothing. */
export function toldOf(
  fleet: FleetState,
  own: Own | undefined,
  placement: string,
  cluster: string,
): Told | undefined {
  const leave = own?.leaving?.[placement];
  if (leave) return leave.done ? undefined : { ...leave, entryRevision: leave.revision, digest: null };
  if (own?.leaving) return undefined;
  if (own?.observed) return own.observed[placement];
  const run = fleet.lines[placement]?.targets[cluster]?.run;
  return run?.phase === 'removed' ? undefined : run;
}

/** By placement name, whatever the order of decisions: equal contents are equal bytes. */
export function contentOf(fleet: FleetState, cluster: string, own: Own): DesiredContent {
  const assignments: DesiredContent['assignments'] = [];
  const removed: DesiredContent['removed'] = [];
  const placements = new Set([...Object.keys(fleet.lines), ...Object.keys(own.leaving ?? {})]);
  for (const placement of [...placements].sort()) {
    const told = toldOf(fleet, own, placement, cluster);
    if (!told || own.offBranch?.includes(placement)) continue;
    const { readAt, entryRevision, digest, attempt } = told;
    const revision = readAt ?? told.revision;
    if (digest === null) removed.push({ placement, revision, entryRevision, attempt });
    else assignments.push({ placement, revision, entryRevision, digest, attempt });
  }
  const { [cluster]: hold } = fleet.holds;
  const until = new Date(hold?.until ?? END_OF_TIME).toISOString();
  return { head: own.head, assignments, removed, ...(hold && { hold: { until } }) };
}

const END_OF_TIME = Date.UTC(9999, 11, 31);

export const contentHash = (content: DesiredContent): string =>
  hashOf('flotilla-desired-content-v1', content);

/** The document that a cluster is to have, from saved state alone; undefined while it may have none. */
export function documentOf({ fleet, clusters }: HubState, cluster: string): DesiredPayload | undefined {
  const own: ClusterState | undefined = clusters[cluster];
  if (!own || own.epoch === 0) return undefined;
  const { epoch, issuedAt } = own;
  return { cluster, epoch, issuedAt: new Date(issuedAt).toISOString(), ...contentOf(fleet, cluster, own) };
}

/**
 * The same, for whoever publishes: undefined also while the lines say something else than what the epoch was given for. So it is where
 * an agent was not heard yet: agents refuse an epoch that comes with two contents, and get the next one as soon as they are heard.
 */
export function numberedDocumentOf(state: HubState, cluster: string): DesiredPayload | undefined {
  const own: ClusterState | undefined = state.clusters[cluster];
  if (!own || contentHash(contentOf(state.fleet, cluster, own)) !== own.contentHash) return undefined;
  return documentOf(state, cluster);
}
