import type { Commit } from '#git/objects.ts';
import type { AgentEvent, Heartbeat, Hello, Status as Report } from '#proto/messages.ts';
import type { Labels } from '#proto/selector.ts';
import type { FleetEvent } from '#rollouts/advance.ts';
import type { FleetFacts } from '#rollouts/facts.ts';
import type { AppliedCounts } from './audit-entry.ts';
import type { AuditRow } from './audit-reader.ts';
import {
  assignmentKey,
  type EffectivePlacement,
  EMPTY_STATE,
  type FleetView,
  type HubState,
  type IndexedAssignment,
  type IndexSnapshot,
  type Reachability,
} from './types.ts';
import { type AgentRecord, Agents } from './view/agents.ts';
import { type ApprovalRow, problemOfApproval } from './view/approvals.ts';
import type { AssignmentRow } from './view/assignment.ts';
import type { ChangeListener, Changes } from './view/changes.ts';
import type { ClusterRow } from './view/cluster.ts';
import { Commits } from './view/commits.ts';
import { connectivityOf, DEFAULT_PATIENCE, type Patience, stateOf } from './view/connectivity.ts';
import { changedClusters } from './view/decided.ts';
import { Departing } from './view/departing.ts';
import { EventRing } from './view/events.ts';
import type { Lag } from './view/lag.ts';
import { Outages } from './view/outages.ts';
import { fromIndex, type ProblemRow } from './view/problems.ts';
import type { BannerRow } from './view/rollouts/banners.ts';
import { RolloutBook } from './view/rollouts/book.ts';
import type { ChangeRow } from './view/rollouts/change.ts';
import { recollect } from './view/rollouts/recollect.ts';
import { type Dirty, Rows } from './view/rows.ts';

export type ViewOptions = {
  /** When this hub began to listen, Unix milliseconds. */
  readonly startedAt: number;
  readonly patience?: Patience;
  readonly mostEvents?: number;
  /** Agents without an entry in the index that are kept aside. */
  readonly mostStrangers?: number;
};

/** What was received longer ago than this was stored meanwhile: it tells what was, not that its agent is alive. */
const FRESH_MS = 5_000;

/**
 * The read model: everything the API answers from, in memory, derived anew per cluster when something of it changes. No I/O and no
 * clock: `tick` says what time it is. Bounded: events, agents without an entry, reports per agent.
 */
export class ReadModel implements FleetView {
  readonly startedAt: number;
  /** How versions travel. */
  readonly rollouts = new RolloutBook();
  readonly #patience: Patience;
  readonly #agents: Agents;
  readonly #events: EventRing;
  readonly #departing = new Departing();
  readonly #commits = new Commits();
  readonly #outages = new Outages();
  readonly #rows = new Rows();
  #index: IndexSnapshot | undefined;
  #state: HubState = EMPTY_STATE;
  #leader: string | undefined;
  #now: number;
  #clock = 0;

  constructor({ startedAt, patience = DEFAULT_PATIENCE, mostEvents = 2_000, mostStrangers }: ViewOptions) {
    this.startedAt = startedAt;
    this.#now = startedAt;
    this.#patience = patience;
    this.#events = new EventRing(mostEvents);
    this.#agents = new Agents(mostStrangers === undefined ? {} : { mostStrangers });
  }

  // ---- fed by the hub

