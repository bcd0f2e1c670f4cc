import type { Fault } from '#proto/faults.ts';
import type { AgentEvent, Heartbeat, Hello, Status } from '#proto/messages.ts';
import { up } from '#proto/subjects.ts';
import { Intake, type IntakeTarget, type Refusal } from './bus/intake.ts';
import { Liveness } from './core/liveness.ts';
import { MOST_UNNAMED, StatusBook } from './core/status-book.ts';
import { StatusPool } from './core/status-pool.ts';
import type { FleetView, HubFacts, IndexSnapshot, Only } from './core/types.ts';

export type InboxOptions = {
  view: FleetView;
  /** Between two heartbeats of an agent, milliseconds. */
  heartbeatMs: number;
  /** Something happened that decisions depend on. */
  onChange: () => void;
  /** The agent lacks nothing that a status request would not bring. */
  askStatus: (cluster: string) => void;
  warn: (message: string) => void;
};

const MISSED = 3;
const JITTER = 1.2;
const ASK_AGAIN_MS = 10_000;
const MOST_REFUSALS = 10_000;
const MOST_SURPLUS = 1_000;

/** What the hub has heard: facts for decisions, and everything for the read model. */
export class Inbox implements IntakeTarget {
  readonly #options: InboxOptions;
  readonly #intake = new Intake(this);
  readonly #book = new StatusBook((placement) => this.#names(placement));
  readonly #pool = new StatusPool();
  readonly #liveness: Liveness;
  readonly #heard = new Map<string, number>();
  readonly #greeted = new Set<string>();
  readonly #surplus = new Set<string>();
  readonly #askedAt = new Map<string, number>();
  /** Cluster → hash of its status set, as it told last. */
  readonly #hashes = new Map<string, string>();
  readonly #refusals = new Map<string, number>();
  /** Clusters of which statuses were refused since all that they report was known. */
  readonly #overfull = new Set<string>();
  #index: IndexSnapshot | undefined;
  #changes: { placements: Set<string> | 'all'; clusters: Set<string> } | undefined;
  #live = true;

  constructor(options: InboxOptions) {
    this.#options = options;
    const patienceMs = MISSED * JITTER * options.heartbeatMs;
    this.#liveness = new Liveness({ patienceMs, settleMs: patienceMs });
  }

  /** `connected` is whether the hub can hear anybody. */
  facts(connected: boolean): Pick<HubFacts, 'heard' | 'reports' | 'unreachable' | 'counting' | 'isWhole'> {
    const { unreachable, settled } = this.#liveness;
    return {
      heard: this.#heard,
      reports: this.#book.reports,
      unreachable,
      counting: connected && settled,
      isWhole: (cluster) => this.#isWhole(cluster),
    };
  }

