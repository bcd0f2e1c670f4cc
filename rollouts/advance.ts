import { advanceLine, type LineStep } from './advance-line.ts';
import { publishedDigest } from './draft.ts';
import type { LineEvent, WebhookRequest } from './events.ts';
import type { ClusterFacts, Dependency, FleetFacts, LineFacts, PlacementFacts, Version } from './facts.ts';
import { isAmong, membershipOf } from './membership.ts';
import { BUS_SPAN } from './observe.ts';
import { EMPTY_LINE, type FleetState, type Line } from './state.ts';
import { versionsOf } from './versions.ts';

export type FleetEvent = LineEvent & { readonly placement?: string };

export type Effects = {
  /** Placements of which something is published that was not, by cluster. */
  readonly published: readonly { readonly placement: string; readonly cluster: string }[];
  readonly requests: readonly (WebhookRequest & { readonly placement: string })[];
  readonly events: readonly FleetEvent[];
};

export type Advanced = {
  readonly state: FleetState;
  readonly effects: Effects;
  /** Of each placement looked at: Unix milliseconds at which time alone may change something, while hub time runs. */
  readonly wakes: ReadonlyMap<string, number>;
};

/**
 * Decides how every placement moves along its line: `advance(state, facts, now)` of design/30, rule 14. Pure and total; `now` is
 * Unix milliseconds of the hub. `only` names the placements whose facts may have changed or whose time has come; those that
 * depend on one of them that moves are looked at, too. `givenUp`: the caller looks at `state` no more, only at what
 * comes back, so that steps that follow one another need not copy it.
 */
export function advance(
  state: FleetState,
  facts: FleetFacts,
  now: number,
  only?: ReadonlySet<string>,
  { givenUp = false }: { readonly givenUp?: boolean } = {},
): Advanced {
  const timed = tick(state, facts, now);
  const silent = new Map(Object.entries(timed.silent).map(([cluster, { hub }]) => [cluster, hub]));
  const published: Effects['published'][number][] = [];
  const requests: Effects['requests'][number][] = [];
  const events: FleetEvent[] = [];
  const lines: Record<string, Line> = { ...timed.lines };
  const wakes = new Map<string, number>();
  const ends = [...timed.freezes, ...Object.values(timed.holds)].map(({ until }) => until ?? NEVER);
  const wake = Math.min(NEVER, ...ends);

  const current = () => ({ ...timed, lines });
  for (const placement of inOrder(facts.placements)) {
    const waitsFor = facts.placements.get(placement)!.dependsOn;
    const concerned =
      !only || only.has(placement) || waitsFor.some((name) => lines[name] !== timed.lines[name]);
    if (!concerned) continue;
    const was = lines[placement] ?? EMPTY_LINE;
    const step: LineStep = advanceLine(was, lineFacts(current(), facts, placement, silent), now, givenUp);
    lines[placement] = step.line;
    wakes.set(placement, Math.min(wake, step.wakeAt));
    for (const event of step.events) events.push({ ...event, placement });
    for (const request of step.requests) requests.push({ ...request, placement });
    for (const { what, cluster } of step.events)
      if (what === 'published' && cluster !== undefined) published.push({ placement, cluster });
  }
  // A placement whose document is gone and of which nothing is left.
  for (const [placement, line] of Object.entries(lines))
    if (!facts.placements.has(placement) && Object.keys(line.targets).length === 0) delete lines[placement];
  const moved = Object.keys(lines).some((name) => lines[name] !== timed.lines[name]);
  const same = !moved && Object.keys(lines).length === Object.keys(timed.lines).length;
  return {
    state: same ? timed : { ...timed, lines },
    effects: { published, requests, events },
    wakes,
  };
}

const NEVER = Number.POSITIVE_INFINITY;

/** Dependencies first, so that what they reach is seen in the same step; names decide otherwise. */
function inOrder(placements: FleetFacts['placements']): string[] {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    const facts = placements.get(name);
    if (!facts || done.has(name) || path.includes(name)) return;
    for (const other of [...facts.dependsOn].sort()) visit(other, [...path, name]);
    done.add(name);
  };
  for (const name of [...placements.keys()].sort()) visit(name, []);
  return [...done];
}

