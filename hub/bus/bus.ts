import { randomUUID } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { aborted } from '#process/wait.ts';
import { type Fault, FlotillaError } from '#proto/faults.ts';
import type { DesiredPayload, RpcRequest } from '#proto/messages.ts';
import { down, type RpcVerb, STREAMS } from '#proto/subjects.ts';
import type { AuditReader } from '../core/audit-reader.ts';
import type { HubState } from '../core/types.ts';
import { AuditLog } from './audit-log.ts';
import { type AuditPort, AuditWriter } from './audit-writer.ts';
import { type DialOptions, dialNats, storeFault, watchNats } from './connect.ts';
import { DesiredPublisher, type PublishResult } from './desired-publisher.ts';
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
};

type Session = {
  connection: NatsConnection;
  store: StateStore;
  publisher: DesiredPublisher;
  audit: AuditWriter;
  auditLog: AuditLog;
};

/** The hub's side of NATS: one connection for life, and what is stored in JetStream. */
export class Bus {
  readonly #options: DialOptions;
  readonly #events: BusEvents;
  #session: Session | undefined;
  #up = false;

  constructor(options: DialOptions, events: BusEvents) {
    this.#options = options;
    this.#events = events;
  }

  get connected(): boolean {
    return this.#up;
  }

  /** Connects, listens and stays connected until the signal is aborted. Never rejects for what NATS does. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const connection = await dialNats(this.#options, (fault) => this.#events.down(fault), signal);
      if (!connection) return;
      await this.#serve(connection, signal);
    }
  }

  async #serve(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const client = jetstream(connection);
    const warn = (keys: readonly string[]) =>
      this.#events.warn(`hub state: ${keys.join(', ')} cannot be read and is taken as lost`);
    this.#session = {
      connection,
      store: new StateStore(new StateBucket(client), warn),
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
    set(false);
    await connection.close();
    await watching;
  }

  /**
   * Reads everything that JetStream holds: to be done after each `up`, after a conflict and after a fault, before anything is
   * saved or published. `replay` is given every stored status.
   * @throws FlotillaError store-failed, nats-unreachable
   */
  async sync(
    replay: (subject: string, data: Uint8Array, storedAt: number) => void,
    signal: AbortSignal,
  ): Promise<HubState> {
    const { connection, store, publisher } = this.#connected();
    await ensureStreams(await jetstreamManager(connection, { checkAPI: false }));
    // What is published over is read before the state that it is to follow from: another hub that saves and publishes in between is
    // then met as a conflict, and never written over with what it has replaced.
    await publisher.load(signal);
    const state = await store.load(signal);
    await readStream(
      jetstream(connection),
      STREAMS.status,
      ({ subject, data, storedAt }) => replay(subject, data, storedAt),
      signal,
    );
    return state;
  }

  /** See `StateStore.save`. */
  async save(state: HubState, signal: AbortSignal): Promise<'saved' | 'conflict'> {
    return this.#connected().store.save(state, () => this.#up, signal);
  }

  /** See `DesiredPublisher.publish`. */
  async publish(document: DesiredPayload): Promise<PublishResult> {
    return this.#connected().publisher.publish(document);
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
