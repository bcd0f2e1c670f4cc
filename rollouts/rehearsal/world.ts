import { FlotillaError } from '#proto/faults.ts';
import { type Advanced, advance, type FleetEvent } from '../advance.ts';
import type { Answer, ClusterFacts, FleetFacts, PlacementFacts } from '../facts.ts';
import { type FleetCommand, orderFleet } from '../fleet-commands.ts';
import type { Refused } from '../order.ts';
import { type Ahead, type Had, recover } from '../recover.ts';
import type { FleetState, Run } from '../state.ts';
import { tableOf } from '../target-table.ts';
import { Agenda } from './agenda.ts';
import { Agents, type Play, type Start, type Surroundings } from './agents.ts';

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

/** A hub and its agents in virtual time: the very same `advance`, with agents that behave as `play` says. */
export class World implements Surroundings {
  state: FleetState;
  now: number;
  readonly agents: Agents;
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
  #snapshot: Snapshot;
  readonly #agenda = new Agenda();
  readonly #answers = new Map<string, Answer>();
  readonly #wakes = new Map<string, number>();
  #touched: Set<string> | undefined;
  #entries: Map<string, ClusterFacts> | undefined;

  constructor(state: FleetState, snapshot: Snapshot, play: (start: Start) => Play, now: number) {
    this.state = state;
    this.#snapshot = snapshot;
    this.agents = new Agents(this, play);
    this.now = now;
    for (const [placement, line] of Object.entries(state.lines))
      for (const [cluster, { run }] of Object.entries(line.targets)) {
        if (run?.phase === 'current' && run.digest !== null)
          this.agents.settle(cluster, placement, run, run.digest);
      }
  }

  get facts(): FleetFacts {
    return {
      ...this.#snapshot,
      reports: this.agents.reports,
      unreachable: this.agents.unreachable,
      counting: this.counting,
      answers: this.#answers,
    };
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** The hub comes back with other state: with none, or with what it had saved before. */
  lose(saved: FleetState): void {
    this.state = saved;
    this.#touched = undefined;
    this.agents.forget();
  }

  /** Takes up what agents have that can be heard for the first time. */
  #hear(facts: FleetFacts): void {
    const heard = this.agents.news;
    const ahead = new Map<string, Ahead>();
    for (const cluster of heard) {
      const known = Object.values(this.state.lines).some(({ targets }) => targets[cluster]?.run);
      const has = new Map<string, Had>();
      for (const placement of facts.placements.keys()) {
        const had = this.agents.had(cluster, placement);
        if (had) has.set(placement, had);
      }
      ahead.set(cluster, { known, has });
    }
    const { state, events } = recover(this.state, facts, ahead, this.now);
    this.state = state;
    this.#note(events);
    for (const cluster of heard) this.agents.heard(cluster);
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
    if (isConnected === !this.agents.unreachable.has(cluster)) return;
    this.#touched = undefined;
    this.agents.connect(cluster, isConnected);
  }

  order(order: FleetCommand): Refused['refused'] | undefined {
    const done = orderFleet(this.state, this.facts, order, this.now);
    this.#touched = undefined;
    if ('refused' in done) return done.refused;
    this.state = done.state;
    this.#note(done.events);
    return undefined;
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
      this.touch(placement);
    }
    for (const { placement, cluster } of effects.published) this.agents.deliver(placement, cluster);
    const moved = new Set([...effects.published.map(({ placement }) => placement)]);
    for (const placement of moved) this.#count(placement);
  }

  #nextWake(): number {
    if (!this.counting) return Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (const at of this.#wakes.values()) if (at < least) least = at;
    return least;
  }

  touch(placement: string): void {
    this.#touched?.add(placement);
  }

  entry(cluster: string): ClusterFacts | undefined {
    this.#entries ??= new Map(this.#snapshot.clusters.map((entry) => [entry.name, entry]));
    return this.#entries.get(cluster);
  }

  ordered(placement: string, cluster: string): Run | undefined {
    return this.state.lines[placement]?.targets[cluster]?.run;
  }

  #note(events: readonly FleetEvent[]): void {
    for (const event of events) this.events.push({ ...event, at: this.now });
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
