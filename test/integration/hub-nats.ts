import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { serverConfig } from '#hub/bus/server-config.ts';
import { agentJwt, initTrust, serverTokens, type Trust } from '#hub/bus/trust.ts';
import { createNkey, type Nkey } from '#proto/nkey.ts';
import { type NatsServer, startNatsServer } from '../bed/nats-server.ts';

/** Who connects once has that long to say who it is: more than the two seconds of nats-server, for a machine that stands still. */
export const PATIENT = 'authorization: { timeout: 60 }\n';

/** A nats-server in operator mode, as the hub's `init` configures it. FLOTILLA_TEST_NATS_SERVER names another program. */
export async function startTrustedNats(
  dir: string,
  /** Where JetStream stores, other than below `dir`, and how much it believes to have there. */
  store: { storeDir?: string; maxStoreBytes?: number } = {},
): Promise<{ nats: NatsServer; trust: Trust; data: string }> {
  const data = join(dir, 'hub');
  const { trust } = initTrust(data, Date.now());
  const program = process.env.FLOTILLA_TEST_NATS_SERVER;
  const nats = await startNatsServer({
    dir: join(dir, 'nats'),
    config: serverConfig(serverTokens(trust), store) + PATIENT,
    ...(program !== undefined && { program }),
  });
  return { nats, trust, data };
}

export type TestAgent = AsyncDisposable & {
  readonly connection: NatsConnection;
  /** What the server refused, in its words. */
  readonly refused: string[];
};

export type Identity = {
  cluster: string;
  key?: Nkey;
  /** Signs for `key`; the same unless a test lies. */
  seed?: Nkey;
  /** Comes back by itself when the server does, as real agents do. */
  reconnects?: boolean;
};

/** A NATS client with the rights of a cluster's agent. */
export async function connectAgent(url: string, trust: Trust, identity: Identity): Promise<TestAgent> {
  const key = identity.key ?? createNkey('user');
  const jwt = agentJwt(trust, identity.cluster, key.publicKey, Date.now());
  return connectWith(url, jwt, key, identity.seed ?? key, identity.cluster, identity.reconnects);
}

export async function connectWith(
  url: string,
  jwt: string,
  key: Nkey,
  seed: Nkey,
  cluster: string,
  reconnects = false,
): Promise<TestAgent> {
  const connection = await connect({
    servers: url,
    reconnect: reconnects,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    timeout: 60_000,
    inboxPrefix: `down.${cluster}.inbox`,
    authenticator: (nonce) => ({
      jwt,
      nkey: key.publicKey,
      sig: Buffer.from(seed.sign(Buffer.from(nonce ?? ''))).toString('base64url'),
    }),
  });
  const refused: string[] = [];
  const watching = (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error') refused.push(status.error.message);
    }
  })();
  return {
    connection,
    refused,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await watching;
    },
  };
}
