import { randomUUID } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { aborted, pause } from '#process/wait.ts';
import { type Fault, FlotillaError } from '#proto/faults.ts';
import type { DesiredPayload, RpcRequest } from '#proto/messages.ts';
import { down, type RpcVerb, STREAMS } from '#proto/subjects.ts';
import type { AuditReader } from '../core/audit-reader.ts';
import type { HubState } from '../core/types.ts';
import { AuditLog } from './audit-log.ts';
import { type AuditPort, AuditWriter } from './audit-writer.ts';
import { type DialOptions, dialNats, storeFault, watchNats } from './connect.ts';
import { DesiredPublisher, type PublishResult } from './desired-publisher.ts';
import { Lease, type LeaseEvents, type LeaseOptions } from './lease.ts';
import { Mending } from './mending.ts';
import { readStream } from './read-stream.ts';
import { StateBucket } from './state-bucket.ts';
import { StateStore } from './state-store.ts';
import { ensureStreams } from './streams.ts';

/** What the bus tells its owner; must not throw. */
export type BusEvents = {
  up(): void;
  down(fault: Fault): void;
  /** A live message of an agent. */
  message(subject: string, data: Uint8Array): void;
  warn(message: string): void;
} & LeaseEvents;

export type BusOptions = DialOptions & { readonly lease: LeaseOptions };

/** How long giving the lease up may hold up the end. */
const RELEASE_MS = 1_000;

type Session = {
  connection: NatsConnection;
  bucket: StateBucket;
  store: StateStore;
  publisher: DesiredPublisher;
  audit: AuditWriter;
  auditLog: AuditLog;
};

/** The hub's side of NATS: one connection for life, and what is stored in JetStream. */
export class Bus {
  readonly #options: BusOptions;
  readonly #events: BusEvents;
  readonly #lease: Lease;
  readonly #mending: Mending;
  #session: Session | undefined;
  /** Whether what the lease is kept in is known to be there. */
  #isMade = false;
  #up = false;