  #isWhole(cluster: string): boolean {
    const told = this.#hashes.get(cluster);
    return told !== undefined && !this.#intake.isBehind(cluster) && this.#book.hashOf(cluster) === told;
  }

  #names(placement: string): boolean {
    const { placements, retired, unreadable } = this.#index ?? {};
    return Boolean(
      placements?.has(placement) || retired?.has(placement) || unreadable?.placements.has(placement),
    );
  }

  /** What the hub itself has to say of an agent. */
  #faultsOf(cluster: string): Fault[] {
    if (!this.#overfull.has(cluster)) return [];
    const message = `cluster ${cluster} reports more placements than the hub takes in: ${MOST_UNNAMED} besides those that Git names; should the hub lose its state, it publishes nothing to it`;
    return [{ code: 'status-too-many', message }];
  }

  /** What has changed since the last call; undefined where that is not known. */
  takeChanges(): Only | undefined {
    const changes = this.#changes;
    this.#changes = { placements: new Set(), clusters: new Set() };
    return changes;
  }

  /** Goes on from what an earlier hub knew: who was unreachable is until it is heard. */
  remember(unreachable: Iterable<string>): void {
    this.#liveness.remember(unreachable);
    this.#changes = undefined;
  }

  /** Clusters that said hello and want their document; the caller removes those it has answered. */
  get greeted(): Set<string> {
    return this.#greeted;
  }

  /** Subjects of stored statuses that no cluster has room for; the caller removes those it has dealt with. */
  get surplus(): Set<string> {
    return this.#surplus;
  }

  /** How often a message was refused, by cluster and reason. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  setIndex(index: IndexSnapshot): void {
    this.#index = index;
    const { unreachable } = this.#liveness;
    for (const cluster of [...this.#heard.keys(), ...this.#book.clusters(), ...unreachable]) {
      if (!this.knows(cluster)) this.#forget(cluster);
    }
  }

  receive(subject: string, data: Uint8Array, now: number): void {
    this.#intake.receive(subject, data, now);
  }

  /** A status that was stored: it tells what was, not that its agent is alive. */
  replay(subject: string, data: Uint8Array, storedAt: number): void {
    this.#live = false;
    try {
      this.#intake.replay(subject, data, storedAt);
    } finally {
      this.#live = true;
    }
  }

  /** Time passes; `connected` is whether the hub could hear anybody. */
  tick(now: number, connected: boolean): void {
    this.#intake.drain(now);
    if (!this.#liveness.tick(now, connected, this.#index?.clusters.keys() ?? [])) return;
    this.#concernAll();
    this.#options.onChange();
  }

  /** Who is reachable: every line looks at that. */
  #concernAll(): void {
    if (this.#changes) this.#changes.placements = 'all';
  }

  #concern(placement: string): void {
    const changes = this.#changes;
    if (changes && changes.placements !== 'all') changes.placements.add(placement);
  }

  /** Until there is an index everybody is believed, or what is stored could not be read before it. */
  knows(cluster: string): boolean {
    return !this.#index || this.#index.clusters.has(cluster) || this.#index.unreadable.clusters.has(cluster);
  }

  onStatus(given: Status, receivedAt: number): void {
    const { cluster, placement } = given;
    if (this.#live) this.#hear(cluster, given.epoch);
    if (!this.#book.admits(cluster, placement)) {
      this.onRefused(cluster, 'too-many', `placement ${placement}`);
      this.#overfull.add(cluster);
      const subject = up.status(cluster, placement);
      if (this.#surplus.size < MOST_SURPLUS) this.#surplus.add(subject);
      // Nothing else may happen for long: the surplus alone is a reason to go to work.
      this.#options.onChange();
      return;
    }
    const status = this.#pool.compact(given);
    if (!this.#book.take(status)) return;
    this.#concern(placement);
    this.#options.view.onStatus(status, receivedAt);
    this.#options.onChange();
  }

  onHello(hello: Hello, receivedAt: number): void {
    this.#hear(hello.cluster, hello.epoch);
    this.#greeted.add(hello.cluster);
    this.#options.view.onHello(hello, receivedAt);
    this.#compare(hello.cluster, hello.statusHash, receivedAt);
    this.#options.onChange();
  }

  onHeartbeat(heartbeat: Heartbeat, receivedAt: number): void {
    this.#hear(heartbeat.cluster, heartbeat.epoch);
    this.#compare(heartbeat.cluster, heartbeat.statusHash, receivedAt);
    const found = this.#faultsOf(heartbeat.cluster);
    const said = found.length > 0 ? { ...heartbeat, faults: [...heartbeat.faults, ...found] } : heartbeat;
    this.#options.view.onHeartbeat(said, receivedAt);
  }

  onEvent(event: AgentEvent, receivedAt: number): void {
    this.#options.view.onEvent(event, receivedAt);
  }

  onRefused(cluster: string, reason: Refusal, detail: string): void {
    const key = `${cluster} ${reason}`;
    const count = this.#refusals.get(key) ?? 0;
    if (count === 0 && this.#refusals.size >= MOST_REFUSALS) return;
    this.#refusals.set(key, count + 1);
    if (count === 0) this.#options.warn(`messages of cluster ${cluster} are refused (${reason}): ${detail}`);
  }

  #hear(cluster: string, epoch: number): void {
    const known = this.#heard.get(cluster);
    if (known === undefined || known < epoch) this.#heard.set(cluster, epoch);
    const back = this.#liveness.heard(cluster);
    if (back || known === undefined) this.#concernAll();
    else if (known >= epoch) return;
    this.#changes?.clusters.add(cluster);
    this.#options.onChange();
  }

  /** Where the agent has published what the hub does not have, it is asked to publish it again. */
  #compare(cluster: string, statusHash: string, now: number): void {
    if (this.#hashes.get(cluster) !== statusHash) {
      this.#hashes.set(cluster, statusHash);
      this.#changes?.clusters.add(cluster);
      this.#options.onChange();
    }
    if (this.#intake.isBehind(cluster)) return;
    if (this.#book.hashOf(cluster) === statusHash) {
      this.#overfull.delete(cluster);
      return;
    }
    if (now - (this.#askedAt.get(cluster) ?? 0) < ASK_AGAIN_MS) return;
    this.#askedAt.set(cluster, now);
    this.#options.askStatus(cluster);
  }

  #forget(cluster: string): void {
    this.#heard.delete(cluster);
    this.#greeted.delete(cluster);
    this.#askedAt.delete(cluster);
    this.#hashes.delete(cluster);
    this.#overfull.delete(cluster);
    this.#book.forget(cluster);
    this.#liveness.forget(cluster);
    this.#intake.forget(cluster);
  }
}
