import type { ClusterFacts, PlacementFacts, Report } from '../facts.ts';
import type { Had, Named } from '../recover.ts';
import type { Run } from '../state.ts';
import { versionsOf } from '../versions.ts';

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

/** What agents see of the world around them. */
export interface Surroundings {
  /** Unix milliseconds of the virtual clock. */
  readonly now: number;
  /** What Git says of each placement. */
  readonly snapshot: { readonly placements: ReadonlyMap<string, PlacementFacts> };
  /** A cluster's entry in Git. */
  entry(cluster: string): ClusterFacts | undefined;
  /** What the newest document orders. */
  ordered(placement: string, cluster: string): Run | undefined;
  at(time: number, act: () => void): void;
  /** Something new was said of a placement. */
  touch(placement: string): void;
}

type Agent = {
  attempt: number;
  report: Report;
  /** What it was last told, and what it has applied. */
  told?: Named | undefined;
  has?: Named | undefined;
};

/** Agents that do what they are told to. What an unreachable one has to say is heard when it is back. */
export class Agents {
  readonly #around: Surroundings;
  readonly #play: (start: Start) => Play;
  /** `cluster/placement` → what its agent would say now. */
  readonly #agents = new Map<string, Agent>();
  readonly #reports = new Map<string, Map<string, Report>>();
  readonly #unreachable = new Set<string>();
  /** Clusters whose agent was not heard since the hub lost its state: nothing is told to them. */
  readonly #unheard = new Set<string>();

  constructor(around: Surroundings, play: (start: Start) => Play) {
    this.#around = around;
    this.#play = play;
  }

  /** Placement → cluster → the newest report that was heard. */
  get reports(): ReadonlyMap<string, ReadonlyMap<string, Report>> {
    return this.#reports;
  }

  get unreachable(): ReadonlySet<string> {
    return this.#unreachable;
  }

  /** An agent that has long carried out what it was told. */
  settle(cluster: string, placement: string, { attempt, revision }: Run, digest: string): void {
    const report: Report = { attempt, digest, phase: 'current' };
    const has = { revision, digest };
    this.#agents.set(`${cluster}/${placement}`, { attempt, report, told: has, has });
    this.#reportsOf(placement).set(cluster, report);
  }

  /** What an agent would report of a placement; undefined where it has never heard of it. */
  had(cluster: string, placement: string): Had | undefined {
    const agent = this.#agents.get(`${cluster}/${placement}`);
    if (!agent) return undefined;
    const { attempt, report, told, has } = agent;
    return { attempt, phase: report.phase, ...(has && { applied: has }), ...(told && { attempted: told }) };
  }

  /** The hub has lost its state: nobody is told anything until it has been heard. */
  forget(): void {
    for (const key of this.#agents.keys()) this.#unheard.add(key.slice(0, key.indexOf('/')));
  }

  /** Clusters that can be heard for the first time since the hub lost its state. */
  get news(): string[] {
    return [...this.#unheard].filter((cluster) => !this.#unreachable.has(cluster));
  }

  heard(cluster: string): void {
    this.#unheard.delete(cluster);
    this.#deliverAll(cluster);
  }

  /** Lets a cluster fall silent, or come back and say what it has to. */
  connect(cluster: string, isConnected: boolean): void {
    if (!isConnected) {
      this.#unreachable.add(cluster);
      return;
    }
    this.#unreachable.delete(cluster);
    for (const placement of this.#around.snapshot.placements.keys()) {
      const agent = this.#agents.get(`${cluster}/${placement}`);
      if (agent) this.#reportsOf(placement).set(cluster, agent.report);
    }
    this.#deliverAll(cluster);
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
    this.#around.touch(placement);
  }

  /** What runs on a cluster stops being well, or is well again. */
  ail(cluster: string, isIll: boolean, message?: string): void {
    for (const placement of this.#around.snapshot.placements.keys()) {
      const phase = this.#agents.get(`${cluster}/${placement}`)?.report.phase;
      if (isIll && phase === 'current') this.say(cluster, placement, 'failed', message);
      if (!isIll && phase === 'failed') this.say(cluster, placement, 'current');
    }
  }

  /** The newest document reaches an agent that can be reached. */
  deliver(placement: string, cluster: string): void {
    const around = this.#around;
    const run = around.ordered(placement, cluster);
    if (!run || this.#unreachable.has(cluster) || this.#unheard.has(cluster)) return;
    const key = `${cluster}/${placement}`;
    if (this.#agents.get(key)?.attempt === run.attempt) return;
    const entry = around.entry(cluster);
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
    const start = { cluster: entry, placement, run, now: around.now };
    for (const { afterMs, phase, message } of this.#play(start)) {
      around.at(around.now + afterMs, () => {
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
    const versions = versionsOf(this.#around.snapshot.placements.get(placement)?.versions ?? []);
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
    this.#around.touch(placement);
  }

  #deliverAll(cluster: string): void {
    for (const placement of this.#around.snapshot.placements.keys()) this.deliver(placement, cluster);
  }

  #reportsOf(placement: string): Map<string, Report> {
    let reports = this.#reports.get(placement);
    if (!reports) {
      reports = new Map();
      this.#reports.set(placement, reports);
    }
    return reports;
  }
}
