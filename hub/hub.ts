import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { Bell, fullJitter, pause } from '#process/wait.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { Bootstrap } from '#proto/messages.ts';
import type { FleetCommand, Ordered } from '#rollouts/fleet-commands.ts';
import type { Refused } from '#rollouts/order.ts';
import { isRecovered } from '#rollouts/recover.ts';
import { Bus } from './bus/bus.ts';
import type { Trust } from './bus/trust.ts';
import type { Step } from './core/audit.ts';
import type { AuditReader } from './core/audit-reader.ts';
import type { FleetView, HubState, IndexSnapshot } from './core/types.ts';
import { wantedRevisions } from './core/wanted.ts';
import { Decisions } from './decisions.ts';
import { Denials } from './denials.ts';
import { Enrolment } from './enrolment.ts';
import { Inbox } from './inbox.ts';
import { Follower, type FollowerOptions } from './index/follower.ts';
import type { Denied } from './operations/types.ts';
import { Outside } from './outside.ts';
import { Publishing } from './publishing.ts';
import { recollect } from './recollection.ts';
import type { AskOptions } from './webhooks/ask.ts';
import { Webhooks } from './webhooks/webhooks.ts';

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
  /** Which of several hubs decides; `name` is for people. */
  lease: { name: string; durationMs: number };
  /** Where gates may ask, and with which secrets. */
  webhooks: AskOptions;
  /** What the agent counted in an attempt; for the history. */
  countsOf?: Step['countsOf'];
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
const STORE_RETRY = { first: 250, most: 10_000 };
/** A hub that does not decide looks so often at what the one that does has decided. */
const FOLLOW_MS = 1_000;

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
  readonly #webhooks: Webhooks;
  readonly #decisions: Decisions;
  readonly #denials: Denials;
  readonly #publishing: Publishing;
  readonly #enrolment: Enrolment;
  readonly #outside: Outside;
  readonly #bell = new Bell();
  #index: IndexSnapshot | undefined;
  /** Whether state was read since the connection is there, and is the newest as far as is known. */
  #synced = false;
  /** Whether stored statuses were read since the connection is there: all that can be heard is. */
  #hears = false;

  constructor(options: HubOptions) {
    this.#options = options;
    const { log, view, trust, nats, follower, heartbeatMs, marker } = options;
    const now = options.now ?? Date.now;
    const warn = (message: string) => log.warn(message);
    this.#now = now;
    this.#speed = options.speed ?? 1;
    this.#enrolment = new Enrolment({ trust, publicUrls: nats.publicUrls, now });
    this.#outside = new Outside({ view, log, now, hubKey: trust.hub.publicKey });
    this.#inbox = new Inbox({
      view,
      heartbeatMs,
      onChange: () => this.#bell.ring(),
      askStatus: (cluster) => this.#bus.ask(cluster, 'status'),
      warn,
    });
    this.#bus = new Bus(
      {
        servers: nats.servers,
        trust,
        reconnectMs: nats.reconnectMs,
        lease: { id: randomUUID(), ...options.lease },
      },
      {
        won: () => this.#won(),
        lost: (why) => this.#lost(why),
        leader: (lease) => this.#outside.setLeader(lease?.name),
        stored: (fault) => {
          if (this.#outside.setStore(fault)) this.#bell.ring();
        },
        up: () => this.#busUp(),
        down: (fault) => this.#busDown(fault),
        message: (subject, data) => this.#inbox.receive(subject, data, now()),
        warn,
      },
    );
    this.#webhooks = new Webhooks({ ...options.webhooks, log, onAnswer: () => this.#answered() });
    this.#decisions = new Decisions({
      view,
      inbox: this.#inbox,
      webhooks: this.#webhooks,
      audit: this.#bus.audit,
      countsOf: options.countsOf,
      warn,
      save: (state, signal) => this.#bus.save(state, signal),
      marker,
    });
    this.#denials = new Denials({ audit: this.#bus.audit, warn, now });
    this.#publishing = new Publishing({ bus: this.#bus, inbox: this.#inbox, log, marker });
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
      this.#webhooks.run(signal),
      this.#work(signal),
      this.#pulse(signal),
    ]);
  }

  /** What an agent needs to connect; undefined while no committed entry carries its key. */
  bootstrap(publicKey: string): Bootstrap | undefined {
    return this.#enrolment.bootstrap(publicKey);
  }

  /** What was done, newest first. */
  get audit(): AuditReader {
    return this.#bus.auditLog;
  }

  /**
   * Carries out what a person orders; resolves once it is saved.
   * @throws FlotillaError hub-refused, hub-not-leader, nats-unreachable: then nothing was done; store-failed, or hub-refused because
   *   another hub has decided meanwhile: then nobody knows, and what is in force tells
   */
  order(command: FleetCommand, signal: AbortSignal): Promise<Ordered | Refused> {
    if (!this.#index) return Promise.reject(new FlotillaError('hub-refused', 'the hub has not read Git yet'));
    if (this.#synced && this.#bus.connected && !this.#bus.leads) {
      const { leader } = this.#outside;
      const who = leader === undefined ? 'none does now' : `${leader} does`;
      return Promise.reject(new FlotillaError('hub-not-leader', `this hub does not decide, ${who}`));
    }
    if (!this.#synced || !this.#bus.connected)
      return Promise.reject(new FlotillaError('nats-unreachable', 'the hub cannot save anything now'));
    const carriedOut = this.#decisions.order(command, signal);
    this.#bell.ring();
    return carriedOut;
  }

  /** Leaves in the audit what somebody ordered who may not; also where this hub does not decide. */
  denied(orders: readonly Denied[], signal: AbortSignal): Promise<void> {
    return this.#denials.tell(orders, signal);
  }

  get #state(): HubState {
    return this.#decisions.state;
  }

  #setIndex(snapshot: IndexSnapshot): void {
    const { view, marker } = this.#options;
    this.#outside.setIndex(snapshot);
    this.#index = snapshot;
    // For the next commits: what is decided from this one on is among the newest versions, which are kept anyway.
    this.#follower.keep(wantedRevisions(this.#state));
    this.#enrolment.setIndex(snapshot);
    this.#inbox.setIndex(snapshot);
    this.#decisions.lookAtAll();
    view.setIndex(snapshot);
    marker?.('indexed');
    this.#bell.ring();
  }

  #busUp(): void {
    this.#synced = false;
    this.#hears = false;
    this.#bell.ring();
  }

  #busDown({ code, message }: Fault): void {
    this.#synced = false;
    this.#hears = false;
    this.#decisions.refuseOrders(new FlotillaError('nats-unreachable', message));
    // Hub time stands still from here on.
    this.#decisions.lookAtAll();
    this.#outside.setBus({ ok: false, code, message });
  }

  /** What other hubs have decided is read before anything is. */
  #won(): void {
    this.#options.log.info('this hub decides from now on');
    this.#synced = false;
    this.#bell.ring();
  }

  #lost(why: string): void {
    this.#options.log.warn(`this hub decides no more: ${why}`);
    this.#synced = false;
    this.#decisions.refuseOrders(new FlotillaError('hub-not-leader', why));
    this.#webhooks.want([]);
    this.#bell.ring();
  }

  #answered(): void {
    this.#options.marker?.('webhook-answered');
    this.#bell.ring();
  }

  async #pulse(signal: AbortSignal): Promise<void> {
    let shownAt = 0;
    while (!signal.aborted) {
      const now = this.#now();
      this.#inbox.tick(now, this.#hears && this.#bus.connected);
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
      const waitMs = this.#decisions.waitMs(this.#now()) / this.#speed;
      await this.#bell.wait(this.#bus.leads ? waitMs : Math.min(waitMs, FOLLOW_MS), signal);
      if (signal.aborted || !this.#bus.connected) continue;
      try {
        if (!this.#synced) await this.#sync(signal);
        if (this.#bus.leads) await this.#lead(signal);
        else await this.#follow(signal);
        failures = 0;
        await pause(BREATH_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof FlotillaError)) throw error;
        failures++;
        this.#synced = false;
        if (error.code === 'store-failed') this.#bus.stored(toFault(error));
        else if (this.#bus.connected) this.#outside.setBus({ ok: false, ...toFault(error) });
        await pause(fullJitter(failures, STORE_RETRY), signal);
        this.#bell.ring();
      }
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    // A version that saved state names and the index does not have would count as older than everything.
    // And what is not known to be the newest state is read first: the lease may have been won while it was.
    if (this.#index && this.#synced && !this.#follower.isRecalling) await this.#decide(this.#index, signal);
    if (this.#synced && !(await this.#publishing.publish(this.#state, signal)))
      this.#disagree('another hub has published');
    if (this.#synced) this.#publishing.answer(this.#state);
    await this.#publishing.tidy(signal);
  }

  /** Shows what the hub that decides has decided. */
  async #follow(signal: AbortSignal): Promise<void> {
    const state = await this.#bus.follow(signal);
    if (state) this.#decisions.adopt(state);
    if (this.#index) this.#decisions.show(this.#index, this.#now());
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const inbox = this.#inbox;
    const { view, log } = this.#options;
    await this.#bus.compete();
    this.#synced = true;
    this.#decisions.adopt(await this.#bus.sync(signal));
    this.#options.marker?.('state-read');
    this.#follower.keep(wantedRevisions(this.#state));
    await recollect(this.#bus.auditLog, view, (message) => log.warn(message), signal);
    this.#publishing.add(Object.keys(this.#state.clusters));
    if (!this.#hears) {
      await this.#bus.replay((...stored) => inbox.replay(...stored), signal);
      this.#hears = this.#bus.connected;
    }
    // The connection may have been lost while it was read; then all is read again when it is back.
    if (this.#hears && !this.#outside.isBusUp) this.#outside.setBus({ ok: true });
  }

  async #decide(index: IndexSnapshot, signal: AbortSignal): Promise<void> {
    const connected = this.#synced && this.#bus.connected;
    const changed = await this.#decisions.decide(index, { now: this.#now(), connected }, signal);
    if (changed === 'conflict') this.#disagree('this hub was not the only one to save state');
    else this.#publishing.add(changed);
    // Agents name versions that nobody has asked Git for yet.
    if (isRecovered(this.#state.fleet)) this.#follower.keep(wantedRevisions(this.#state));
  }

  /** Two hubs may be at work; whoever lost reads what the other has decided and goes on from there. */
  #disagree(why: string): void {
    this.#options.log.warn(`${why}; reading it again`);
    this.#synced = false;
    this.#bell.ring();
  }
}
