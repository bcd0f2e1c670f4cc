/** What clusters are told and what they say, as it goes over the bus: a record that is independent of what the hub says of itself. */
import type { NatsConnection } from 'nats';
import { dialNats } from '#hub/bus/connect.ts';
import { loadTrust } from '#hub/bus/trust.ts';
import { openDesired } from '#proto/envelope.ts';
import type { Status } from '#proto/messages.ts';
import { clusterOf } from '#proto/subjects.ts';

/** In the order of the server: nobody is told something because of a report that is not before it. */
export type Heard =
  | {
      readonly what: 'told';
      readonly cluster: string;
      readonly placement: string;
      readonly attempt: number;
      /** Null: to be removed. */
      readonly digest: string | null;
      readonly revision: string;
    }
  | { readonly what: 'said'; readonly cluster: string; readonly placement: string; readonly status: Status };

export class BusSpy implements AsyncDisposable {
  readonly heard: Heard[] = [];
  readonly #connection: NatsConnection;
  readonly #key: string;
  /** `cluster/placement` → attempt told last. */
  readonly #told = new Map<string, number>();
  readonly #epochs = new Map<string, number>();

  private constructor(connection: NatsConnection, key: string) {
    this.#connection = connection;
    this.#key = key;
    connection.subscribe('desired.*', { callback: (_, { data }) => this.#tell(data) });
    connection.subscribe('up.*.status.*', {
      callback: (_, { subject, data }) => {
        const status = JSON.parse(Buffer.from(data).toString('utf8')) as Status;
        this.heard.push({ what: 'said', cluster: clusterOf(subject), placement: status.placement, status });
      },
    });
  }

  /** `dataDir` is that of the hub, whose rights it has. */
  static async open(natsUrl: string, dataDir: string, signal: AbortSignal): Promise<BusSpy> {
    const trust = loadTrust(dataDir);
    const told: string[] = [];
    const options = { servers: [natsUrl], trust, reconnectMs: 300 };
    const connection = await dialNats(options, ({ message }) => void told.push(message), signal);
    if (!connection) throw new Error(`the bus cannot be listened to: ${told.at(-1)}`);
    const spy = new BusSpy(connection, trust.hub.publicKey);
    await connection.flush();
    return spy;
  }

  /** Only what is new for a cluster: a document has everything that it runs, and one that is older than another is refused. */
  #tell(data: Uint8Array): void {
    const text = Buffer.from(data).toString('utf8');
    const { cluster, epoch, assignments, removed } = openDesired(text, [this.#key]);
    if (epoch <= (this.#epochs.get(cluster) ?? 0)) return;
    this.#epochs.set(cluster, epoch);
    const all = [
      ...assignments,
      ...removed.map((one) => ({ ...one, digest: null, attempt: one.attempt ?? 0 })),
    ];
    for (const { placement, attempt, digest, revision } of all) {
      const key = `${cluster}/${placement}`;
      if (this.#told.get(key) === attempt) continue;
      this.#told.set(key, attempt);
      this.heard.push({ what: 'told', cluster, placement, attempt, digest, revision });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