  constructor(options: BusOptions, events: BusEvents) {
    this.#options = options;
    this.#events = events;
    this.#lease = new Lease(options.lease, { ...events, stored: (fault) => this.stored(fault) });
    const connection = () => (this.#up ? this.#session?.connection : undefined);
    this.#mending = new Mending(options.trust, connection, {
      found: (fault) => fault && events.stored(fault),
      warn: events.warn,
    });
  }

  /** Whether this hub decides, at this very moment; without it nothing is saved or published. */
  get leads(): boolean {
    return this.#up && this.#lease.held;
  }

  get connected(): boolean {
    return this.#up;
  }

  /** Something was stored, or was not: then it is found out why. */
  stored(fault: Fault | undefined): void {
    if (fault) this.#mending.suspect();
    // What nats-server says of itself tells more than a single write, and one stream that takes something says nothing of the others.
    this.#events.stored(this.#mending.fault ?? fault);
  }

  /** Connects, listens and stays connected until the signal is aborted. Never rejects for what NATS does. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#connect(signal),
      this.#lease.run(() => (this.#up && this.#isMade ? this.#session?.bucket : undefined), signal),
      this.#mending.run(signal),
    ]);
  }

  async #connect(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const connection = await dialNats(this.#options, (fault) => this.#events.down(fault), signal);
      if (!connection) return;
      await this.#serve(connection, signal);
    }
  }

  async #serve(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const client = jetstream(connection);
    const warn = (keys: readonly string[]) =>
      this.#events.warn(
        `hub state: ${keys.join(', ')} cannot be read and is taken as lost (docs/running.md)`,
      );
    const bucket = new StateBucket(client);
    this.#session = {
      connection,
      bucket,
      store: new StateStore(bucket, warn),
      publisher: new DesiredPublisher(client, this.#options.trust.hub),
      audit: new AuditWriter(client),
      auditLog: new AuditLog(client, await jetstreamManager(connection, { checkAPI: false })),
    };
    connection.subscribe('up.>', {
      callback: (error, { subject, data }) => {
        if (error) this.#events.warn(`NATS: ${error.message}`);
        else this.#events.message(subject, data);
      },
    });
    const set = (up: boolean) => {
      this.#up = up;
    };
    const watching = watchNats(connection, {
      up: () => {
        set(true);
        this.#events.up();
      },
      down: (fault) => {
        set(false);
        this.#events.down(fault);
      },
      warn: this.#events.warn,
    });
    // Whoever is told that the bus is up must be able to rely on being subscribed.
    await Promise.race([connection.flush().catch(() => undefined), aborted(signal)]);
    set(true);
    this.#events.up();
    await Promise.race([connection.closed(), aborted(signal)]);
    if (this.leads) await this.#giveUp(bucket);
    set(false);
    await connection.close();
    await watching;
  }

  /** Another hub is to take over at once, not when it has waited. */
  async #giveUp(bucket: StateBucket): Promise<void> {
    const limit = new AbortController();
    const released = this.#lease.release(bucket).catch(({ message }: Error) => this.#events.warn(message));
    await Promise.race([released, pause(RELEASE_MS, limit.signal)]);
    limit.abort();
  }

  /** Makes what is missing, and takes part in finding out who decides. To be done before `sync`. @throws as `sync` */
  async compete(): Promise<void> {
    const { connection, bucket } = this.#connected();
    await ensureStreams(await jetstreamManager(connection, { checkAPI: false }));
    await bucket.open();
    this.#isMade = true;
    if (!this.leads) await this.#lease.compete(bucket);
  }

  /**
   * Reads what was published and saved: to be done after each `up`, after the lease was won, after a conflict and after a
   * fault, before anything is saved or published.
   * @throws FlotillaError store-failed, nats-unreachable
   */
  async sync(signal: AbortSignal): Promise<HubState> {
    const { store, publisher } = this.#connected();
    // What is published over is read before the state that it is to follow from: another hub that saves and publishes in between is
    // then met as a conflict, and never written over with what it has replaced.
    await publisher.load(signal);
    return store.load(signal);
  }

  /** Hands over every stored status: to be done after each `up`. @throws as `sync` */
  async replay(
    take: (subject: string, data: Uint8Array, storedAt: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await readStream(
      jetstream(this.#connected().connection),
      STREAMS.status,
      ({ subject, data, storedAt }) => take(subject, data, storedAt),
      signal,
    );
  }

  /** See `StateStore.follow`; for a hub that does not lead. @throws also nats-unreachable */
  async follow(signal: AbortSignal): Promise<HubState | undefined> {
    return this.#connected().store.follow(signal);
  }

  /** See `StateStore.save`. */
  async save(state: HubState, signal: AbortSignal): Promise<'saved' | 'conflict'> {
    return this.#connected().store.save(state, () => this.leads, signal);
  }

  /** See `DesiredPublisher.publish`; `conflict` also where this hub does not lead any more. */
  async publish(document: DesiredPayload): Promise<PublishResult> {
    const { publisher } = this.#connected();
    return this.leads ? publisher.publish(document) : 'conflict';
  }

  /** Where what is done is left behind. Each of its calls throws nats-unreachable while there is no connection. */
  get audit(): AuditPort {
    return {
      write: async (trail, signal) => this.#connected().audit.write(trail, signal),
      writeResult: async (result, signal) => this.#connected().audit.writeResult(result, signal),
    };
  }

  /** The same, read. */
  get auditLog(): AuditReader {
    return {
      audit: async (question, signal) => this.#connected().auditLog.audit(question, signal),
      history: async (cluster, placement, signal) =>
        this.#connected().auditLog.history(cluster, placement, signal),
    };
  }

  /**
   * Sends a cluster its current document once more. The subject is made from the cluster's name, never from a message: a
   * reply subject is chosen by whoever asks, and this connection may publish anywhere.
   */
  answer(cluster: string): boolean {
    const envelope = this.#session?.publisher.stored(cluster);
    if (!this.#up || !this.#session || envelope === undefined) return false;
    this.#session.connection.publish(down.desired(cluster), envelope);
    return true;
  }

  /** Removes the status that is stored under a subject. @throws FlotillaError store-failed, nats-unreachable */
  async dropStored(subject: string): Promise<void> {
    const { connection } = this.#connected();
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      await manager.streams.purge(STREAMS.status, { filter: subject });
    } catch (error) {
      throw storeFault(error, `what is stored of ${subject} cannot be removed`);
    }
  }

  ask(cluster: string, verb: RpcVerb): void {
    const request: RpcRequest = { v: 1, id: randomUUID() };
    if (this.#up) this.#session?.connection.publish(down.rpc(cluster, verb), JSON.stringify(request));
  }

  #connected(): Session {
    if (!this.#up || !this.#session) throw new FlotillaError('nats-unreachable', 'NATS is not connected');
    return this.#session;
  }
}
