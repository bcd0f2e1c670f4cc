import { isDeepStrictEqual } from 'node:util';
import type { Line } from '#rollouts/state.ts';
import { tableOf } from '#rollouts/target-table.ts';
import { guardPolicyOf, judgeRemoval } from './removal-guard.ts';
import { assignmentKey, type HubFacts, type PlacementRemovals } from './types.ts';

/** What of a placement may go, and where it may not move and why. */
export type Judged = {
  readonly removals: PlacementRemovals | undefined;
  readonly blocked: ReadonlyMap<string, string>;
};

/**
 * Judges what Git takes away from a placement at the head: let go, or held all at once until it is approved (`removal-guard.ts`). What
 * is let go travels the stages like every other change. Law: only what the head can be read to take away is let go; what could not be
 * resolved, or belongs to an entry that cannot be read, stays as it is.
 */
export function judgeRemovals(
  placement: string,
  line: Line,
  was: PlacementRemovals | undefined,
  facts: HubFacts,
  now: number,
): Judged {
  const { index } = facts;
  const known = index.placements.get(placement) ?? index.retired.get(placement);
  const head = known?.versions.at(-1);
  const fleet = index.fleet?.document;
  if (!head || !fleet) return { removals: was, blocked: NONE };
  if (!was && nothingLeaves(line, head.contents)) return NOTHING;
  const looked = lookThrough(placement, line, was, facts, head.contents);
  const { leaving, removing, blocked } = looked;
  const left = stillLeft(was?.left, (cluster) => !head.contents.has(cluster) && isInFleet(facts, cluster));
  const released = stillLeft(was?.released, (cluster) => removing.has(cluster));
  if (leaving.length === 0) return { removals: removalsOf(was, released, left, undefined), blocked };

  const names = Object.keys(left ?? {});
  const measured = {
    placement,
    clusters: leaving,
    removing: [...removing],
    staying: looked.staying,
    left: names.length,
    of: looked.present - removing.size + names.length,
  };
  const judged = judgeRemoval(measured, guardPolicyOf(index, fleet, placement), was?.held, now);
  const freed = { ...released, ...Object.fromEntries(leaving.map((cluster) => [cluster, now])) };
  switch (judged.verdict) {
    case 'approved':
      return { removals: removalsOf(was, freed, undefined, undefined), blocked };
    case 'passed': {
      const since = { ...left, ...Object.fromEntries(leaving.map((cluster) => [cluster, now])) };
      return { removals: removalsOf(was, freed, since, undefined), blocked };
    }
    case 'held': {
      const held = { ...judged.held, clusters: leaving };
      const words = `held until removal ${held.setHash} is approved`;
      const all = new Map([...blocked, ...leaving.map((cluster) => [cluster, words] as const)]);
      return { removals: removalsOf(was, released, left, held), blocked: all };
    }
  }
}

const NONE: ReadonlyMap<string, string> = new Map();
const NOTHING: Judged = { removals: undefined, blocked: NONE };

type Names = readonly string[];
/** Names of targets → contents that have all of them. */
const covered = new WeakMap<Names, WeakSet<object>>();

/** Most placements, most of the time: Git gives something to every target, and nothing is being removed. */
function nothingLeaves({ targets }: Line, contents: ReadonlyMap<string, unknown>): boolean {
  const { names, removing } = tableOf(targets);
  if (removing > 0) return false;
  const known = covered.get(names) ?? new WeakSet();
  if (known.has(contents)) return true;
  if (!names.every((name) => contents.has(name))) return false;
  covered.set(names, known.add(contents));
  return true;
}

type Looked = {
  /** Assignments that there were, and those that are being removed. */
  readonly present: number;
  /** Assignments that Git has, and those of which nobody knows whether it has. */
  readonly staying: number;
  /** Let go earlier, and not gone. */
  readonly removing: ReadonlySet<string>;
  /** Not in Git any more, and nothing is decided about it; sorted. */
  readonly leaving: readonly string[];
  readonly blocked: ReadonlyMap<string, string>;
};

function lookThrough(
  placement: string,
  { targets }: Line,
  was: PlacementRemovals | undefined,
  facts: HubFacts,
  wanted: ReadonlyMap<string, unknown>,
): Looked {
  const { names, list } = tableOf(targets);
  const reports = facts.reports.get(placement);
  const removing = new Set<string>();
  const leaving: string[] = [];
  const blocked = new Map<string, string>();
  let [present, staying] = [0, wanted.size];
  for (let at = 0; at < names.length; at++) {
    const { run } = list[at]!;
    if (run?.phase === 'removed') continue;
    present += 1;
    const cluster = names[at]!;
    if (run?.digest === null) {
      const report = reports?.get(cluster);
      if (report?.attempt === run.attempt && report.heldBack !== undefined)
        blocked.set(cluster, report.heldBack);
    }
    if (wanted.has(cluster)) continue;
    if (!isInFleet(facts, cluster)) {
      if (facts.index.unreadable.clusters.has(cluster)) staying += 1;
      continue;
    }
    const doubt = whyInDoubt(facts, cluster, placement);
    if (run?.digest === null || was?.released?.[cluster] !== undefined) removing.add(cluster);
    else if (doubt === undefined) leaving.push(cluster);
    else {
      blocked.set(cluster, doubt);
      staying += 1;
    }
  }
  return { present, staying, removing, leaving: leaving.sort(), blocked };
}

/** Why it is not known that Git no longer has it. */
function whyInDoubt({ index }: HubFacts, cluster: string, placement: string): string | undefined {
  const indexed = index.assignments.get(assignmentKey(cluster, placement));
  if (indexed) return indexed.problem?.message ?? 'cannot be resolved';
  if (index.placements.get(placement)?.invalid) return 'the placement is invalid';
  return index.clusters.get(cluster)?.invalid ? 'the entry of the cluster is invalid' : undefined;
}

/** Read, and not about to leave the fleet as a whole. */
function isInFleet({ index }: HubFacts, cluster: string): boolean {
  const entry = index.clusters.get(cluster);
  return entry !== undefined && entry.document.spec.decommission !== 'prune';
}

type Since = Readonly<Record<string, number>> | undefined;

function stillLeft(was: Since, stays: (cluster: string) => boolean): Since {
  if (!was) return undefined;
  const still = Object.entries(was).filter(([cluster]) => stays(cluster));
  if (still.length === 0) return undefined;
  return still.length === Object.keys(was).length ? was : Object.fromEntries(still);
}

/** The same object where nothing is different. */
function removalsOf(
  was: PlacementRemovals | undefined,
  released: Since,
  left: Since,
  held: PlacementRemovals['held'],
): PlacementRemovals | undefined {
  if (!released && !left && !held) return undefined;
  const made = { ...(released && { released }), ...(left && { left }), ...(held && { held }) };
  return was && isDeepStrictEqual(was, made) ? was : made;
}
