import type { KubeObject } from '../core/object.ts';
import { Wants } from '../core/wants.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Resource } from '../kube/discovery.ts';
import type { WatchEvent } from '../kube/watch.ts';
import { actingFor } from './acting.ts';
import { applyRun } from './apply-run.ts';
import { FirstContact } from './contact.ts';
import type { Context } from './context.ts';
import { intend, recall } from './engage.ts';
import { inspect } from './inspect.ts';
import { InventoryBook } from './inventory-book.ts';
import { LazyWrites } from './lazy-writes.ts';
import { LiveIndex, metaOf } from './live.ts';
import { Looks } from './looks.ts';
import { observeEvent, takeNote } from './observe.ts';
import { findOrphans } from './orphans.ts';
import { PlacementState } from './placement-state.ts';
import { Lanes } from './pool.ts';
import type {
  ApplyResult,
  Assignment,
  Clock,
  InventoryStore,
  Listener,
  Marker,
  PlacementSnapshot,
  Policy,
} from './ports.ts';
import { finalise, flush, pruneStale } from './prune-run.ts';
import { Retries } from './retries.ts';
import { resultOf, snapshotOf } from './snapshot.ts';
import type { Tracked } from './tracked.ts';
import { Watches } from './watches.ts';
import { WorkQueue } from './work-queue.ts';

export type EngineOptions = {
  kube: KubeClient;
  store: InventoryStore;
  listener: Listener;
  /** Where the agent keeps its own objects. */
  ownNamespace: string;
  clock?: Clock;
  marker?: Marker;
  /** Back-off of applies that were not whole, ms. */
  retry?: { first: number; most: number };
};

/** Enough to find many objects of a kind in one list; requests are bounded by the client. */
const INSPECTIONS = 200;
const RETRY = { first: 2_000, most: 60_000 } as const;

/**
 * Brings the placements of one cluster to their desired objects and keeps watching over them. Placements do not wait for each other;
 * per placement one apply at a time, per object one write at a time. Everything ends with `close`.
 */
export class ClusterEngine {
  readonly #context: Context;
  readonly #end = new AbortController();
  readonly #applies = new Lanes();
  readonly #retries: Retries;
  readonly #lazily: LazyWrites;
  readonly #ownNamespace: string;

