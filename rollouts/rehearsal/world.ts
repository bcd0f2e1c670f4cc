import { FlotillaError } from '#proto/faults.ts';
import { type Advanced, advance, type FleetEvent } from '../advance.ts';
import type { Answer, ClusterFacts, FleetFacts, PlacementFacts, Report } from '../facts.ts';
import { type FleetCommand, orderFleet } from '../fleet-commands.ts';
import type { Refused } from '../order.ts';
import { type Ahead, type Had, type Named, recover } from '../recover.ts';
import type { FleetState, Run } from '../state.ts';
import { tableOf } from '../target-table.ts';
import { versionsOf } from '../versions.ts';
import { Agenda } from './agenda.ts';

/** What an agent goes on to say after it has echoed an attempt; times from the echo, in order. */
export type Play = readonly {
  readonly afterMs: number;
  readonly phase: Report['phase'];
  readonly message?: string;
}[];

export type Start = {
  readonly cluster: ClusterFacts;
  readonly placement: string;
  readonly run: Run;
  /** Unix milliseconds of the virtual clock. */
  readonly now: number;
};

export type Happened = FleetEvent & { readonly at: number };

/** What Git says at one moment. */
export type Snapshot = {
  readonly clusters: readonly ClusterFacts[];
  readonly placements: ReadonlyMap<string, PlacementFacts>;
};

/** One step of the machine, as it was taken. */
export type Step = {
  readonly before: FleetState;
  readonly facts: FleetFacts;
  readonly now: number;
  readonly only: ReadonlySet<string> | undefined;
  readonly advanced: Advanced;
};

type Agent = {
  attempt: number;
  report: Report;
  /** What it was last told, and what it has applied. */
  told?: Named | undefined;
  has?: Named | undefined;
};

/**
 * A hub and its agents in virtual time: the very same `advance`, with agents that do what they are told to. What an unreachable
 * agent has to say is heard when it is back.
 */
export class World {
  state: FleetState;
  now: number;
  readonly events: Happened[] = [];
  /** `placement/stage` → most clusters at work at a time. */
  readonly maxInFlight = new Map<string, number>();
  counting = true;
  /** Looks at every step of the machine. */
  watch: ((step: Step) => void) | undefined;
  /** How many steps may be taken until a moment is reached; beyond that something waits for ever. */
  mostSteps = Number.POSITIVE_INFINITY;
  /** How a webhook answers. */
  answer: (id: string, url: string) => Answer = () => ({ says: 'yes' });
  readonly #play: (start: Start) => Play;
  #snapshot: Snapshot;
  readonly #agenda = new Agenda();
  /** `cluster/placement` → what its agent would say now. */
  readonly #agents = new Map<string, Agent>();
  readonly #reports = new Map<string, Map<string, Report>>();
  readonly #unreachable = new Set<string>();
  readonly #answers = new Map<string, Answer>();
  readonly #wakes = new Map<string, number>();
  /** Clusters whose agent was not heard since the hub lost its state: nothing is told to them. */
  readonly #unheard = new Set<string>();
  #touched: Set<string> | undefined;
  #entries: Map<string, ClusterFacts> | undefined;

  constructor(state: FleetState, snapshot: Snapshot, play: (start: Start) => Play, now: number) {
    this.state = state;
    this.#snapshot = snapshot;
    this.#play = play;
    this.now = now;
    for (const [placement, line] of Object.entries(state.lines))
      for (const [cluster, { run }] of Object.entries(line.targets)) {
        if (run?.phase !== 'current' || run.digest === null) continue;
        const report: Report = { attempt: run.attempt, digest: run.digest, phase: 'current' };
        const has = { revision: run.revision, digest: run.digest };
        this.#agents.set(`${cluster}/${placement}`, { attempt: run.attempt, report, told: has, has });
        this.#reportsOf(placement).set(cluster, report);
      }
  }

  get facts(): FleetFacts {
    return {
      ...this.#snapshot,
      reports: this.#reports,
      unreachable: this.#unreachable,
      counting: this.counting,
      answers: this.#answers,
    };
  }

