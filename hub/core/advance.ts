import { advance as advanceFleet } from '#rollouts/advance.ts';
import type { FleetFacts } from '#rollouts/facts.ts';
import { recover, type Unread } from '#rollouts/recover.ts';
import { EMPTY_LINE, type FleetState, type Line } from '#rollouts/state.ts';
import { changedTargets } from '#rollouts/target-table.ts';
import { type AheadOf, aheadOf, rememberWaiting } from './ahead.ts';
import { documentOf } from './desired.ts';
import { decideDocument } from './documents.ts';
import { fleetFactsOf } from './fleet-facts.ts';
import { type Judged, judgeRemovals } from './removals.ts';
import type {
  Advanced,
  ClusterState,
  Effect,
  HubFacts,
  HubState,
  IndexSnapshot,
  Only,
  PlacementRemovals,
} from './types.ts';

/**
 * Decides what every cluster is to have: the one seam through which a change passes (design/30, rule 14). What Git takes away is
 * judged first, then the stage machine moves every line, and the clusters' documents follow. Pure, idempotent on its own result and
 * on the result read back from JSON; reports that come twice, late or out of order change nothing. What did not change is the same
 * object as before. `now` is Unix milliseconds; `only` names what may have changed since the state was decided.
 */
export function advance(state: HubState, facts: HubFacts, now: number, only?: Only): Advanced {
  const { index } = facts;
  // Without a Fleet that was ever valid nothing is known about anything: all stays as it is.
  if (!index.fleet)
    return { state, effects: [], events: [], requests: [], wakes: new Map(), facts: undefined };
  const { ahead, waiting } = aheadOf(state, facts, only);
  const judged = judgeAll(state, facts, now, only);
  const fleetFacts = { ...fleetFactsOf(facts, state, judged), unheard: waiting };
  const unread = unreadOf(state.unreadable);
  const machine = advanceRecovered(state.fleet, fleetFacts, { ahead, unread }, now, only);
  const fleet = withoutOver(machine.state, facts);

  const deciding = { before: state, fleet, facts, fleetFacts, waiting, now };
  const touched = only && touchedClusters(state.fleet, fleet, facts, only);
  for (const cluster of ahead.keys()) touched?.add(cluster);
  const clusters = decideClusters(touched, deciding);
  const removals = removalsOf(state, judged, fleet, facts, now);
  const next = { fleet, removals, clusters };
  rememberWaiting(clusters, facts, waiting);
  const effects: Effect[] = [];
  if (clusters !== state.clusters)
    for (const cluster of touched ?? Object.keys(clusters)) {
      const epoch = clusters[cluster]?.epoch ?? 0;
      if (epoch === (state.clusters[cluster]?.epoch ?? 0)) continue;
      const document = documentOf(next, cluster);
      if (document) effects.push({ kind: 'publish', cluster, document });
    }
  const { events, requests } = machine.effects;
  return { state: next, effects, events, requests, wakes: machine.wakes, facts: fleetFacts };
}

/** The stage machine, after what agents have was taken up; what it has seen then may tell more of what stages have passed. */
function advanceRecovered(
  fleet: FleetState,
  facts: FleetFacts,
  { ahead, unread }: Lost,
  now: number,
  only: Only | undefined,
): ReturnType<typeof advanceFleet> {
  const { state, events } = recover(fleet, facts, ahead, now, unread);
  // Who is ahead was waited for, and now is not: every line may start something there.
  const isPart = state === fleet && ahead.size === 0;
  const step = advanceFleet(state, facts, now, isPart ? placementsOf(only) : undefined);
  const happened = [...events, ...step.effects.events];
  const more = recover(step.state, facts, NOBODY.ahead, now);
  const effects = { ...step.effects, events: happened };
  if (more.state === step.state) return { ...step, effects };
  const then = advanceRecovered(more.state, facts, NOBODY, now, undefined);
  return {
    ...then,
    effects: { ...then.effects, events: [...happened, ...more.events, ...then.effects.events] },
  };
}
type Lost = Pick<AheadOf, 'ahead'> & { readonly unread?: Unread | undefined };
const NOBODY: Lost = { ahead: new Map() };

/** Clusters are not among them: their agents tell what they have. */
function unreadOf(keys: HubState['unreadable'] = []): Unread | undefined {
  const lines = new Set(keys.flatMap((key) => (key.startsWith('line.') ? [key.slice('line.'.length)] : [])));
  const fleet = keys.includes('fleet');
  return fleet || lines.size > 0 ? { lines, fleet } : undefined;
}

/** Undefined: all. */
const placementsOf = (only: Only | undefined): ReadonlySet<string> | undefined =>
  only?.placements === 'all' ? undefined : only?.placements;

/** What was judged of a line, for steps that do not concern it: a memory that changes no decision. */
const remembered = new WeakMap<
  Line,
  { readonly of: object; readonly was: unknown; readonly judged: Judged }
>();

function judge(name: string, state: HubState, facts: HubFacts, now: number, only: Only | undefined): Judged {
  const line = state.fleet.lines[name] ?? EMPTY_LINE;
  const was = state.removals[name];
  const known = placementsOf(only)?.has(name) === false ? remembered.get(line) : undefined;
  if (known && known.of === facts.index && known.was === was) return known.judged;
  const judged = judgeRemovals(name, line, was, facts, now);
  remembered.set(line, { of: facts.index, was: judged.removals, judged });
  return judged;
}

