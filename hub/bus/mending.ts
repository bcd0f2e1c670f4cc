import { JetStreamApiError, type JetStreamClient, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { Bell, pause } from '#process/wait.ts';
import type { Fault } from '#proto/faults.ts';
import { NatsSystem } from './nats-system.ts';
import type { Trust } from './trust.ts';

export type MendingEvents = {
  /** What is wrong with the store is known better now; undefined: it is not nats-server, or not any more. */
  found(fault: Fault | undefined): void;
  warn(message: string): void;
};

const AGAIN_MS = 3_000;
const PROBE = 'FLOTILLA_PROBE';
/** Room in which the hub can go on for a while. */
const PROBE_MESSAGES = 8;
const PROBE_BYTES = 512 * 1024;

/**
 * Looks after nats-server when something could not be stored. Once a write to its file system has failed, nats-server (2.14, measured)
 * fails that stream for good: nothing that is published to it is ever answered again, also when there is room, while everything else goes
 * on. It says so when it is asked. As soon as there is room, which a stream that is made for it shows, it is told to open its streams
 * anew (ADR 24).
 */
export class Mending {
  readonly #trust: Trust;
  readonly #connection: () => NatsConnection | undefined;
  readonly #events: MendingEvents;
  readonly #bell = new Bell();
  #fault: Fault | undefined;
  #warned: string | undefined;

  /** `connection`: the hub's own, while it is there. */
  constructor(trust: Trust, connection: () => NatsConnection | undefined, events: MendingEvents) {
    this.#trust = trust;
    this.#connection = connection;
    this.#events = events;
  }

  /** What was found. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Something could not be stored. */
  suspect(): void {
    this.#bell.ring();
  }

  /** Until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // What was found is looked at again by itself.
      if (!this.#fault) await this.#bell.wait(Number.POSITIVE_INFINITY, signal);
      if (signal.aborted) return;
      const fault = await this.#look();
      if (fault?.message !== this.#fault?.message) {
        this.#fault = fault;
        this.#events.found(fault);
      }
      await pause(AGAIN_MS, signal);
    }
  }

  async #look(): Promise<Fault | undefined> {
    const connection = this.#connection();
    if (!connection) return undefined;
    try {
      await using system = await NatsSystem.open(connection.getServer(), this.#trust);
      return await this.#mend(system, jetstream(connection));
    } catch (error) {
      // Without its word there is only what became of the write.
      const { message } = error as Error;
      if (message !== this.#warned)
        this.#events.warn(
          `nats-server does not say what is wrong with it (${message}); if its file system was full, restart it once there is room`,
        );
      this.#warned = message;
      return undefined;
    }
  }

  async #mend(system: NatsSystem, client: JetStreamClient): Promise<Fault | undefined> {
    const wrong = await troublesOf(system, client);
    if (wrong === undefined) return undefined;
    if (system.isCluster)
      return fault(
        `nats-server cannot write (${wrong}): make room in its file system and restart that server`,
      );
    if (isWriteError(wrong) && !(await hasRoom(client)))
      return fault(
        `nats-server cannot write (${wrong}): make room in its file system; everything goes on by itself then, nothing is to be restarted`,
      );
    this.#events.warn(`nats-server is told to open its streams anew, for it takes nothing: ${wrong}`);
    await system.reopenStreams();
    const still = await troublesOf(system, client);
    return still === undefined
      ? undefined
      : fault(`nats-server stores nothing (${still}): restart nats-server; the hub goes on by itself`);
  }
}

const fault = (message: string): Fault => ({ code: 'store-failed', message });
const isWriteError = (words: string) => / write error: /.test(words);

/** Undefined where it can be written to. */
async function troublesOf(system: NatsSystem, client: JetStreamClient): Promise<string | undefined> {
  const failed = (await system.troubles()).find(isWriteError);
  if (failed !== undefined) return failed;
  try {
    await (await client.jetstreamManager(false)).getAccountInfo();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether a stream that was never failed takes some megabytes. It is gone again afterwards. */
async function hasRoom(client: JetStreamClient): Promise<boolean> {
  const { streams } = await client.jetstreamManager(false);
  const remove = async () => {
    try {
      await streams.delete(PROBE);
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error; // there was none
    }
  };
  try {
    await remove();
    await streams.add({ name: PROBE, subjects: [PROBE] });
    for (let at = 0; at < PROBE_MESSAGES; at++)
      await client.publish(PROBE, Buffer.alloc(PROBE_BYTES), { timeout: AGAIN_MS });
    return true;
  } catch {
    return false; // whatever it is: nothing can be written
  } finally {
    await remove();
  }
}
