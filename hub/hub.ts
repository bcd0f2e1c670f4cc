import type { Logger } from 'pino';
import { Bell, fullJitter, pause } from '#process/wait.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { Bootstrap } from '#proto/messages.ts';
import type { Refused } from '#rollouts/commands.ts';
import type { FleetCommand, Ordered } from '#rollouts/fleet-commands.ts';
import { Bus } from './bus/bus.ts';
import { agentJwt, type Trust } from './bus/trust.ts';
import type { AuditReader } from './core/audit-reader.ts';
import { documentOf } from './core/desired.ts';
import type { FleetView, HubState, IndexSnapshot, Reachability } from './core/types.ts';
import { wantedRevisions } from './core/wanted.ts';
import { Decisions } from './decisions.ts';
import { Inbox } from './inbox.ts';
import { Follower, type FollowerOptions } from './index/follower.ts';
import type { WebhookPort } from './webhooks/webhooks.ts';

export type HubOptions = {
  trust: Trust;
  view: FleetView;
  log: Logger;
  follower: Omit<FollowerOptions, 'now' | 'warn'>;
  nats: {
    servers: readonly string[];
    /** What agents are told; where they reach NATS by another name. */
    publicUrls: readonly string[];
    reconnectMs: number;
  };
  heartbeatMs: number;
  /** Where gates ask; without one they are not answered. */
  webhooks?: WebhookPort;
  /** Unix milliseconds. */
  now?: () => number;
  /** How many times as fast as real time `now` goes. Default: 1. */
  speed?: number;
  /** Told the name of each step that was completed; for tests that end the process at one. */
  marker?: (name: string) => void;
};

const PULSE_MS = 200;
const VIEW_TICK_MS = 1_000;
/** Decisions are made at most so often: reports that come together are judged together. */
const BREATH_MS = 20;
const AT_ONCE = 100;
const STORE_RETRY = { first: 250, most: 10_000 };

const NOBODY_ASKED: WebhookPort = { want: () => undefined, answers: new Map() };

/**
 * The hub: what Git says and what agents report go in, desired documents and the read model come out. One loop decides, saves
 * and publishes; state is saved before anything follows from it, and what is published is only ever derived from saved state.
 */
export class Hub {
  readonly #options: HubOptions;
  readonly #now: () => number;
  readonly #speed: number;
  readonly #bus: Bus;
  readonly #follower: Follower;
  readonly #inbox: Inbox;
  readonly #decisions: Decisions;
  readonly #bell = new Bell();
  readonly #unpublished = new Set<string>();
  #index: IndexSnapshot | undefined;
  #owners: ReadonlyMap<string, string> = new Map();
  #synced = false;
  #trouble: string | undefined;
  #lastOkAt: number | undefined;

