import { isDeepStrictEqual } from 'node:util';
import type { Fleet } from '#proto/documents/fleet.ts';
import { guardPolicyOf, judgeRemoval } from './removal-guard.ts';
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
 * digest differs. What Git takes away is let go or held all at once (`removal-guard.ts`). Undefined when nothing of the placement
 * is left to do.
 */
export function advanceLine(
  placement: string,
  old: LineState | undefined,
  versions: Versions,
  { clusters, facts, now }: { clusters: HubState['clusters']; facts: HubFacts; now: number },
): LineState | undefined {
  const { index } = facts;
  const effective = index.placements.get(placement);
  const fleet = index.fleet?.document;
  if (!fleet || (!effective && index.unreadable.placements.has(placement))) return old;
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
  const go = (cluster: string, says: Plan) => {
    const epoch = clusters[cluster]?.epoch ?? 0;
    const planned = plan(old?.targets[cluster], says, versions.get(cluster), { ...step, epoch });
    if (!planned) return;
    const status = facts.statuses.get(assignmentKey(cluster, placement));
    targets[cluster] = observe(planned, status, facts.offline.has(cluster), now);
  };
  const leaving: string[] = [];
  for (const cluster of new Set([...Object.keys(old?.targets ?? {}), ...versions.keys()])) {
    const says = planOf(index, placement, cluster);
    const was = old?.targets[cluster];
    if (says === 'removal' && was && isLive(was)) leaving.push(cluster);
    else go(cluster, says);
  }
  const guarded = guardLine(placement, old, leaving, targets, { index, fleet, now });
  for (const cluster of leaving) go(cluster, guarded.held ? 'held' : 'removal');
  if (Object.values(targets).every(hasEnded)) nameUnchanged(targets, versions, version);

  const over = Object.values(targets).every((target) => target.state === 'Removed');
  if (over && (!effective || !old)) return undefined;
  const { left, held } = guarded;
  const same = old && !moved && left === old.left && held === old.held;
  if (same && sameTargets(old.targets, targets)) return old;
  const since = moved ? now : (old?.since ?? now);
  return { version, since, targets, ...(left && { left }), ...(held && { held }) };
}

/**
 * Whether what leaves is held, and what is remembered of removals from now on. `staying` are the targets that Git does not take away.
 */
function guardLine(
  placement: string,
  old: LineState | undefined,
  leaving: readonly string[],
  staying: LineState['targets'],
  { index, fleet, now }: { index: IndexSnapshot; fleet: Fleet; now: number },
): Pick<LineState, 'left' | 'held'> {
  const left = stillLeft(old?.left, (cluster) => planOf(index, placement, cluster));
  if (leaving.length === 0) return left ? { left } : {};
  const names = Object.keys(left ?? {});
  const before = Object.entries(old?.targets ?? {});
  const removing = before.filter(([, target]) => !isLive(target)).map(([cluster]) => cluster);
  const facts = {
    placement,
    clusters: leaving,
    removing,
    staying: Object.values(staying).filter(isLive).length,
    left: names.length,
    of: before.length - removing.length + names.length,
  };
  const judged = judgeRemoval(facts, guardPolicyOf(index, fleet, placement), old?.held, now);
  switch (judged.verdict) {
    case 'approved':
      return {};
    case 'passed':
      return { left: { ...left, ...Object.fromEntries(leaving.map((cluster) => [cluster, now])) } };
    case 'held': {
      const held = old?.held && isDeepStrictEqual(judged.held, old.held) ? old.held : judged.held;
      return { ...(left && { left }), held };
    }
  }
}

/** Without clusters that are back, and without those that are no longer in the fleet or leave it as a whole. */
function stillLeft(left: LineState['left'], says: (cluster: string) => Plan): LineState['left'] {
  if (!left) return undefined;
  const still = Object.entries(left).filter(([cluster]) => {
    const plan = says(cluster);
    return plan === 'removal' || plan === 'keep';
  });
  if (still.length === 0) return undefined;
  return still.length === Object.keys(left).length ? left : Object.fromEntries(still);
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
type Plan = 'keep' | 'assigned' | 'removal' | 'held' | 'decommission' | 'forgotten';

/**
 * What Git says about one placement on one cluster. Only what was read and does not select the cluster is a removal; `decommission:
 * prune` is its own approval for everything on that cluster.
 */
function planOf(index: IndexSnapshot, placement: string, cluster: string): Plan {
  const entry = index.clusters.get(cluster);
  if (!entry)
    return index.clusters.size === 0 || index.unreadable.clusters.has(cluster) ? 'keep' : 'forgotten';
  if (!entry.invalid && entry.document.spec.decommission === 'prune') return 'decommission';
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
      return was && stranded(released(was), gone);
    case 'held':
      return was && stranded(was.held ? was : { ...was, held: true }, gone);
    case 'forgotten':
      // The entry is gone in Git: the agent stops by itself, and nobody is ordered to remove anything.
      return undefined;
    case 'removal':
    case 'decommission': {
      if (!was || (was.state === 'Removed' && moved)) return undefined;
      if (!isLive(was)) return was;
      return { ...rejoined(released(was)), removal: head, removalAfter: epoch, state: 'Waiting', since: now };
    }
    case 'assigned': {
      const live = was && isLive(was) ? released(was) : undefined;
      if (!version) return live;
      if (live?.digest === version.digest) {
        // After a rewrite that was acknowledged: the same content, where it stands now.
        const lost = live.offBranch || gone(live.revision) || gone(live.entryRevision);
        const at = lost ? { ...rejoined(live), ...version } : live;
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

/** Nothing holds it any more. */
function released(target: TargetState): TargetState {
  if (!target.held) return target;
  const { held: _, ...rest } = target;
  return rest;
}

/** Nothing that is on the branch can stand for what it runs. */
function stranded(target: TargetState, gone: (oid: string) => boolean): TargetState {
  if (target.offBranch || !isLive(target)) return target;
  return gone(target.revision) || gone(target.entryRevision) ? { ...target, offBranch: true } : target;
}

function rejoined(target: TargetState): TargetState {
  if (!target.offBranch) return target;
  const { offBranch: _, ...rest } = target;
  return rest;
}

/** Neither removed nor being removed. */
const isLive = (target: TargetState): boolean => target.removal === undefined;

function sameTargets(old: LineState['targets'], next: LineState['targets']): boolean {
  const names = Object.keys(next);
  return names.length === Object.keys(old).length && names.every((name) => old[name] === next[name]);
}
