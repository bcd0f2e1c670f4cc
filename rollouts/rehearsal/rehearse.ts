import { lineFacts } from '../advance.ts';
import type { What } from '../events.ts';
import type { FleetCommand } from '../fleet-commands.ts';
import type { RefusalCode } from '../order.ts';
import { type Phase, phaseOf } from '../phase.ts';
import { settled } from '../settled.ts';
import type { TargetState } from '../state.ts';
import { versionsOf } from '../versions.ts';
import { waitingFor } from '../words.ts';
import { Behaviour, fromOf, untilOf } from './behaviour.ts';
import type { Rule } from './scenario.ts';
import { type Happened, type Snapshot, World } from './world.ts';

/** What happens at a moment, apart from how clusters behave. */
export type Act =
  | { readonly kind: 'order'; readonly order: FleetCommand }
  /** Git says something else from now on. */
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot; readonly clusters: readonly string[] };

export type Rehearsal = {
  /** The fleet before the change: everybody runs it. */
  readonly before: Snapshot;
  /** The fleet with the change. */
  readonly change: Snapshot;
  /** In order of time since the change, in milliseconds. */
  readonly acts: readonly { readonly atMs: number; readonly act: Act }[];
  /** `revision` is the name that `places` knows. */
  readonly rules: readonly Rule[];
  /** Revision → its place on the branch, for rules that are limited to one. */
  readonly places: ReadonlyMap<string, number>;
  /** Unix milliseconds of the change. */
  readonly start: number;
  readonly untilMs: number;
  readonly seed: number;
};

export type TimelineEvent = {
  /** Seconds since the change. */
  readonly at: number;
  readonly cluster?: string;
  readonly stage?: string;
  readonly revision?: string;
  readonly what: string;
  readonly reason?: string;
};

export type RehearsedStage = {
  readonly name: string;
  readonly startedAt: number | null;
  readonly passedAt: number | null;
  /** Why it passed as it did, or what it waits for. */
  readonly reason: string | null;
};

export type RehearsedPlacement = {
  readonly outcome: Phase;
  readonly stages: readonly RehearsedStage[];
  readonly timeline: readonly TimelineEvent[];
  readonly clusters: Readonly<
    Record<
      string,
      { readonly revision: string | null; readonly state: TargetState; readonly reason?: string }
    >
  >;
  readonly maxInFlight: Readonly<Record<string, number>>;
  /** What is waited for at the end, in words. */
  readonly waiting: readonly string[];
};

export type Rehearsed = {
  readonly placements: Readonly<Record<string, RehearsedPlacement>>;
  /** Seconds since the change. */
  readonly endedAt: number;
};

/** Plays a change in virtual time: the machine of the hub, with agents that behave by the rules. Pure: the same twice. */
export function rehearse(plan: Rehearsal): Rehearsed {
  const { start } = plan;
  const state = settled(
    { ...plan.before, reports: new Map(), unreachable: new Set(), counting: true, answers: new Map() },
    start,
  );
  const all = plan.acts.reduce(
    (known, { act }) => (act.kind === 'snapshot' ? act.snapshot.clusters : known),
    plan.change.clusters,
  );
  const behaviour = new Behaviour(plan.rules, all, plan.seed, ({ placement, run }, revision) => {
    const at = plan.places.get(revision);
    const versions = world.snapshot.placements.get(placement)?.versions;
    return (
      at !== undefined &&
      versions !== undefined &&
      versionsOf(versions).inForceAt(at)?.revision === run.revision
    );
  });
  const world = new World(state, plan.before, (one) => behaviour.play(one, one.now - start), start);

  world.at(start, () => {
    world.setSnapshot(plan.change);
    for (const cluster of plan.change.clusters) follow(world, behaviour, cluster.name, start);
  });
  for (const { atMs, act } of plan.acts)
    world.at(start + atMs, () => {
      if (act.kind === 'snapshot') {
        world.setSnapshot(act.snapshot);
        for (const name of act.clusters) follow(world, behaviour, name, start);
        return;
      }
      const refused = world.order(act.order);
      if (refused) world.note(refusalOf(act.order, refused));
    });
  const ended = world.play(start + plan.untilMs);
  const endedAt = seconds(ended - start);
  const names = [...world.snapshot.placements.keys()].sort();
  return {
    placements: Object.fromEntries(names.map((name) => [name, placementOf(world, name, start)])),
    endedAt,
  };
}

