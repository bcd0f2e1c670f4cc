import type { Draft } from './draft.ts';
import type { Version } from './facts.ts';

/** Whether a digest must not start on a cluster until somebody retries it. */
export const isRejected = ({ line }: Draft, cluster: string, digest: string | null): boolean =>
  digest !== null && (line.rejected[cluster]?.includes(digest) ?? false);

/** A rejected digest for a cluster whose stage has not passed it there. */
export const bringsRejected = (draft: Draft, version: Version): boolean =>
  Object.keys(draft.line.rejected).some((cluster) => isRejectedOf(draft, cluster, version));

/** Whether what a version gives a cluster was rejected there, and its stage has not passed it for it: that stays allowed (rule 1). */
export function isRejectedOf(draft: Draft, cluster: string, version: Version): boolean {
  const digest = version.contents.get(cluster)?.digest;
  return digest !== undefined && isRejected(draft, cluster, digest) && !hasPassed(draft, cluster, digest);
}

/** Whether the line has turned a version down: rolled back, aborted, or with content that was. No stage takes it until somebody retries it. */
function isTurnedDown(draft: Draft, version: Version): boolean {
  const { struck, aborted } = draft.line;
  const { revision } = version;
  return struck.includes(revision) || aborted.includes(revision) || bringsRejected(draft, version);
}

/**
 * Whether a version must not start on a cluster, whoever wants it there: what it gives was rejected there, or the line has turned the
 * version down before its content had passed the cluster's stage.
 */
export function isBarred(draft: Draft, cluster: string, version: Version): boolean {
  const digest = version.contents.get(cluster)?.digest;
  if (digest === undefined) return false;
  return (
    isRejected(draft, cluster, digest) || (!hasPassed(draft, cluster, digest) && isTurnedDown(draft, version))
  );
}

/** Whether the stage of a cluster has passed, by any version that still counts, what a digest stands for. */
function hasPassed(draft: Draft, cluster: string, digest: string): boolean {
  const stage = draft.stage(draft.membership.stageOf.get(cluster) ?? '');
  return stage?.passed.some((one) => draft.versions.content(one, cluster)?.digest === digest) ?? false;
}