  get unreachable(): ReadonlySet<string> {
    return this.#unreachable;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** What an agent would report of a placement; undefined where it has never heard of it. */
  had(cluster: string, placement: string): Had | undefined {
    const agent = this.#agents.get(`${cluster}/${placement}`);
    if (!agent) return undefined;
    const { attempt, report, told, has } = agent;
    return { attempt, phase: report.phase, ...(has && { applied: has }), ...(told && { attempted: told }) };
  }

  /** The hub comes back with other state: with none, or with what it had saved before. */
  lose(saved: FleetState): void {
    this.state = saved;
    this.#touched = undefined;
    for (const key of this.#agents.keys()) this.#unheard.add(key.slice(0, key.indexOf('/')));
  }

  /** Takes up what agents have that can be heard for the first time. */
  #hear(facts: FleetFacts): void {
    const heard = [...this.#unheard].filter((cluster) => !this.#unreachable.has(cluster));
    const ahead = new Map<string, Ahead>();
    for (const cluster of heard) {
      const known = Object.values(this.state.lines).some(({ targets }) => targets[cluster]?.run);
      const has = new Map<string, Had>();
      for (const placement of facts.placements.keys()) {
        const had = this.had(cluster, placement);
        if (had) has.set(placement, had);
      }
      ahead.set(cluster, { known, has });
    }
    const { state, events } = recover(this.state, facts, ahead, this.now);
    this.state = state;
    this.#note(events);
    for (const cluster of heard) {
      this.#unheard.delete(cluster);
      for (const placement of facts.placements.keys()) this.#deliver(placement, cluster);
    }
  }

  at(time: number, act: () => void): void {
    this.#agenda.add(time, act);
  }

  setSnapshot(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#entries = undefined;
    this.#touched = undefined;
  }

  /** Lets a cluster fall silent, or come back and say what it has to. */
  connect(cluster: string, isConnected: boolean): void {
    if (isConnected === !this.#unreachable.has(cluster)) return;
    this.#touched = undefined;
    if (!isConnected) {
      this.#unreachable.add(cluster);
      return;
    }
    this.#unreachable.delete(cluster);
    for (const placement of this.#snapshot.placements.keys()) {
      const agent = this.#agents.get(`${cluster}/${placement}`);
      if (agent) this.#reportsOf(placement).set(cluster, agent.report);
      this.#deliver(placement, cluster);
    }
  }

  order(order: FleetCommand): Refused['refused'] | undefined {
    const done = orderFleet(this.state, this.facts, order, this.now);
    this.#touched = undefined;
    if ('refused' in done) return done.refused;
    this.state = done.state;
    this.#note(done.events);
    return undefined;
  }

  /** What an agent comes to say by itself, whatever it was told. */
  say(cluster: string, placement: string, phase: Report['phase'], message?: string): void {
    const agent = this.#agents.get(`${cluster}/${placement}`);
    if (agent)
      this.#report(cluster, placement, { ...agent.report, phase, ...(message !== undefined && { message }) });
  }

  /** A report about another attempt than the agent's: late, or of an earlier life. */
  sayStale(cluster: string, placement: string, report: Report): void {
    this.#reportsOf(placement).set(cluster, report);
    this.#touch(placement);
  }

  /** Goes on until a moment; everything that happens at one moment is one step of the machine. */
  runUntil(end: number): void {
    this.settle();
    for (let steps = 0; ; steps++) {
      if (steps > this.mostSteps) throw this.#restless();
      const next = Math.min(this.#agenda.next, this.#nextWake());
      if (next > end || next === Number.POSITIVE_INFINITY) break;
      this.now = Math.max(this.now, next);
      for (let act = this.#agenda.take(this.now); act; act = this.#agenda.take(this.now)) act();
      this.step();
      this.settle();
    }
    if (end !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, end);
  }

  /** Steps, at this moment, until nobody has anything new to say. */
  settle(): void {
    for (let steps = 0; this.#touched === undefined || this.#touched.size > 0; steps++) {
      if (steps > this.mostSteps) throw this.#restless();
      this.step();
    }
  }

  #restless(): FlotillaError {
    const waits = Object.entries(this.state.lines).flatMap(([placement, { stages }]) =>
      stages.flatMap(({ name, work }) => (work ? [`${placement}/${name} ${work.waiting ?? ''}`] : [])),
    );
    return new FlotillaError(
      'internal',
      `waits for ever: ${waits.join('; ') || this.#touched?.values().next().value}`,
    );
  }

  /** Goes on until nothing will happen any more, or until a moment; tells when that was. */
  play(end: number): number {
    const begun = this.now;
    this.runUntil(end);
    const isOver =
      this.#agenda.next === Number.POSITIVE_INFINITY && this.#nextWake() === Number.POSITIVE_INFINITY;
    return isOver ? Math.min(end, this.events.at(-1)?.at ?? begun) : end;
  }

  /** Something for the record that the machine itself does not tell. */
  note(event: Omit<Happened, 'at'>): void {
    this.#note([event]);
  }

  /** What runs on a cluster stops being well, or is well again. */
  ail(cluster: string, isIll: boolean, message?: string): void {
    for (const placement of this.#snapshot.placements.keys()) {
      const phase = this.#agents.get(`${cluster}/${placement}`)?.report.phase;
      if (isIll && phase === 'current') this.say(cluster, placement, 'failed', message);
      if (!isIll && phase === 'failed') this.say(cluster, placement, 'current');
    }
  }

  /** One step of the machine, now. */
  step(): void {
    let due: Set<string> | undefined;
    if (this.#touched) {
      due = new Set(this.#touched);
      for (const [placement, at] of this.#wakes) if (at <= this.now) due.add(placement);
    }
    const facts = this.facts;
    this.#hear(facts);
    const advanced = advance(this.state, facts, this.now, due, { givenUp: this.watch === undefined });
    this.watch?.({ before: this.state, facts, now: this.now, only: due, advanced });
    const { state, effects, wakes } = advanced;
    this.state = state;
    this.#touched = new Set();
    for (const [placement, at] of wakes) this.#wakes.set(placement, at <= this.now ? this.now + 1_000 : at);
    this.#note(effects.events);
    for (const { id, url, placement } of effects.requests) {
      if (this.#answers.has(id)) continue;
      this.#answers.set(id, this.answer(id, url));
      this.#touch(placement);
    }
    for (const { placement, cluster } of effects.published) this.#deliver(placement, cluster);
    const moved = new Set([...effects.published.map(({ placement }) => placement)]);
    for (const placement of moved) this.#count(placement);
  }

  #nextWake(): number {
    if (!this.counting) return Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (const at of this.#wakes.values()) if (at < least) least = at;
    return least;
  }

  #touch(placement: string): void {
    this.#touched?.add(placement);
  }

  entry(cluster: string): ClusterFacts | undefined {
    this.#entries ??= new Map(this.#snapshot.clusters.map((entry) => [entry.name, entry]));
    return this.#entries.get(cluster);
  }

  #reportsOf(placement: string): Map<string, Report> {
    let reports = this.#reports.get(placement);
    if (!reports) {
      reports = new Map();
      this.#reports.set(placement, reports);
    }
    return reports;
  }

  #note(events: readonly FleetEvent[]): void {
    for (const event of events) this.events.push({ ...event, at: this.now });
  }

  /** The newest document reaches an agent that can be reached. */
  #deliver(placement: string, cluster: string): void {
    const run = this.state.lines[placement]?.targets[cluster]?.run;
    if (!run || this.#unreachable.has(cluster) || this.#unheard.has(cluster)) return;
    const key = `${cluster}/${placement}`;
    if (this.#agents.get(key)?.attempt === run.attempt) return;
    const entry = this.entry(cluster);
    if (!entry) return;
    const has = this.#agents.get(key)?.has;
    const report: Report = { attempt: run.attempt, phase: 'applying', ...(has && { digest: has.digest }) };
    const { revision, digest } = run;
    const told = digest === null ? undefined : { revision: run.readAt ?? revision, digest };
    this.#agents.set(key, { ...this.#agents.get(key), attempt: run.attempt, report, told });
    this.#report(cluster, placement, report);
    const refusal = digest === null && this.#refusal(placement, cluster, run, has);
    if (refusal) {
      this.#report(cluster, placement, { ...report, phase: 'failed', message: refusal });
      return;
    }
    for (const { afterMs, phase, message } of this.#play({ cluster: entry, placement, run, now: this.now })) {
      this.at(this.now + afterMs, () => {
        if (this.#agents.get(key)?.attempt !== run.attempt) return;
        const isGone = run.digest === null && phase === 'current';
        this.#report(cluster, placement, {
          attempt: run.attempt,
          phase: isGone ? 'removed' : phase,
          ...(run.digest !== null && { digest: run.digest }),
          ...(message !== undefined && { message }),
        });
      });
    }
  }

  /** An agent takes away only what Git does, as it reads it at a revision that is newer than what it runs (design/20). */
  #refusal(placement: string, cluster: string, run: Run, has: Named | undefined): string | undefined {
    const versions = versionsOf(this.#snapshot.placements.get(placement)?.versions ?? []);
    const given = (revision: string) => versions.content(revision, cluster) !== undefined;
    if (given(run.revision)) return 'removal-not-in-git: the placement selects this cluster there';
    const isNewer = has === undefined || versions.order(run.revision) > versions.order(has.revision);
    // Where what it runs does not give it any more either, its entry has changed since.
    return isNewer || !given(has.revision)
      ? undefined
      : 'removal-not-in-git: the revision that runs is not older';
  }

  #report(cluster: string, placement: string, report: Report): void {
    const key = `${cluster}/${placement}`;
    const agent = this.#agents.get(key);
    const isOver = report.phase === 'current' || report.phase === 'removed';
    const has = isOver ? agent?.told : agent?.has;
    this.#agents.set(key, { ...agent, attempt: report.attempt, report, has });
    if (this.#unreachable.has(cluster)) return;
    this.#reportsOf(placement).set(cluster, report);
    this.#touch(placement);
  }

  #count(placement: string): void {
    const line = this.state.lines[placement];
    if (!line) return;
    for (const [stage, count] of tableOf(line.targets).busy) {
      const key = `${placement}/${stage}`;
      this.maxInFlight.set(key, Math.max(count, this.maxInFlight.get(key) ?? 0));
    }
  }
}
