import type { Logger } from 'pino';
import type { Mark } from '#process/markers.ts';
import { pause, together } from '#process/wait.ts';
import type { Fault } from '#proto/faults.ts';
import { toFault } from '#proto/faults.ts';
import type { NodeCache } from '#render/closure.ts';
import { Branch } from './branch.ts';
import type { Bus } from './bus/bus.ts';
import type { AgentConfig } from './config.ts';
import type { StatusContent } from './core/status.ts';
import { jittered } from './core/waits.ts';
import { FleetReader } from './derive/fleet-reader.ts';
import { Desk } from './desk.ts';
import { ClusterEngine } from './engine/cluster-engine.ts';
import { GitSource } from './git-source.ts';
import type { KubeClient } from './kube/client.ts';
import { Publisher } from './publisher.ts';
import { Reconciler } from './reconcile.ts';
import type { Renderers } from './renderers.ts';
import type { FleetRepository } from './repository.ts';
import type { OwnObjects } from './state/api.ts';
import { ConfigMapInventoryStore } from './state/inventories.ts';
import { StatusMap } from './state/status-map.ts';
import { type LoadedState, StateStore } from './state/store.ts';
import { refuseOutside } from './tenancy.ts';

export type SessionParts = {
  config: AgentConfig;
  publicKey: string;
  kube: KubeClient;
  own: OwnObjects;
  fleet: FleetRepository;
  renderers: Renderers;
  cache: NodeCache;
  bus: Bus;
  mark: Mark;
  log: Logger;
};

/** Patience with the last write, ms. */
const FAREWELL_MS = 1_000;

/** The time in which this process is the one writer: from the Lease being taken to its end. */
export class Session {
  readonly #parts: SessionParts;
  readonly #engine: ClusterEngine;
  readonly #reconciler: Reconciler;
  readonly #desk: Desk;
  readonly #publisher: Publisher;
  readonly #statusMap: StatusMap;
  readonly #store: StateStore;
  readonly #loaded: LoadedState;

  /** Reads what earlier runs left in the cluster. @throws KubeError */
  static async open(parts: SessionParts, signal: AbortSignal): Promise<Session> {
    const store = new StateStore(parts.own, parts.log);
    return new Session(parts, store, await store.load(signal));
  }

  private constructor(parts: SessionParts, store: StateStore, loaded: LoadedState) {
    const { config, kube, own, fleet, renderers, cache, bus, mark, log, publicKey } = parts;
    this.#parts = parts;
    this.#store = store;
    this.#loaded = loaded;
    const branch = new Branch({
      remote: fleet.remote,
      repository: fleet.repository,
      branch: config.branch,
      acceptedRewrite: config.acceptedRewrite,
      lastTip: loaded.accepted.tip,
    });
    const { cluster, intervals } = config;
    const reader = new FleetReader(fleet.objects);
    this.#desk = new Desk({
      cluster,
      publicKey,
      pinnedKeys: config.hubKeys,
      branch,
      reader,
      store,
      mark,
      log,
    });
    this.#desk.resume(loaded.accepted, loaded.placements);
    this.#statusMap = new StatusMap(own, log);
    this.#publisher = new Publisher(bus, this.#observed(), this.#statusMap);
    this.#engine = new ClusterEngine({
      kube,
      store: new ConfigMapInventoryStore(own),
      ownNamespace: config.namespace,
      listener: {
        changed: (placement) => this.#reconciler.engineChanged(placement),
        event: (event) => this.#publisher.engineEvent(event),
      },
      marker: mark,
      retry: { first: intervals.retryMs, most: intervals.retryMostMs },
    });
    this.#reconciler = new Reconciler({
      cluster,
      branch,
      desk: this.#desk,
      bus,
      publisher: this.#publisher,
      statusMap: this.#statusMap,
      intervals,
      log,
      engine: this.#engine,
      source: new GitSource({
        cluster,
        branch,
        objects: fleet.objects,
        reader,
        cache,
        renderers,
        notBefore: () => this.#desk.atOnce.notBefore,
        mark,
      }),
      guard: (placement, objects, allow, signal) => refuseOutside(kube, placement, objects, allow, signal),
      store,
      mark,
    });
    bus.startAbove(Math.max(0, ...loaded.placements.map(({ seq }) => seq)));
  }

  get epoch(): number {
    return this.#desk.inForce?.epoch ?? 0;
  }

  get head(): string | undefined {
    return this.#desk.inForce?.head;
  }

  get faults(): Fault[] {
    return [...this.#reconciler.faults, ...this.#engine.troubles().map(toFault)];
  }

  /** A desired document has arrived. That the hub speaks to a cluster says that Git may know it again. Never throws. */
  receive(envelope: string): void {
    const verdict = this.#desk.receive(envelope);
    if (verdict === 'ignored') return;
    if (this.#desk.isDisowned) this.#reconciler.look();
    else if (verdict === 'new') this.#reconciler.wake();
  }

  /** The hub asks for everything to be checked anew. */
  resync(): void {
    this.#engine.pass();
    this.#reconciler.checkAll();
  }

  /** Goes on until the signal is aborted, and ends in order. */
  async run(signal: AbortSignal): Promise<void> {
    const { placements } = this.#loaded;
    try {
      await together(
        [
          (during) => this.#reconciler.run(placements, during),
          (during) => this.#statusMap.run(during),
          (during) => this.#passes(during),
          (during) => this.#sweep(during),
        ],
        signal,
      );
    } finally {
      this.#publisher.close();
      await Promise.all([this.#lastInventories(), this.#lastStatus(), this.#lastState()]);
      await this.#engine.close();
    }
  }

  /** What people with kubectl see of an agent that has ended is the last that it knew. */
  async #lastStatus(): Promise<void> {
    try {
      await this.#statusMap.write(AbortSignal.timeout(FAREWELL_MS));
    } catch (error) {
      this.#parts.log.warn(`the last status was not written: ${(error as Error).message}`);
    }
  }

  async #lastInventories(): Promise<void> {
    try {
      await this.#engine.flushAll(AbortSignal.timeout(FAREWELL_MS));
    } catch (error) {
      this.#parts.log.warn(`the last inventories were not written: ${(error as Error).message}`);
    }
  }

  /** What is not saved any more costs a comparison after a restart. */
  async #lastState(): Promise<void> {
    try {
      await this.#store.flush(AbortSignal.timeout(FAREWELL_MS));
    } catch (error) {
      this.#parts.log.warn(`the last state was not saved: ${(error as Error).message}`);
    }
  }

  async #passes(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(jittered(this.#parts.config.intervals.fullPassMs, 0.2, Math.random()), signal);
      if (!signal.aborted) this.#engine.pass();
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    try {
      await this.#store.sweep(this.#loaded.placements, signal);
    } catch (error) {
      if (!signal.aborted) this.#parts.log.warn(`chunks were not swept: ${(error as Error).message}`);
    }
  }

  #observed() {
    return {
      view: (placement: string) => this.#reconciler.placement(placement)?.view,
      snapshot: (placement: string) => this.#engine.snapshot(placement),
      epoch: () => this.epoch,
      built: (placement: string, content: StatusContent) => this.#reconciler.statusBuilt(placement, content),
    };
  }
}