/** Lets a cluster be offline or degraded when its rule says so. */
function follow(world: World, behaviour: Behaviour, name: string, start: number): void {
  const entry = world.entry(name) ?? { name, labels: {} };
  const rule = behaviour.ofCluster(entry);
  if (!rule) return;
  const [from, until] = [start + fromOf(rule), start + untilOf(rule)];
  if (until <= world.now) return;
  if (rule.outcome === 'offline') {
    world.at(Math.max(from, world.now), () => world.connect(name, false));
    if (Number.isFinite(until)) world.at(until, () => world.connect(name, true));
  } else if (rule.outcome === 'degraded') {
    world.at(Math.max(from, world.now), () => world.agents.ail(name, true, rule.message));
    if (Number.isFinite(until)) world.at(until, () => world.agents.ail(name, false));
  }
}

const refusalOf = (
  order: FleetCommand,
  { message }: { readonly code: RefusalCode; readonly message: string },
): Omit<Happened, 'at'> => ({
  what: 'refused',
  ...('placement' in order && { placement: order.placement }),
  ...('placement' in order && 'stage' in order.order && { stage: order.order.stage }),
  reason: `${'placement' in order ? order.order.kind : order.kind}: ${message}`,
});

function placementOf(world: World, name: string, start: number): RehearsedPlacement {
  const { state, facts } = world;
  const { strategy, versions: list } = facts.placements.get(name)!;
  const versions = versionsOf(list);
  const line = state.lines[name]!;
  const head = versions.head?.revision ?? '';
  const events = world.events.filter(({ placement }) => placement === undefined || placement === name);
  const of = (what: What, stage: string) =>
    events.findLast((event) => event.what === what && event.stage === stage && event.revision === head);
  const stages = strategy.stages.map((stage): RehearsedStage => {
    const [started, passed] = [of('stageStarted', stage.name), of('stagePassed', stage.name)];
    const isSettled = !passed && line.stages.find((one) => one.name === stage.name)?.passed.at(-1) === head;
    const waiting = line.stages.find((one) => one.name === stage.name)?.work?.waiting;
    const failed = line.pauses.find((one) => one.stage === stage.name)?.reason;
    return {
      name: stage.name,
      startedAt: started ? seconds(started.at - start) : null,
      passedAt: passed ? seconds(passed.at - start) : isSettled ? 0 : null,
      reason: failed ?? waiting ?? passed?.reason ?? (isSettled ? 'nothing changes here' : null),
    };
  });
  const silent = new Map(Object.entries(state.silent).map(([cluster, { hub }]) => [cluster, hub]));
  const maxInFlight = Object.fromEntries(
    strategy.stages.map((stage) => [stage.name, world.maxInFlight.get(`${name}/${stage.name}`) ?? 0]),
  );
  const clusters = Object.entries(line.targets).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    outcome: phaseOf(line, strategy, versions, head),
    stages,
    timeline: timelineOf(events, start),
    clusters: Object.fromEntries(
      clusters.map(([cluster, target]) => [
        cluster,
        {
          revision: target.run?.revision ?? null,
          state: target.state,
          ...(target.reason !== undefined && { reason: target.reason }),
        },
      ]),
    ),
    maxInFlight,
    waiting: waitingFor(line, lineFacts(state, facts, name, silent), world.now),
  };
}

/** Names in which a timeline differs from the machine's own; what is left out is no news for people. */
const NAMES: Partial<Record<What, string | null>> = {
  published: null,
  recalled: null,
  regressed: 'degraded',
};

function timelineOf(events: readonly Happened[], start: number): TimelineEvent[] {
  return events.flatMap(({ at, cluster, stage, revision, what, reason, by }) => {
    const name = NAMES[what] === undefined ? what : NAMES[what];
    if (name === null) return [];
    const why = reason ?? (by === undefined ? undefined : `by ${by}`);
    return [
      {
        at: seconds(at - start),
        ...(cluster !== undefined && { cluster }),
        ...(stage !== undefined && { stage }),
        ...(revision !== undefined && { revision }),
        what: name,
        ...(why !== undefined && { reason: why }),
      },
    ];
  });
}

const seconds = (ms: number): number => Math.round(ms) / 1_000;