  constructor(options: HubOptions) {
    this.#options = options;
    const { log, view, trust, nats, follower, heartbeatMs } = options;
    const now = options.now ?? Date.now;
    const warn = (message: string) => log.warn(message);
    this.#now = now;
    this.#speed = options.speed ?? 1;
    this.#inbox = new Inbox({
      view,
      heartbeatMs,
      onChange: () => this.#bell.ring(),
      askStatus: (cluster) => this.#bus.ask(cluster, 'status'),
      warn,
    });
    this.#bus = new Bus(
      { servers: nats.servers, trust, reconnectMs: nats.reconnectMs },
      {
        up: () => this.#busUp(),
        down: (fault) => this.#busDown(fault),
        message: (subject, data) => this.#inbox.receive(subject, data, now()),
        warn,
      },
    );
    this.#decisions = new Decisions({
      view,
      inbox: this.#inbox,
      webhooks: options.webhooks ?? NOBODY_ASKED,
      save: (state, signal) => this.#bus.save(state, signal),
      marker: options.marker,
    });
    this.#follower = new Follower(
      { ...follower, now, warn },
      {
        index: (snapshot) => this.#setIndex(snapshot),
        git: (reachability) => view.setGit(reachability),
      },
    );
  }

  /** Runs until the signal is aborted. Rejects only for what should not happen. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#bus.run(signal),
      this.#follower.run(signal),
      this.#work(signal),
      this.#pulse(signal),
    ]);
  }

  /** What an agent needs to connect; undefined while no committed entry carries its key. */
  bootstrap(publicKey: string): Bootstrap | undefined {
    const cluster = this.#owners.get(publicKey);
    if (cluster === undefined) return undefined;
    const { trust, nats } = this.#options;
    const jwt = agentJwt(trust, cluster, publicKey, this.#now());
    return { v: 1, cluster, jwt, natsUrls: [...nats.publicUrls], hubKeys: [trust.hub.publicKey] };
  }

  /** What was done, newest first. */
  get audit(): AuditReader {
    return this.#bus.auditLog;
  }

  /**
   * Carries out what a person orders; resolves once it is saved.
   * @throws FlotillaError hub-refused, nats-unreachable, store-failed: then nothing was done
   */
  order(command: FleetCommand): Promise<Ordered | Refused> {
    if (!this.#index) return Promise.reject(new FlotillaError('hub-refused', 'the hub has not read Git yet'));
    if (!this.#synced || !this.#bus.connected)
      return Promise.reject(new FlotillaError('nats-unreachable', 'the hub cannot save anything now'));
    const carriedOut = this.#decisions.order(command);
    this.#bell.ring();
    return carriedOut;
  }

  get #state(): HubState {
    return this.#decisions.state;
  }

  #setIndex(snapshot: IndexSnapshot): void {
    const { log, view, trust, marker } = this.#options;
    const { document } = snapshot.fleet ?? {};
    const ours = trust.hub.publicKey;
    const named = document?.spec.hub?.publicKeys;
    if (named && !named.includes(ours) && this.#index?.fleet?.document !== document) {
      log.warn(
        `flotilla.yaml trusts ${named.join(', ')}, not this hub (${ours}): agents will refuse its documents`,
      );
    }
    if (snapshot.head.oid !== this.#index?.head.oid) {
      const { clusters, placements, problems } = snapshot;
      const counts = { clusters: clusters.size, placements: placements.size, problems: problems.length };
      log.info({ head: snapshot.head.oid, ...counts }, 'indexed');
    }
    this.#index = snapshot;
    // For the next commits: what is decided from this one on is among the newest versions, which are kept anyway.
    this.#follower.keep(wantedRevisions(this.#state));
    const keys = [...snapshot.clusters].flatMap(([name, { document: entry }]) =>
      entry.spec.agent.publicKeys.map((key) => [key, name] as const),
    );
    this.#owners = new Map(keys);
    this.#inbox.setIndex(snapshot);
    this.#decisions.lookAtAll();
    view.setIndex(snapshot);
    marker?.('indexed');
    this.#bell.ring();
  }

  #busUp(): void {
    this.#synced = false;
    this.#bell.ring();
  }

  #busDown({ code, message }: Fault): void {
    this.#synced = false;
    this.#decisions.refuseOrders(new FlotillaError('nats-unreachable', message));
    // Hub time stands still from here on.
    this.#decisions.lookAtAll();
    this.#setBus({ ok: false, code, message });
  }

  #setBus(reachability: Omit<Reachability, 'lastOkAt'>): void {
    const { log, view } = this.#options;
    if (reachability.ok) this.#lastOkAt = this.#now();
    view.setBus({
      ...reachability,
      ...(this.#lastOkAt !== undefined && { lastOkAt: this.#lastOkAt }),
    });
    if (reachability.ok) log.info('connected to NATS, state read');
    else if (reachability.message !== this.#trouble)
      log.warn({ code: reachability.code }, reachability.message);
    this.#trouble = reachability.message;
  }

  async #pulse(signal: AbortSignal): Promise<void> {
    let shownAt = 0;
    while (!signal.aborted) {
      const now = this.#now();
      this.#inbox.tick(now, this.#synced && this.#bus.connected);
      if (now - shownAt >= VIEW_TICK_MS) {
        this.#options.view.tick(now);
        shownAt = now;
      }
      await pause(PULSE_MS, signal);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      await this.#bell.wait(this.#decisions.waitMs(this.#now()) / this.#speed, signal);
      if (signal.aborted || !this.#bus.connected) continue;
      try {
        if (!this.#synced) await this.#sync(signal);
        if (this.#index) await this.#decide(this.#index, signal);
        await this.#project(signal);
        this.#answer();
        await this.#tidy(signal);
        failures = 0;
        await pause(BREATH_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof FlotillaError)) throw error;
        failures++;
        this.#synced = false;
        if (this.#bus.connected) this.#setBus({ ok: false, ...toFault(error) });
        await pause(fullJitter(failures, STORE_RETRY), signal);
        this.#bell.ring();
      }
    }
  }

  async #sync(signal: AbortSignal): Promise<void> {
    this.#synced = true;
    const inbox = this.#inbox;
    this.#decisions.adopt(await this.#bus.sync((...stored) => inbox.replay(...stored), signal));
    this.#follower.keep(wantedRevisions(this.#state));
    for (const cluster of Object.keys(this.#state.clusters)) this.#unpublished.add(cluster);
    // The connection may have been lost while it was read; then all is read again when it is back.
    if (this.#synced) this.#setBus({ ok: true });
  }

  async #decide(index: IndexSnapshot, signal: AbortSignal): Promise<void> {
    const connected = this.#synced && this.#bus.connected;
    const changed = await this.#decisions.decide(index, { now: this.#now(), connected }, signal);
    if (changed === 'conflict') this.#disagree('another hub has saved state');
    else for (const cluster of changed) this.#unpublished.add(cluster);
  }

  /** Makes the stream say what saved state says, wherever it may not; for that no index is needed. */
  async #project(signal: AbortSignal): Promise<void> {
    if (!this.#synced) return;
    const waiting = [...this.#unpublished];
    for (let at = 0; at < waiting.length; at += AT_ONCE) {
      signal.throwIfAborted();
      const done = await Promise.all(
        waiting.slice(at, at + AT_ONCE).map((cluster) => this.#publish(cluster)),
      );
      if (done.includes(false)) {
        this.#disagree('another hub has published');
        return;
      }
    }
  }

  async #publish(cluster: string): Promise<boolean> {
    const document = documentOf(this.#state, cluster);
    try {
      const result = document ? await this.#bus.publish(document) : 'equal';
      if (result === 'conflict') return false;
      if (result === 'published') {
        this.#inbox.greeted.delete(cluster);
        this.#options.log.debug({ cluster, epoch: document?.epoch }, 'published');
        this.#options.marker?.('published');
      }
    } catch (error) {
      if (!(error instanceof FlotillaError) || error.code !== 'desired-malformed') throw error;
      this.#options.log.error(error.message);
    }
    this.#unpublished.delete(cluster);
    return true;
  }

  /** Two hubs may be at work; whoever lost reads what the other has decided and goes on from there. */
  #disagree(why: string): void {
    this.#options.log.warn(`${why}; reading it again`);
    this.#synced = false;
    this.#bell.ring();
  }

  /** What an agent stores beyond its bound would sooner or later push the statuses of others out of the stream. */
  async #tidy(signal: AbortSignal): Promise<void> {
    for (const subject of this.#inbox.surplus) {
      signal.throwIfAborted();
      await this.#bus.dropStored(subject);
      this.#inbox.surplus.delete(subject);
    }
  }

  #answer(): void {
    for (const cluster of this.#inbox.greeted) {
      if (!this.#synced || this.#unpublished.has(cluster)) continue;
      if (documentOf(this.#state, cluster)) this.#bus.answer(cluster);
      this.#inbox.greeted.delete(cluster);
    }
  }
}
