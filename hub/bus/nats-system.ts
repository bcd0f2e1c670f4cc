import { connect, type NatsConnection } from 'nats';
import { createNkey } from '#proto/nkey.ts';
import { fleetAccountJwt, systemUserJwt, type Trust } from './trust.ts';

const DIAL_MS = 5_000;
const ANSWER_MS = 5_000;
/** Streams of gigabytes take a while to be read again. */
const REOPEN_MS = 60_000;

/**
 * nats-server as it speaks of itself, in its system account. Only where one server stores everything: in a cluster of them streams are
 * opened by other rules.
 */
export class NatsSystem implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #trust: Trust;

  private constructor(connection: NatsConnection, trust: Trust) {
    this.#connection = connection;
    this.#trust = trust;
  }

  /** @throws Error of the client, where it is not reached or does not know these keys */
  static async open(server: string, trust: Trust): Promise<NatsSystem> {
    const user = createNkey('user');
    const jwt = systemUserJwt(trust, user.publicKey);
    const connection = await connect({
      servers: server,
      name: 'flotilla-hub (system)',
      reconnect: false,
      timeout: DIAL_MS,
      authenticator: (nonce) => ({
        jwt,
        nkey: user.publicKey,
        sig: Buffer.from(user.sign(Buffer.from(nonce ?? ''))).toString('base64url'),
      }),
    });
    return new NatsSystem(connection, trust);
  }

  get isCluster(): boolean {
    return this.#connection.info?.cluster !== undefined;
  }

  /** What is wrong with it, in its own words. @throws Error where it does not answer */
  async troubles(): Promise<string[]> {
    const subject = `$SYS.REQ.SERVER.${this.#connection.info?.server_id}.HEALTHZ`;
    const asked = JSON.stringify({ details: true });
    const answer = await this.#connection.request(subject, asked, { timeout: ANSWER_MS });
    const { data = {} } = answer.json<{ data?: { error?: string; errors?: { error?: string }[] } }>();
    const { error, errors = [{ error }] } = data;
    return errors.flatMap((one) => (one.error ? [one.error] : []));
  }

  /**
   * Has it close all streams of the fleet's account and open them again as they are on disk, by a token without JetStream that is
   * followed by the usual one. Connections stay. Both are sent at once: a hub that ends in between leaves nothing half done.
   * @throws Error where it refuses or does not answer
   */
  async reopenStreams(): Promise<void> {
    const subject = `$SYS.REQ.ACCOUNT.${this.#trust.account.publicKey}.CLAIMS.UPDATE`;
    this.#connection.publish(subject, fleetAccountJwt(this.#trust, { jetStream: false }));
    const usual = fleetAccountJwt(this.#trust, { jetStream: true });
    const answer = await this.#connection.request(subject, usual, { timeout: REOPEN_MS });
    const { error } = answer.json<{ error?: { description?: string } }>();
    if (error) throw new Error(`nats-server refuses the token of the account: ${error.description}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