  setIndex(snapshot: IndexSnapshot): void {
    const before = this.#index;
    const changed = before && snapshot.assignments.changedSince(before.assignments);
    const wereDeparting = !this.#departing.isEmpty;
    this.#index = snapshot;
    this.#departing.setIndex(snapshot, this.#now);
    this.#commits.setIndex(snapshot);
    this.#agents.setKnown((name) => snapshot.clusters.has(name));
    this.setGit(snapshot.git);
    this.#rows.keepOnly((name) => snapshot.clusters.has(name));
    const all = !changed || wereDeparting || !this.#departing.isEmpty;
    for (const [name, entry] of snapshot.clusters) {
      if (all) this.#derive(name);
      else if (changed.has(name) || this.#rows.get(name)?.entry !== entry)
        this.#derive(name, { was: before });
    }
  }

  setGit(git: Reachability): void {
    this.#outages.setGit(git, this.#now);
  }

  setState(state: HubState, facts: FleetFacts | undefined): void {
    const touched = changedClusters(this.#state, state);
    this.#state = state;
    this.#departing.setState(state, this.#now);
    this.rollouts.set(state.fleet, facts, this.#now);
    for (const [cluster, placement] of touched) this.#derive(cluster, { placement });
  }

  onFleetEvents(events: readonly FleetEvent[], at: number): void {
    this.rollouts.tell(events.map((event) => ({ ...event, at })));
  }

  get toldAt(): number {
    return this.rollouts.toldAt;
  }

  recollect(rows: readonly AuditRow[]): void {
    this.rollouts.tell(rows.flatMap((row) => recollect(row)));
  }

  setBus(bus: Reachability): void {
    // Agents that were in contact get their full patience anew: it was the hub that was away.
    if (bus.ok && !this.bus.ok) {
      for (const [, record] of this.#agents.entries()) {
        if (record.heard?.live && record.connectivity === 'CONNECTED') {
          record.heard = { ...record.heard, clock: this.#clock };
        }
      }
    }
    this.#outages.setBus(bus, this.#now);
  }

  setStore(store: Reachability): void {
    this.#outages.setStore(store, this.#now);
  }

  setLeader(name: string | undefined): void {
    this.#leader = name;
  }

  onStatus(status: Report, receivedAt: number): void {
    const record = this.#hear(status.cluster, receivedAt);
    const isNew = this.#agents.keepReport(record, status, receivedAt);
    this.#derive(status.cluster, isNew && { placement: status.placement });
  }

  onHello(hello: Hello, receivedAt: number): void {
    const record = this.#hear(hello.cluster, receivedAt);
    this.#derive(hello.cluster, this.#agents.keepHello(record, hello));
  }

  onHeartbeat(heartbeat: Heartbeat, receivedAt: number): void {
    const record = this.#hear(heartbeat.cluster, receivedAt);
    this.#agents.keepFaults(record, heartbeat, receivedAt);
    this.#derive(heartbeat.cluster, false);
  }

  onEvent(event: AgentEvent, receivedAt: number): void {
    this.#hear(event.cluster, receivedAt);
    this.#events.add(event);
    this.#derive(event.cluster, false);
  }

  tick(now: number): void {
    this.rollouts.tick(now);
    if (this.bus.ok) this.#clock += Math.max(0, now - this.#now);
    this.#now = Math.max(this.#now, now);
    for (const [name, { heard, connectivity }] of this.#agents.entries())
      if (heard && stateOf(heard, this.#clock, this.#patience) !== connectivity) this.#derive(name, false);
  }

  // ---- read by the API

  get now(): number {
    return this.#now;
  }
  get index(): IndexSnapshot | undefined {
    return this.#index;
  }
  get state(): HubState {
    return this.#state;
  }
  get git(): Reachability {
    return this.#outages.git;
  }
  get bus(): Reachability {
    return this.#outages.bus;
  }
  get changes(): Changes {
    return this.#rows.changes;
  }
  /** Agents that speak without an entry in the index. */
  get strangers(): number {
    return this.#agents.strangers;
  }

  clusters(): ClusterRow[] {
    return this.#rows.all();
  }

  cluster(name: string): ClusterRow | undefined {
    return this.#rows.get(name);
  }

  labelsOf(cluster: string): Labels {
    return this.#rows.labelsOf(cluster);
  }

  /** Label keys that the Fleet allows or a cluster has, sorted. */
  labelKeys(): string[] {
    const keys = new Set(Object.keys(this.#index?.fleet?.document.spec.labels ?? {}));
    for (const { labels } of this.#rows.all()) for (const key of Object.keys(labels)) keys.add(key);
    return [...keys].sort();
  }

  /** When the hub last heard of a cluster, Unix milliseconds: everything shown of it is as of then. */
  observedAt(cluster: string): number | undefined {
    return this.#agents.get(cluster)?.heard?.at;
  }

  assignments(): AssignmentRow[] {
    return this.clusters().flatMap(({ assignments }) => assignments);
  }

  /** What an agent counted in an attempt, if it has told of no other since. */
  countsOf(placement: string, cluster: string, attempt: number): AppliedCounts | undefined {
    const { report } = this.assignment(cluster, placement) ?? {};
    if (report?.attempt !== attempt) return undefined;
    const { created, configured, pruned, failed } = report.counts;
    return { created, configured, pruned, failed };
  }

  assignment(cluster: string, placement: string): AssignmentRow | undefined {
    return this.#rows.assignment(cluster, placement);
  }

  /** Placements in force, and those that are gone while something of them runs on. */
  placements(): EffectivePlacement[] {
    return [...(this.#index?.placements.values() ?? []), ...this.#departing.placements()];
  }

  placement(name: string): EffectivePlacement | undefined {
    return this.#index?.placements.get(name) ?? this.#departing.placement(name);
  }

  /** Deletions that wait for an approval. */
  approvals(): ApprovalRow[] {
    return this.#departing.approvals(this.#now);
  }

  /** What is not as Git says, and the trouble that everybody should know of. */
  banners(): BannerRow[] {
    return [...this.#outages.banners(), ...this.rollouts.banners()];
  }

  /** The hub that decides; undefined while none is known to. */
  get leader(): string | undefined {
    return this.#leader;
  }

  /** The short name of a commit, unique among those that are known. */
  aliasOf(revision: string): string {
    return this.#commits.aliasOf(revision);
  }

  /** Every commit that began a rollout that is known, with all its rollouts. */
  commitChanges(): ChangeRow[] {
    return this.rollouts.changes((revision) => this.aliasOf(revision));
  }

  change(revision: string): ChangeRow | undefined {
    return this.rollouts.changes((oid) => this.aliasOf(oid), revision)[0];
  }

  lag(assignment: AssignmentRow): Lag | undefined {
    const wanted = this.indexed(assignment)?.version ?? assignment.desired;
    return this.#commits.lag(assignment, wanted?.digest, this.#now);
  }

  /** What Git says of it; undefined where Git no longer has it. */
  indexed({ cluster, placement }: AssignmentRow): IndexedAssignment | undefined {
    return this.#index?.assignments.get(assignmentKey(cluster, placement));
  }

  /** Commits of the branch since a revision; undefined where the history that is kept does not reach back. */
  ageOf(revision: string): number | undefined {
    return this.#commits.ageOf(revision);
  }

  problems(): ProblemRow[] {
    const reported = [...this.#agents.entries()]
      .filter(([cluster]) => this.#rows.get(cluster) !== undefined)
      .flatMap(([, { problems, reports }]) => [
        ...problems,
        ...[...reports.values()].flatMap(({ report, problems }) => (report.removed ? [] : problems)),
      ]);
    const held = this.approvals().map(problemOfApproval);
    const indexed = (this.#index?.problems ?? []).map(fromIndex);
    const all = [...this.#outages.problems, ...held, ...indexed, ...reported];
    return [...new Map(all.map((problem) => [problem.id, problem])).values()];
  }

  events(): EventRing {
    return this.#events;
  }

  /** A commit by its whole id, a unique beginning of at least four digits, `HEAD` or the name of the branch. */
  commit(rev: string): Commit | undefined {
    return this.#commits.find(rev);
  }

  /** Why the hub cannot do its work, in words; empty when it can. */
  unready(): string[] {
    return this.#outages.unready(this.#index !== undefined);
  }

  onChange(listener: ChangeListener): () => void {
    return this.#rows.changes.listen(listener);
  }

  // ---- deriving

  #hear(cluster: string, receivedAt: number): AgentRecord {
    const live = receivedAt >= this.startedAt && receivedAt >= this.#now - FRESH_MS;
    return this.#agents.hear(cluster, receivedAt, this.#clock, live);
  }

  /** Makes the row of a cluster anew where its inputs changed (`dirty`) or its connectivity did. */
  #derive(name: string, dirty: Dirty | boolean = true): void {
    const entry = this.#index?.clusters.get(name);
    const agent = this.#agents.get(name);
    const enrolledAt = (entry?.enrolledBy.committer.at ?? 0) * 1_000;
    const connectivity = connectivityOf(agent?.heard, this.#clock, this.#patience, enrolledAt);
    const moved = agent !== undefined && agent.connectivity !== connectivity.state;
    if (agent) agent.connectivity = connectivity.state;
    if (!entry || !(dirty || moved)) return;
    const sources = {
      index: this.#index!,
      state: this.#state,
      departing: this.#departing,
      entry,
      agent,
      connectivity,
    };
    this.#rows.derive(name, sources, moved || typeof dirty === 'boolean' ? {} : dirty);
  }
}