  constructor({
    kube,
    store,
    listener,
    ownNamespace,
    clock = SYSTEM_CLOCK,
    marker = () => undefined,
    retry = RETRY,
  }: EngineOptions) {
    const life = this.#end.signal;
    const tell = (resource: Resource, event: WatchEvent): void => this.#observe(resource, event);
    this.#ownNamespace = ownNamespace;
    this.#context = {
      kube,
      clock,
      listener,
      marker,
      life,
      index: new LiveIndex(),
      contact: new FirstContact(kube, life),
      looks: new Looks(kube, life),
      book: new InventoryBook(store),
      watches: new Watches(kube, tell, clock.random, life),
      inspections: new WorkQueue<Tracked>(
        (tracked) => inspect(this.#context, tracked),
        INSPECTIONS,
        clock,
        life,
      ),
      lanes: new Lanes(),
      placements: new Map(),
      wants: new Wants(),
      flushLater: (placement) => this.#lazily.ask(placement),
      againSoon: (placement) => {
        const state = this.#context.placements.get(placement);
        if (state) this.#retries.soon(state);
      },
      owners: new Map(),
    };
    this.#retries = new Retries({ again: (state) => this.#again(state), delays: retry, clock, life });
    this.#lazily = new LazyWrites({
      write: (placement, signal) => this.flush(placement, signal),
      lull: (signal) => kube.lull(signal),
      clock,
      life,
    });
  }

  /**
   * Takes down what a placement is to have, without writing. Done for every assignment of a document before the first `apply`, it lets
   * objects move between placements without being deleted and finds claims that contradict each other.
   * @throws FlotillaError as `apply`
   */
  async intend(assignment: Assignment, signal: AbortSignal): Promise<void> {
    const state = this.#state(assignment.placement);
    this.#govern(state, assignment.policy);
    await intend(this.#context, state, assignment, this.#limit(signal));
  }

  /**
   * Applies an assignment and enforces it from then on. Resolves when everything has been tried once; what failed is tried again by
   * itself, with back-off. Rejects when nothing was tried; then what was in force before stays so.
   * @throws FlotillaError object-conflict, render-empty, object-duplicate, inventory-unreadable; KubeError
   */
  async apply(assignment: Assignment, signal: AbortSignal): Promise<ApplyResult> {
    const state = this.#state(assignment.placement);
    state.retired = false;
    state.removed = false;
    state.assignment = assignment;
    state.failures = 0;
    this.setPolicy(assignment.placement, assignment.policy);
    const limit = this.#limit(signal);
    return this.#run(state, limit, () => applyRun(this.#context, state, assignment, limit));
  }

  /** What an assignment with `keepStale` left is pruned; the caller knows by now what the other placements want. */
  async prune(placement: string, signal: AbortSignal): Promise<ApplyResult> {
    const state = this.#state(placement);
    const { assignment } = state;
    if (!assignment) return resultOf(state);
    state.assignment = { ...assignment, keepStale: false };
    const limit = this.#limit(signal);
    return this.#run(state, limit, () => applyRun(this.#context, state, state.assignment!, limit));
  }

  /**
   * Deletes everything that the inventory of a placement names, and of `known` (objects that were applied as far as saved state says)
   * what still carries its label: an inventory that somebody deleted must not leave orphans behind. The caller has seen the order in
   * Git. `snapshot().removed` says when nothing is left; what is refused or held is tried again, as in `apply`.
   */
  async retire(
    placement: string,
    known: readonly KubeObject[],
    policy: Policy,
    signal: AbortSignal,
  ): Promise<ApplyResult> {
    const state = this.#state(placement);
    this.#govern(state, policy);
    state.retired = true;
    state.assignment = undefined;
    const limit = this.#limit(signal);
    return this.#run(state, limit, async () => {
      await recall(this.#context, placement, known, limit);
      await this.#retireRun(state, limit);
    });
  }

  /** What is decided at once, without a new revision: mode, ignore rules, hold. */
  setPolicy(placement: string, policy: Policy): void {
    const state = this.#state(placement);
    const before = state.policy;
    this.#govern(state, policy);
    if (JSON.stringify(policy) === JSON.stringify(before)) return;
    const wantsMore = policy.requireAddress !== before.requireAddress;
    for (const tracked of state.objects.values()) this.#lookAgain(tracked, wantsMore);
  }

  /** Placements that have an inventory in the cluster, whoever wrote it. @throws FlotillaError inventory-unreadable; KubeError */
  async inventories(signal: AbortSignal): Promise<string[]> {
    await this.#context.book.load(this.#limit(signal));
    return this.#context.book.placements();
  }

  snapshot(placement: string): PlacementSnapshot | undefined {
    const state = this.#context.placements.get(placement);
    return state && snapshotOf(state, this.#context.clock.now());
  }

  placements(): string[] {
    return [...this.#context.placements.keys()];
  }

  /** Drops a placement that is removed, or that somebody else enforces from now on; nothing in the cluster changes. */
  forget(placement: string): void {
    const state = this.#context.placements.get(placement);
    if (!state) return;
    this.#retries.cancel(state);
    this.#release(state);
    this.#context.placements.delete(placement);
    this.#context.wants.delete(placement);
  }

  /** The full pass: every watched kind is listed again, what is not as wanted is looked at again, and orphans are told. */
  pass(): void {
    findOrphans(this.#context);
    this.#context.watches.relist();
    for (const tracked of this.#context.owners.values())
      if (tracked.drift !== 'NONE' || tracked.health.health !== 'CURRENT' || tracked.error)
        this.#context.inspections.schedule(tracked);
  }

  /** Writes now what is only noted of a placement. @throws KubeError */
  flush(placement: string, signal: AbortSignal): Promise<void> {
    return flush(this.#context, placement, this.#limit(signal));
  }

  /** Writes now what is only noted, for a process that ends: should it not come to it, a restart compares once more. @throws KubeError */
  flushAll(signal: AbortSignal): Promise<void> {
    return this.#lazily.flush(signal);
  }

  /** What keeps the engine from seeing drift right now. */
  troubles(): readonly Error[] {
    return this.#context.watches.troubles();
  }

  /** Ends watches, looks and retries, and waits for them. What is in force stays as it is in the cluster. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.all([
      this.#context.watches.ended(),
      this.#context.inspections.ended(),
      this.#lazily.ended(),
      this.#retries.ended(),
    ]);
  }

  #state(placement: string): PlacementState {
    let state = this.#context.placements.get(placement);
    if (!state) {
      state = new PlacementState(placement, this.#context.kube);
      this.#context.placements.set(placement, state);
      this.#context.wants.set(placement, new Set());
    }
    return state;
  }

  #govern(state: PlacementState, policy: Policy): void {
    const { kube, clock } = this.#context;
    state.setPolicy(policy, actingFor(kube, policy.serviceAccount, this.#ownNamespace), clock.now());
  }

  #limit(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#context.life]);
  }

  /** A run that was aborted has no outcome: whoever ended it comes again. */
  async #run(state: PlacementState, signal: AbortSignal, work: () => Promise<void>): Promise<ApplyResult> {
    this.#retries.cancel(state);
    return this.#applies.run(state.name, async () => {
      const { listener } = this.#context;
      state.applying = true;
      listener.changed(state.name);
      try {
        await work();
        state.succeed();
      } catch (error) {
        if (!signal.aborted) state.fail(error);
        throw error;
      } finally {
        state.applying = false;
        if (!signal.aborted) this.#retries.plan(state);
        listener.changed(state.name);
      }
      return resultOf(state);
    });
  }

  async #retireRun(state: PlacementState, signal: AbortSignal): Promise<void> {
    const { book, wants } = this.#context;
    await book.load(this.#context.life);
    wants.set(state.name, new Set());
    state.begin([], new Map());
    this.#release(state);
    if (state.policy.hold || state.policy.observe) return;
    await finalise(this.#context, state, await pruneStale(this.#context, state, false, signal));
    state.removed = book.entries(state.name).length === 0;
    if (state.removed) wants.delete(state.name);
  }

  #release(state: PlacementState): void {
    for (const [id, tracked] of state.objects)
      if (this.#context.owners.get(id) === tracked) this.#context.owners.delete(id);
    state.objects.clear();
  }

  async #again(state: PlacementState): Promise<void> {
    const { assignment, retired } = state;
    const { life } = this.#context;
    try {
      if (retired) await this.#run(state, life, () => this.#retireRun(state, life));
      else if (assignment)
        await this.#run(state, life, () => applyRun(this.#context, state, assignment, life));
    } catch (error) {
      // It stands in the snapshot, and the next try is planned.
      if (!life.aborted) state.fail(error);
    }
  }

  #observe(resource: Resource, event: WatchEvent): void {
    observeEvent(this.#context, event);
    const definitions = resource.kind === 'CustomResourceDefinition';
    if (definitions && event.type !== 'synced') this.#context.kube.discovery.forget();
    if (event.type === 'trouble' || event.type === 'gone' || event.type === 'synced')
      for (const name of this.#context.placements.keys()) this.#context.listener.changed(name);
  }

  #lookAgain(tracked: Tracked, anyway: boolean): void {
    const live = this.#context.index.get(tracked.id);
    if (!tracked.applied) return;
    const before = tracked.print;
    if (live) takeNote(this.#context, tracked, metaOf(live));
    if (anyway || !live || tracked.print !== before || tracked.drift !== 'NONE')
      this.#context.inspections.schedule(tracked);
  }
}

const SYSTEM_CLOCK: Clock = { now: Date.now, random: Math.random };