/** What the stage machine looks at, for an order that is carried out between two decisions. */
export function fleetFactsAt(state: HubState, facts: HubFacts, now: number): FleetFacts {
  return fleetFactsOf(facts, state, judgeAll(state, facts, now, undefined));
}

function judgeAll(
  state: HubState,
  facts: HubFacts,
  now: number,
  only: Only | undefined,
): Map<string, Judged> {
  const names = new Set([...Object.keys(state.fleet.lines), ...Object.keys(state.removals)]);
  return new Map([...names].map((name) => [name, judge(name, state, facts, now, only)]));
}

/** Whether something was decided; hub time passes all the time, and alone is not worth saving. */
export function isDecided(before: HubState, after: HubState): boolean {
  const [was, is] = [before.fleet, after.fleet];
  return (
    before.clusters !== after.clusters ||
    before.removals !== after.removals ||
    was.lines !== is.lines ||
    was.silent !== is.silent ||
    was.freezes !== is.freezes ||
    was.holds !== is.holds ||
    was.recovered !== is.recovered
  );
}

function decideClusters(
  touched: ReadonlySet<string> | undefined,
  deciding: Parameters<typeof decideDocument>[1],
): HubState['clusters'] {
  const { before, facts } = deciding;
  const { index } = facts;
  if (touched) {
    const changed: Record<string, ClusterState> = {};
    for (const cluster of touched) {
      const decided = index.clusters.has(cluster) ? decideDocument(cluster, deciding) : undefined;
      if (decided && decided !== before.clusters[cluster]) changed[cluster] = decided;
    }
    return Object.keys(changed).length === 0 ? before.clusters : { ...before.clusters, ...changed };
  }
  const keeps = (cluster: string) => index.clusters.size === 0 || index.unreadable.clusters.has(cluster);
  const clusters: Record<string, ClusterState> = {};
  for (const cluster of Object.keys(before.clusters))
    if (!index.clusters.has(cluster) && keeps(cluster)) clusters[cluster] = before.clusters[cluster]!;
  for (const cluster of index.clusters.keys()) clusters[cluster] = decideDocument(cluster, deciding);
  return sameMembers(before.clusters, clusters) ? before.clusters : clusters;
}

/** Whose document may have become another one. */
function touchedClusters(was: FleetState, is: FleetState, facts: HubFacts, only: Only): Set<string> {
  const touched = new Set(only.clusters);
  let moved = false;
  for (const placement of new Set([...Object.keys(was.lines), ...Object.keys(is.lines)])) {
    const [before, line] = [was.lines[placement], is.lines[placement]];
    if (before === line) continue;
    moved = true;
    for (const cluster of changedTargets(before?.targets, line?.targets))
      if (before?.targets[cluster]?.run !== line?.targets[cluster]?.run) touched.add(cluster);
  }
  if (was.holds !== is.holds)
    for (const cluster of [...Object.keys(was.holds), ...Object.keys(is.holds)]) touched.add(cluster);
  // What others are shown follows from stages, not from runs.
  if (moved || placementsOf(only)?.size !== 0)
    for (const cluster of outsideStages(facts.index.clusters)) touched.add(cluster);
  return touched;
}

const outside = new WeakMap<IndexSnapshot['clusters'], readonly string[]>();

/** Clusters that have no part in any stage; looked for once in the same entries. */
function outsideStages(entries: IndexSnapshot['clusters']): readonly string[] {
  let found = outside.get(entries);
  if (!found) {
    found = [...entries].flatMap(
      ([
        cluster,
        {
          document: { spec },
        },
      ]) => (spec.mode === 'observe' || spec.decommission ? [cluster] : []),
    );
    outside.set(entries, found);
  }
  return found;
}

/** Of a placement that is gone nothing is remembered once nobody has it. */
function withoutOver(fleet: FleetState, { index }: HubFacts): FleetState {
  const over = Object.keys(fleet.lines).filter(
    (name) => index.retired.has(name) && Object.keys(fleet.lines[name]!.targets).length === 0,
  );
  if (over.length === 0) return fleet;
  const lines = Object.entries(fleet.lines).filter(([name]) => !over.includes(name));
  return { ...fleet, lines: Object.fromEntries(lines) };
}

/** As the lines stand after the step: what has gone in it is not remembered, and nothing of lines that are over. */
function removalsOf(
  { fleet, removals }: HubState,
  judged: ReadonlyMap<string, Judged>,
  { lines }: FleetState,
  facts: HubFacts,
  now: number,
): HubState['removals'] {
  const next: Record<string, PlacementRemovals> = {};
  for (const [name, one] of judged) {
    const line = lines[name];
    if (!line || !one.removals) continue;
    const moved = line !== fleet.lines[name];
    const left = moved ? judgeRemovals(name, line, one.removals, facts, now).removals : one.removals;
    if (left) next[name] = left;
  }
  return sameMembers(removals, next) ? removals : next;
}

function sameMembers<T>(a: Readonly<Record<string, T>>, b: Readonly<Record<string, T>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
