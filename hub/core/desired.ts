import { hashOf } from '#proto/canonical.ts';
import type { DesiredPayload } from '#proto/messages.ts';
import type { ClusterState, HubState, LineState, TargetState } from './types.ts';

/** What a desired document says, apart from its number. */
export type DesiredContent = Pick<DesiredPayload, 'head' | 'assignments' | 'removed'>;

/** By placement name, whatever the order of decisions: equal contents are equal bytes. */
export function contentOf(
  lines: Readonly<Record<string, LineState>>,
  cluster: string,
  head: string,
): DesiredContent {
  const assignments: DesiredContent['assignments'] = [];
  const removed: DesiredContent['removed'] = [];
  for (const placement of Object.keys(lines).sort()) {
    const target: TargetState | undefined = lines[placement]?.targets[cluster];
    if (!target) continue;
    const { revision, entryRevision, digest, attempt, removal, offBranch } = target;
    const assignment = { placement, revision, entryRevision, digest, attempt };
    if (removal === undefined) assignments.push(...(offBranch ? [] : [assignment]));
    else if (target.state !== 'Removed') removed.push({ placement, revision: removal });
  }
  return { head, assignments, removed };
}

export const contentHash = (content: DesiredContent): string =>
  hashOf('flotilla-desired-content-v1', content);

/** The document that a cluster is to have, from saved state alone; undefined while it may have none. */
export function documentOf(state: HubState, cluster: string): DesiredPayload | undefined {
  const known: ClusterState | undefined = state.clusters[cluster];
  if (!known || known.epoch === 0) return undefined;
  const { epoch, issuedAt, head } = known;
  const content = contentOf(state.lines, cluster, head);
  return { cluster, epoch, issuedAt: new Date(issuedAt).toISOString(), ...content };
}