/** Hub time, silence, and what has expired. */
function tick(state: FleetState, facts: FleetFacts, now: number): FleetState {
  const { clock } = state;
  const runs = clock.running && facts.counting;
  const hub = clock.hub + (runs ? Math.max(0, now - clock.at) : 0);
  const silent: Record<string, FleetState['silent'][string]> = {};
  let moved = false;
  const cameBefore = clock.at > 0;
  for (const cluster of facts.unreachable) {
    const known = state.silent[cluster];
    silent[cluster] = known ?? { hub, lost: cameBefore && !facts.unheard?.has(cluster) };
    if (!known) moved = true;
  }
  moved ||= Object.keys(silent).length !== Object.keys(state.silent).length;
  const lasts = ({ until }: { readonly until?: number }) => until === undefined || until > now;
  const freezes = state.freezes.filter(lasts);
  const holds = Object.fromEntries(Object.entries(state.holds).filter(([, hold]) => lasts(hold)));
  return {
    ...state,
    clock: { hub, at: now, running: facts.counting },
    silent: moved ? silent : state.silent,
    freezes: freezes.length === state.freezes.length ? state.freezes : freezes,
    holds: Object.keys(holds).length === Object.keys(state.holds).length ? state.holds : holds,
  };
}

const NOTHING: PlacementFacts['blocked'] = new Map();
const NO_REPORTS: LineFacts['reports'] = new Map();
const NOBODY: ReadonlySet<string> = new Set();

/** What one line looks at, of all that is known. */
export function lineFacts(
  state: FleetState,
  facts: FleetFacts,
  placement: string,
  silent: ReadonlyMap<string, number>,
): LineFacts {
  const own = facts.placements.get(placement)!;
  const { hub } = state.clock;
  const byName = membershipOf(facts.clusters, own.strategy.stages).byName;
  const blocked = own.blocked ?? NOTHING;
  const lost: string[] = [];
  for (const [cluster, one] of Object.entries(state.silent))
    if (one.lost && one.hub > hub - BUS_SPAN && byName.has(cluster)) lost.push(cluster);
  return {
    ...own,
    placement,
    clusters: facts.clusters,
    unreadable: facts.unreadable ?? NOBODY,
    reports: facts.reports.get(placement) ?? NO_REPORTS,
    hub,
    silent,
    unheard: facts.unheard,
    bus: { connected: facts.clusters.length - facts.unreachable.size + lost.length, lost },
    answers: facts.answers,
    blockedBy: isAnyBlocked(state, facts, blocked)
      ? (cluster) => {
          const hold = state.holds[cluster];
          if (hold) return `held by ${hold.by}: ${hold.reason}`;
          return blocked.get(cluster) ?? byName.get(cluster)?.blocked;
        }
      : nobody,
    frozenBy:
      state.freezes.length > 0
        ? (cluster) => {
            const known = byName.get(cluster);
            const freeze = known && state.freezes.find(({ whom }) => isAmong(whom, known));
            return freeze && `frozen by ${freeze.by}: ${freeze.reason}`;
          }
        : nobody,
    dependency(cluster, version) {
      for (const name of own.dependsOn) {
        const answer = dependencyOn(state, facts, name, byName.get(cluster), version);
        if (answer.is !== 'ready') return answer;
      }
      return READY;
    },
  };
}

const nobody = (): undefined => undefined;
const blockedAmong = new WeakMap<readonly ClusterFacts[], boolean>();

function isAnyBlocked(
  { holds }: FleetState,
  { clusters }: FleetFacts,
  blocked: ReadonlyMap<string, string>,
): boolean {
  if (blocked.size > 0 || Object.keys(holds).length > 0) return true;
  let any = blockedAmong.get(clusters);
  if (any === undefined) {
    any = clusters.some((cluster) => cluster.blocked !== undefined);
    blockedAmong.set(clusters, any);
  }
  return any;
}

const READY: Dependency = { is: 'ready' };

/** Whether a placement is Current on a cluster, on its digest at a version's place on the branch or on a later one. */
function dependencyOn(
  state: FleetState,
  facts: FleetFacts,
  name: string,
  entry: ClusterFacts | undefined,
  { at }: Version,
): Dependency {
  if (!entry) return READY;
  const cluster = entry.name;
  const target = state.lines[name]?.targets[cluster];
  const placement = facts.placements.get(name);
  const versions = placement && versionsOf(placement.versions);
  const needed = versions?.inForceAt(at)?.contents.get(cluster)?.digest;
  const run = target?.run;
  if (needed === undefined && publishedDigest(run) === null) return READY;
  const pin = state.lines[name]?.pins.find(({ whom }) => isAmong(whom, entry));
  const blocked =
    placement?.blocked.get(cluster) ?? (state.holds[cluster] && 'held') ?? entry.blocked ?? (pin && 'pinned');
  if (target && (target.state === 'Failed' || target.state === 'Offline' || target.state === 'Blocked'))
    return { is: 'blocked', reason: `depends on ${name}, which is ${target.state} there` };
  if (blocked !== undefined) return { is: 'blocked', reason: `depends on ${name}: ${blocked}` };
  const runAt = versions?.get(run?.revision)?.at ?? -1;
  const isThere = needed === undefined || run?.digest === needed || runAt >= at;
  if (run?.phase === 'current' && !run.worse && isThere) return READY;
  return { is: 'waiting', reason: `waits for ${name} to be Current` };
}
