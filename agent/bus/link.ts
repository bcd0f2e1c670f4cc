import { AuthorizationError, connect, type NatsConnection, UserAuthenticationExpiredError } from 'nats';
import type { Logger } from 'pino';
import { aborted, pause } from '#process/wait.ts';
import { type Fault, FlotillaError, toFault } from '#proto/faults.ts';
import type { Bootstrap } from '#proto/messages.ts';
import type { Nkey } from '#proto/nkey.ts';
import { down } from '#proto/subjects.ts';
import { withoutCredentials } from '#proto/url.ts';
import { backoff } from '../core/backoff.ts';
import { askBootstrap } from './bootstrap.ts';

export type LinkOptions = {
  cluster: string;
  key: Nkey;
  hubUrls: readonly string[];
  reconnectMs: number;
  retry: { first: number; most: number };
  log: Logger;
};

/** What the link tells its owner. Called from the event loop's turn in which it happens; must not throw. */
export type LinkEvents = {
  up(): void;
  down(): void;
  message(subject: string, data: Uint8Array): void;
};

const PING_MS = 20_000;
const DIAL_TIMEOUT_MS = 10_000;
const FLUSH_TIMEOUT_MS = 15_000;
/** Disconnected for so long, the hub is asked whether NATS has moved. */
const LOST_MS = 60_000;

/**
 * The one connection of an agent: bootstraps over HTTP, connects with the JWT it was given, reconnects for ever and bootstraps again
 * when the identity is refused. Nothing is kept for later: `publish` while disconnected says false.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #connection: NatsConnection | undefined;
  #up = false;
  #jwt = '';
  #fault: Fault | undefined;
  #identity: Bootstrap | undefined;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
  }

  get connected(): boolean {
    return this.#up;
  }

  /** Why there is no connection; undefined while there is one. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  publish(subject: string, text: string): boolean {
    if (!this.#up || !this.#connection) return false;
    this.#connection.publish(subject, text);
    return true;
  }

  /**
   * Resolves when the server has processed everything published so far.
   * @throws FlotillaError nats-unreachable: what was published may be lost
   */
  async flush(signal: AbortSignal): Promise<void> {
    const connection = this.#connection;
    if (!this.#up || !connection) throw new FlotillaError('nats-unreachable', 'NATS is not connected');
    const limit = AbortSignal.any([signal, AbortSignal.timeout(FLUSH_TIMEOUT_MS)]);
    const done = await Promise.race([
      connection.flush().then(
        () => 'flushed' as const,
        () => 'lost' as const,
      ),
      aborted(limit).then(() => 'late' as const),
    ]);
    signal.throwIfAborted();
    if (done !== 'flushed')
      throw new FlotillaError('nats-unreachable', 'NATS did not confirm what was published');
  }

  /** A renewed JWT (public text), used from the next connection on. */
  renew(jwt: string): void {
    if (subjectOf(jwt) === this.#options.key.publicKey) this.#jwt = jwt;
    else this.#options.log.warn('a renewed JWT for another key was ignored');
  }

  /** Runs until the signal is aborted; never rejects for anything that the outside world does. */
  async run(signal: AbortSignal): Promise<void> {
    const { retry, log } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#serve(await this.#identify(signal), signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#fault = toFault(error);
        log.warn({ code: this.#fault.code }, this.#fault.message);
      }
      failures++;
      await pause(backoff(retry, failures, Math.random()), signal);
    }
  }

  /** The hub's word; where the hub is away, what it said last: NATS may well be up without it. */
  async #identify(signal: AbortSignal): Promise<Bootstrap> {
    const { hubUrls, cluster, key } = this.#options;
    try {
      this.#identity = await askBootstrap({ hubUrls, cluster, publicKey: key.publicKey }, signal);
      this.#jwt = this.#identity.jwt;
    } catch (error) {
      const away = error instanceof FlotillaError && error.code === 'bootstrap-failed';
      if (!away || !this.#identity) throw error;
      this.#options.log.warn({ code: error.code }, error.message);
    }
    return this.#identity;
  }

  /** One connection until it is over: the end of the agent, a refused identity, or a server that stays away. */
  async #serve(identity: Bootstrap, signal: AbortSignal): Promise<void> {
    const connection = await this.#dial(identity);
    const over = new AbortController();
    try {
      if (signal.aborted) return;
      this.#connection = connection;
      connection.subscribe(down.all(this.#options.cluster), {
        callback: (error, message) => {
          if (error) this.#options.log.error(`NATS: ${error.message}`);
          else this.#events.message(message.subject, message.data);
        },
      });
      this.#set(true);
      const watching = this.#watch(connection, over);
      await Promise.race([connection.closed(), aborted(AbortSignal.any([signal, over.signal]))]);
      if (signal.aborted) this.#up = false;
      else this.#set(false);
      await connection.close();
      await watching;
    } finally {
      this.#connection = undefined;
      if (!connection.isClosed()) await connection.close();
    }
  }

  async #dial(identity: Bootstrap): Promise<NatsConnection> {
    const { cluster, key, reconnectMs } = this.#options;
    try {
      return await connect({
        servers: identity.natsUrls,
        name: `flotilla-agent ${cluster}`,
        authenticator: (nonce) => ({
          jwt: this.#jwt,
          nkey: key.publicKey,
          sig: nonce ? Buffer.from(key.sign(Buffer.from(nonce))).toString('base64url') : '',
        }),
        inboxPrefix: `down.${cluster}.inbox`,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: () => Math.round(Math.random() * reconnectMs),
        ignoreAuthErrorAbort: true,
        pingInterval: PING_MS,
        timeout: DIAL_TIMEOUT_MS,
        noAsyncTraces: true,
      });
    } catch (cause) {
      if (isRefusal(cause)) {
        throw new FlotillaError('nats-refused', `NATS refuses this agent: ${(cause as Error).message}`, {
          cause,
        });
      }
      const message = `NATS cannot be reached at ${withoutCredentials(identity.natsUrls.join(', '))}: ${(cause as Error).message}`;
      throw new FlotillaError('nats-unreachable', message, { cause });
    }
  }

  /** Follows the client's own reconnects. An identity refused is looked up anew: the JWT may have been renewed, or taken away. */
  async #watch(connection: NatsConnection, over: AbortController): Promise<void> {
    let lost: NodeJS.Timeout | undefined;
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        this.#set(false);
        lost ??= setTimeout(() => over.abort(), LOST_MS);
      } else if (status.type === 'reconnect') {
        clearTimeout(lost);
        lost = undefined;
        this.#set(true);
      } else if (status.type === 'error') {
        this.#options.log.warn(`NATS: ${status.error.message}`);
        // A token that has merely expired may have been renewed: the client dials again with the newest.
        if (!(status.error instanceof AuthorizationError)) continue;
        this.#fault = { code: 'nats-refused', message: `NATS refuses this agent: ${status.error.message}` };
        over.abort();
      }
    }
    clearTimeout(lost);
  }

  #set(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    if (up) {
      this.#fault = undefined;
      this.#events.up();
    } else {
      this.#fault ??= { code: 'nats-unreachable', message: 'NATS closed the connection; dialling again' };
      this.#events.down();
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}

/** The public key that a JWT was made for; undefined when it is none. Its signature is the server's to check. */
function subjectOf(jwt: string): unknown {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')).sub;
  } catch {
    return undefined; // not a JWT
  }
}
