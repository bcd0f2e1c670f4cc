import { Bell, pause } from '#process/wait.ts';
import type { Fault } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';
import {
  type AgentEvent,
  type ClusterFacts,
  type Heartbeat,
  type Hello,
  parseMessage,
  renewal,
  rpcRequest,
} from '#proto/messages.ts';
import { tailOf, up } from '#proto/subjects.ts';
import type { StatusContent } from '../core/status.ts';
import { jittered } from '../core/waits.ts';
import { Link, type LinkOptions } from './link.ts';
import { Outbox } from './outbox.ts';

/** What the bus asks its owner and tells it. `desired` gets every document that arrives, as text, and must not throw. */
export interface BusOwner {
  describe(): Description;
  desired(text: string): void;
  resync(): void;
}

export type Description = {
  /** False before the agent knows what it has accepted: it says no hello then. */
  ready: boolean;
  epoch: number;
  head: string | undefined;
  facts: ClusterFacts;
  faults: readonly Fault[];
};

export type BusOptions = LinkOptions & { heartbeatMs: number; helloMs: number };

export type EventContent = Omit<AgentEvent, 'v' | 'cluster' | 'at'>;

/** Events wait for a connection; beyond this many the oldest are dropped, and their number is logged. */
const MOST_EVENTS = 500;

/**
 * Everything that an agent says and hears on NATS. It publishes `up.<cluster>.>` and hears `down.<cluster>.>`; it asks nothing and
 * answers to computed subjects only, so that it needs no inbox.
 */
export class Bus {
  readonly #options: BusOptions;
  readonly #owner: BusOwner;
  readonly #link: Link;
  readonly #outbox: Outbox;
  readonly #helloBell = new Bell();
  #events: string[] = [];
  #dropped = 0;

  constructor(options: BusOptions, owner: BusOwner, signal: AbortSignal) {
    this.#options = options;
    this.#owner = owner;
    this.#link = new Link(options, {
      up: () => this.#up(),
      down: () => options.log.warn('NATS connection lost; the last accepted document stays in force'),
      message: (subject, data) => this.#hear(tailOf(subject), data),
    });
    this.#outbox = new Outbox(options.cluster, this.#link, signal);
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  get fault(): Fault | undefined {
    return this.#link.fault;
  }

  get lastSeq(): number {
    return this.#outbox.lastSeq;
  }

  /** Status numbers of an earlier run. */
  startAbove(seq: number): void {
    this.#outbox.startAbove(seq);
  }

  /** The newest status of a placement: sent at once or within 200 ms, and again after a reconnect where that is needed. */
  report(placement: string, content: StatusContent): void {
    this.#outbox.set(placement, content);
  }

  /** Resolves when the server has a status that echoes the attempt; before that nothing may be written for it. */
  echoed(placement: string, attempt: number, signal: AbortSignal): Promise<void> {
    return this.#outbox.echoed(placement, attempt, signal);
  }

  forget(placement: string): void {
    this.#outbox.forget(placement);
  }

  event(content: EventContent): void {
    const { cluster, log } = this.#options;
    const at = new Date().toISOString();
    const message: AgentEvent = { v: 1, cluster, at, ...content, message: clip(content.message) };
    const text = JSON.stringify(message);
    if (this.#link.publish(up.event(cluster), text)) return;
    this.#events.push(text);
    if (this.#events.length <= MOST_EVENTS) return;
    this.#events.shift();
    this.#dropped++;
    if (this.#dropped === 1) log.warn('events are dropped: there is no connection to send them');
  }

  /** Says hello now: the hub answers with the current document. */
  hello(): void {
    this.#helloBell.ring();
  }

  /** Runs until the signal is aborted; then what waits is sent and the connection closed. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#link.run(signal), this.#beat(signal), this.#greet(signal)]);
  }

  /** Sends what waits and lets the server confirm it, for an orderly end. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#outbox.close();
    if (this.#link.connected) await this.#link.flush(signal);
  }

  #up(): void {
    const { cluster, log } = this.#options;
    log.info('connected to NATS');
    this.#sayHello();
    this.#outbox.resume();
    for (const text of this.#events) this.#link.publish(up.event(cluster), text);
    if (this.#dropped > 0) log.warn({ dropped: this.#dropped }, 'events were dropped while disconnected');
    this.#events = [];
    this.#dropped = 0;
  }

  #hear(tail: string, data: Uint8Array): void {
    const text = Buffer.from(data).toString('utf8');
    try {
      if (tail === 'desired') this.#owner.desired(text);
      else if (tail === 'jwt') this.#link.renew(parseMessage(renewal, text, 'renewed JWT').jwt);
      else if (tail === 'rpc.status') this.#outbox.resend(parseMessage(rpcRequest, text, tail).placements);
      else if (tail === 'rpc.resync') this.#owner.resync();
      else this.#options.log.warn({ tail }, 'a message that this version does not know was ignored');
    } catch (error) {
      this.#options.log.warn({ tail }, (error as Error).message);
    }
  }

  async #greet(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#helloBell.wait(jittered(this.#options.helloMs, 1 / 3, Math.random()), signal);
      if (!signal.aborted) this.#sayHello();
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { cluster, heartbeatMs } = this.#options;
    while (!signal.aborted) {
      await pause(jittered(heartbeatMs, 0.2, Math.random()), signal);
      const { epoch, faults } = this.#owner.describe();
      const statusHash = this.#outbox.statusHash();
      const beat: Heartbeat = {
        v: 1,
        cluster,
        at: new Date().toISOString(),
        epoch,
        statusHash,
        faults: faults.slice(0, 20).map((fault) => ({ ...fault, message: clip(fault.message) })),
      };
      if (!signal.aborted) this.#link.publish(up.heartbeat(cluster), JSON.stringify(beat));
    }
  }

  #sayHello(): void {
    const { cluster, key } = this.#options;
    const { ready, epoch, head, facts } = this.#owner.describe();
    if (!ready) return;
    const hello: Hello = {
      v: 1,
      cluster,
      key: key.publicKey,
      at: new Date().toISOString(),
      epoch,
      ...(head !== undefined && { head }),
      statusHash: this.#outbox.statusHash(),
      facts,
    };
    this.#link.publish(up.hello(cluster), JSON.stringify(hello));
  }
}
