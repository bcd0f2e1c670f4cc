import { hasEnded, nextAttempt, observe } from './target.ts';
import {
  type AssignmentVersion,
  assignmentKey,
  type HubFacts,
  type HubState,
  type IndexSnapshot,
  type LineState,
  type TargetState,
} from './types.ts';

/** Cluster → where its digest is read from, as Git has it now; undefined where nothing could ever be digested. */
export type Versions = ReadonlyMap<string, AssignmentVersion | undefined>;

/**
 * One step of a placement's line. For now it has one stage of all clusters and no gates: every target starts as soon as its
 * digest differs. Undefined when nothing of the placement is left to do.
 */
export function advanceLine(
  placement: string,
  old: LineState | undefined,
  versions: Versions,
  { clusters, facts, now }: { clusters: HubState['clusters']; facts: HubFacts; now: number },
): LineState | undefined {
  const { index } = facts;
  const effective = index.placements.get(placement);
  if (!effective && (index.placements.size === 0 || index.unreadable.placements.has(placement))) return old;
  const changed = Object.entries(old?.targets ?? {}).some(([cluster, target]) => {
    const digest = versions.get(cluster)?.digest;
    return isLive(target) && digest !== undefined && digest !== target.digest;
  });
  const gone = (oid: string) => index.abandoned?.has(oid) ?? false;
  const version =
    effective && (changed || !old || gone(old.version)) ? effective.version : (old?.version ?? '');
  const moved = version !== old?.version;
  const step = { moved, gone, head: index.head.oid, now };

  const targets: Record<string, TargetState> = {};
  for (const cluster of new Set([...Object.keys(old?.targets ?? {}), ...versions.keys()])) {
    const says = planOf(index, placement, cluster);
    const epoch = clusters[cluster]?.epoch ?? 0;
    const planned = plan(old?.targets[cluster], says, versions.get(cluster), { ...step, epoch });
    if (!planned) continue;
    const status = facts.statuses.get(assignmentKey(cluster, placement));
    targets[cluster] = observe(planned, status, facts.offline.has(cluster), now);
  }
  if (Object.values(targets).every(hasEnded)) nameUnchanged(targets, versions, version);

  const over = Object.values(targets).every((target) => target.state === 'Removed');
  if (over && (!effective || !old)) return undefined;
  if (old && !moved && sameTargets(old.targets, targets)) return old;
  return { version, since: moved ? now : (old?.since ?? now), targets };
}

type Step = {
  /** The line has a new version. */
  moved: boolean;
  /** Whether a commit is not on the branch any more. */
  gone: (oid: string) => boolean;
  head: string;
  /** Of the cluster's document so far. */
  epoch: number;
  now: number;
};
type Plan = 'keep' | 'assigned' | 'removal' | 'forgotten';

/** What Git says about one placement on one cluster. Only what was read and does not select the cluster is a removal. */
function planOf(index: IndexSnapshot, placement: string, cluster: string): Plan {
  const entry = index.clusters.get(cluster);
  if (!entry)
    return index.clusters.size === 0 || index.unreadable.clusters.has(cluster) ? 'keep' : 'forgotten';
  if (index.assignments.has(assignmentKey(cluster, placement))) return 'assigned';
  return entry.invalid || index.placements.get(placement)?.invalid ? 'keep' : 'removal';
}

function plan(
  was: TargetState | undefined,
  says: Plan,
  version: AssignmentVersion | undefined,
  { moved, gone, head, epoch, now }: Step,
): TargetState | undefined {
  switch (says) {
    case 'keep':
      return was;
    case 'forgotten':
      // The entry is gone in Git: the agent stops by itself, and nobody is ordered to remove anything.
      return undefined;
    case 'removal':
      if (!was || (was.state === 'Removed' && moved)) return undefined;
      return isLive(was) ? { ...was, removal: head, removalAfter: epoch, state: 'Waiting', since: now } : was;
    case 'assigned': {
      const live = was && isLive(was) ? was : undefined;
      if (!version) return live;
      if (live?.digest === version.digest) {
        // After a rewrite that was acknowledged: the same content, where it stands now.
        const at = gone(live.revision) || gone(live.entryRevision) ? { ...live, ...version } : live;
        return moved && at.state === 'Current' ? { ...at, state: 'Unchanged', since: now } : at;
      }
      return { ...version, attempt: nextAttempt(was?.attempt ?? 0, now), state: 'Waiting', since: now };
    }
    default:
      says satisfies never;
      return was;
  }
}

/**
 * Once a version has reached everyone, those it did not change are named by it too: the same digest, read at its revision. That
 * includes a cluster that joined while the version was on its way.
 */
function nameUnchanged(targets: Record<string, TargetState>, versions: Versions, name: string): void {
  for (const [cluster, target] of Object.entries(targets)) {
    const at = versions.get(cluster);
    const runs = target.state === 'Unchanged' || target.state === 'Current';
    if (!runs || at?.digest !== target.digest || at.revision !== name) continue;
    if (target.revision === name && target.entryRevision === at.entryRevision) continue;
    targets[cluster] = { ...target, revision: at.revision, entryRevision: at.entryRevision };
  }
}

/** Neither removed nor being removed. */
const isLive = (target: TargetState): boolean => target.removal === undefined;

function sameTargets(old: LineState['targets'], next: LineState['targets']): boolean {
  const names = Object.keys(next);
  return names.length === Object.keys(old).length && names.every((name) => old[name] === next[name]);
}
