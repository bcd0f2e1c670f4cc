import type { Logger } from 'pino';
import { Bell } from '#process/wait.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { Branch } from './branch.ts';
import type { Bus } from './bus/bus.ts';
import type { Intervals } from './config.ts';
import { isHeld } from './core/accept.ts';
import { backoff } from './core/backoff.ts';
import { whyStopped } from './core/entry.ts';
import { type Dependent, waitsFor } from './core/order.ts';
import { ordersOf } from './core/orders.ts';
import type { StatusContent } from './core/status.ts';
import { jittered } from './core/waits.ts';
import type { Desk } from './desk.ts';
import { Neighbours } from './neighbours.ts';
import { Placement } from './placement.ts';
import type { PlacementParts, Surroundings, Terms } from './placement-ports.ts';
import type { Publisher } from './publisher.ts';
import type { PlacementRecord } from './state/records.ts';
import type { StatusMap } from './state/status-map.ts';

export type ReconcilerParts = Omit<PlacementParts, 'surroundings' | 'retry'> & {
  cluster: string;
  branch: Branch;
  desk: Desk;
  bus: Pick<Bus, 'echoed' | 'event' | 'hello' | 'lastSeq'>;
  publisher: Publisher;
  statusMap: StatusMap;
  intervals: Intervals;
  log: Logger;
};

type Member = { placement: Placement; running: Promise<void>; done: boolean; ready: boolean };

