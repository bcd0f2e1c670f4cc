import {
  AuthorizationError,
  type ConnectionOptions,
  connect,
  type NatsConnection,
  UserAuthenticationExpiredError,
} from 'nats';
import { aborted, fullJitter, pause } from '#process/wait.ts';
import { type Fault, FlotillaError } from '#proto/faults.ts';
import { withoutCredentials } from '#proto/url.ts';
import { hubUserJwt, type Trust } from './trust.ts';

export type DialOptions = {
  servers: readonly string[];
  trust: Trust;
  /** Upper bound of the random waits between attempts, milliseconds. */
  reconnectMs: number;
};

const PING_MS = 20_000;
const DIAL_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 250;

/**
 * The hub's connection to NATS: tries for ever until there is a first one (`onFailure` is told of each attempt), then the
 * client keeps it for ever. Resolves undefined when the signal is aborted first.
 */
export async function dialNats(
  options: DialOptions,
  onFailure: (fault: Fault) => void,
  signal: AbortSignal,
): Promise<NatsConnection | undefined> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    // The client's own waitOnFirstConnect cannot be given up: an aborted hub would go on dialling.
    const dialled = dial(options);
    try {
      const connection = await Promise.race([dialled, aborted(signal)]);
      if (connection && !signal.aborted) return connection;
      dialled.then(
        (late) => late.close(),
        () => undefined,
      );
    } catch (error) {
      onFailure(natsFault(error, options.servers));
      await pause(fullJitter(attempt, { first: FIRST_RETRY_MS, most: options.reconnectMs }), signal);
    }
  }
  return undefined;
}

function dial({ servers, trust, reconnectMs }: DialOptions): Promise<NatsConnection> {
  const { hubUser } = trust;
  return connect({
    servers: [...servers],
    name: 'flotilla-hub',
    authenticator: (nonce) => ({
      jwt: hubUserJwt(trust),
      nkey: hubUser.publicKey,
      sig: nonce ? Buffer.from(hubUser.sign(Buffer.from(nonce))).toString('base64url') : '',
    }),
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_MS,
    timeout: DIAL_TIMEOUT_MS,
    noAsyncTraces: true,
    ...redial(reconnectMs),
  });
}

/**
 * Exponential full jitter for the client's own reconnects. `reconnectDelayHandler` is asked anew on every turn of the
 * client's loop and is not asked before the first attempt; the choice of a server is, once each.
 */
function redial(reconnectMs: number): Pick<ConnectionOptions, 'reconnectDelayHandler' | 'reconnectToServer'> {
  let failures = 0;
  let last = 0;
  return {
    reconnectDelayHandler: () => 0,
    reconnectToServer: (pool, info) => {
      const server = pool[0];
      if (!server || (info === null && last === 0)) return null;
      failures = Date.now() - last > 4 * reconnectMs ? 1 : failures + 1;
      const delay = fullJitter(failures, { first: FIRST_RETRY_MS, most: reconnectMs });
      last = Date.now() + delay;
      return { server, delay };
    },
  };
}

/** Follows a connection until it is closed for good; resolves then. */
export async function watchNats(
  connection: NatsConnection,
  on: { up: () => void; down: (fault: Fault) => void; warn: (message: string) => void },
): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') {
      on.down({ code: 'nats-unreachable', message: `NATS at ${status.server} closed the connection` });
    } else if (status.type === 'reconnect') on.up();
    else if (status.type === 'error') {
      if (isRefusal(status.error)) on.down(natsFault(status.error, [connection.getServer()]));
      else on.warn(`NATS: ${status.error.message}`);
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}

function natsFault(error: unknown, servers: readonly string[]): Fault {
  const where = withoutCredentials(servers.join(', '));
  const text = error instanceof Error ? error.message : String(error);
  return isRefusal(error)
    ? { code: 'nats-refused', message: `NATS at ${where} refuses the hub: ${text}` }
    : { code: 'nats-unreachable', message: `NATS at ${where} cannot be reached: ${text}` };
}

/** What JetStream answers with, as a fault of ours. */
export function storeFault(error: unknown, doing: string): FlotillaError {
  if (error instanceof FlotillaError) return error;
  return new FlotillaError('store-failed', `JetStream: ${doing}: ${(error as Error).message}`, {
    cause: error,
  });
}