/**
 * The loop of one cluster: judge what is desired → look at the branch → read what is in force at once → give every placement its
 * order. Each placement then goes its own way (`Placement`); nothing here waits for one.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #bell = new Bell();
  readonly #members = new Map<string, Member>();
  #fault: Fault | undefined;
  #lookAt = 0;
  readonly #neighbours = new Neighbours();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Cluster-wide faults, for heartbeats. */
  get faults(): Fault[] {
    const { faults } = this.#parts.desk;
    const repeated = faults.some(({ message }) => message === this.#fault?.message);
    return this.#fault && !repeated ? [this.#fault, ...faults] : faults;
  }

  placement(name: string): Placement | undefined {
    return this.#members.get(name)?.placement;
  }

  /** Something has arrived that the loop should see. */
  wake(): void {
    this.#bell.ring();
  }

  /** Looks at the branch now. */
  look(): void {
    this.#lookAt = 0;
    this.#bell.ring();
  }

  /** Looks at the branch and at everything anew, now. */
  checkAll(): void {
    this.look();
    for (const { placement } of this.#members.values()) placement.wake();
  }

  /** The engine's view of a placement has changed. */
  engineChanged(name: string): void {
    const member = this.#members.get(name);
    if (!member) return;
    this.#parts.publisher.changed(name);
    const { target, removal } = member.placement.record;
    if (target || removal) member.placement.wake();
  }

  /** Starts with what was kept from an earlier run and goes on until the signal is aborted. */
  async run(records: readonly PlacementRecord[], signal: AbortSignal): Promise<void> {
    const { intervals, log } = this.#parts;
    for (const record of records) this.#start(record.placement, record, signal);
    let failures = 0;
    this.#giveOrders(signal);
    while (!signal.aborted) {
      let wait: number;
      try {
        await this.#round(signal);
        failures = 0;
        this.#fault = undefined;
        wait = this.#untilLook();
      } catch (error) {
        if (signal.aborted) break;
        failures++;
        this.#tell(error);
        wait = backoff({ first: intervals.retryMs, most: intervals.retryMostMs }, failures, Math.random());
      }
      this.#giveOrders(signal);
      await this.#bell.wait(Math.min(wait, this.#untilHoldEnds()), signal);
    }
    await Promise.all([...this.#members.values()].map(({ running }) => running));
    log.debug('reconciling has ended');
  }

  /** What is wrong with a document that waits does not keep the agent from looking at the branch. */
  async #round(signal: AbortSignal): Promise<void> {
    const { desk, branch, intervals } = this.#parts;
    const undecided = await desk.decide(signal).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    signal.throwIfAborted();
    if (Date.now() >= this.#lookAt) {
      await branch.look(signal);
      this.#lookAt = Date.now() + jittered(intervals.tipMs, 0.2, Math.random());
    }
    await desk.refresh([...this.#orders().keys()], signal);
    if (undecided) throw undecided.error;
  }

  #orders() {
    const present = [...this.#members].filter(([, { done }]) => !done).map(([name]) => name);
    return ordersOf(this.#parts.desk.inForce, present);
  }

  #giveOrders(signal: AbortSignal): void {
    const { desk, publisher, statusMap, cluster, branch } = this.#parts;
    const orders = this.#orders();
    for (const [name, { done }] of this.#members) {
      const order = orders.get(name);
      // What is gone is forgotten when the hub no longer asks for it, and begins anew when it comes back.
      if (!done || order?.type === 'removed') continue;
      this.#members.delete(name);
      this.#notePreparing(name);
      publisher.forget(name);
    }
    for (const [name, order] of orders) {
      const { placement, done } = this.#members.get(name) ?? this.#start(name, undefined, signal);
      if (done) continue;
      placement.setTerms(this.#termsOf(name));
      placement.give(order);
      this.#notePreparing(name);
    }
    const { epoch, head } = desk.inForce ?? {};
    statusMap.set('agent', { cluster, epoch, head, tip: branch.tip, error: this.faults[0]?.message });
  }

  #termsOf(name: string): Terms {
    const { desk, cluster } = this.#parts;
    const { entry, policies, approvals } = desk.atOnce;
    const suspended = whyStopped(entry, cluster);
    const held = isHeld(desk.inForce, name, Date.now());
    return {
      policy: policies.get(name),
      approvals: approvals.get(name) ?? [],
      stopped:
        suspended !== undefined
          ? { state: 'SUSPENDED', reason: suspended }
          : held
            ? { state: 'HELD', reason: `held by the hub until ${desk.inForce?.hold?.until}` }
            : undefined,
      observe: entry.state === 'present' && entry.observe,
    };
  }

  #start(name: string, record: PlacementRecord | undefined, signal: AbortSignal): Member {
    const { intervals, ...parts } = this.#parts;
    const placement = new Placement(name, record, {
      ...parts,
      retry: { first: intervals.retryMs, most: intervals.retryMostMs },
      surroundings: this.#surroundings(name),
    });
    const member: Member = { placement, running: Promise.resolve(), done: false, ready: false };
    this.#members.set(name, member);
    placement.setTerms(this.#termsOf(name));
    member.running = placement.run(signal).then(() => {
      member.done = placement.view.removed;
      this.#notePreparing(name);
      this.#bell.ring();
    });
    return member;
  }

  #surroundings(name: string): Surroundings {
    const { bus, publisher } = this.#parts;
    return {
      changed: () => {
        publisher.changed(name);
        this.#notePreparing(name);
      },
      echoed: (placement, attempt, signal) => {
        publisher.build(placement);
        return bus.echoed(placement, attempt, signal);
      },
      waitsFor: (placement) => this.#waitsFor(placement),
      othersIntend: (placement, signal) => this.#othersIntend(placement, signal),
      lastSeq: () => bus.lastSeq,
      event: (type, revision, message) => bus.event({ type, placement: name, revision, message }),
    };
  }

  /** Nobody who has something in the cluster takes an object away that a neighbour is about to want. */
  async #othersIntend(name: string, signal: AbortSignal): Promise<void> {
    const { applied, target, removal } = this.#members.get(name)?.placement.record ?? {};
    if (applied || target || removal) await this.#neighbours.known(name, signal);
  }

  /** Looked at whenever something changes about a placement. */
  #notePreparing(name: string): void {
    this.#neighbours.note(name, this.#members.get(name)?.placement.isPreparing === true);
  }

  /** A status was built: whoever waits for this placement may start when it has become ready. */
  statusBuilt(name: string, { sync, health }: StatusContent): void {
    const member = this.#members.get(name);
    if (!member) return;
    const before = member.ready;
    member.ready = member.placement.view.current && sync.state === 'SYNCED' && health.state === 'CURRENT';
    if (before || !member.ready) return;
    for (const { placement } of this.#members.values()) if (placement.isWaiting) placement.wake();
  }

  #waitsFor(placement: string): string[] {
    const dependsOn = this.#parts.desk.atOnce.policies.get(placement)?.dependsOn ?? [];
    return dependsOn.length === 0 ? [] : waitsFor(placement, this.#dependents());
  }

  #dependents(): Map<string, Dependent> {
    const { policies } = this.#parts.desk.atOnce;
    return new Map(
      [...this.#members].map(([name, { ready }]) => [
        name,
        { dependsOn: policies.get(name)?.dependsOn ?? [], ready },
      ]),
    );
  }

  #untilLook(): number {
    return Math.max(0, this.#lookAt - Date.now());
  }

  #untilHoldEnds(): number {
    const until = this.#parts.desk.inForce?.hold?.until;
    const left = until === undefined ? 0 : Date.parse(until) - Date.now();
    return left > 0 ? left : Number.POSITIVE_INFINITY;
  }

  #tell(error: unknown): void {
    const before = this.#fault?.message;
    this.#fault = toFault(error);
    if (before === this.#fault.message) return;
    const detail = error instanceof FlotillaError ? {} : { err: error };
    this.#parts.log.warn({ code: this.#fault.code, ...detail }, this.#fault.message);
  }
}
