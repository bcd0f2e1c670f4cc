/** Agents without clusters: they speak the protocol, and what they come to say of an attempt is a script. Dozens of them cost nothing. */
import type { Trust } from '#hub/bus/trust.ts';
import { openDesired } from '#proto/envelope.ts';
import type { DesiredPayload, Status } from '#proto/messages.ts';
import type { Nkey } from '#proto/nkey.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { down, up } from '#proto/subjects.ts';
import { connectAgent, type TestAgent } from '../integration/hub-nats.ts';

/** What is said of an attempt after it was echoed, in order; times from the echo, as the script's clock counts them. */
export type Script = readonly {
  readonly afterMs: number;
  readonly phase: 'verifying' | 'current' | 'failed';
  readonly message?: string;
}[];
export type Attempt = {
  readonly cluster: string;
  readonly placement: string;
  readonly attempt: number;
  readonly revision: string;
  /** Null: to be removed. */
  readonly digest: string | null;
};

export type ScriptedOptions = {
  readonly natsUrl: string;
  readonly trust: Trust;
  /** Cluster → key of its entry. */
  readonly keys: ReadonlyMap<string, Nkey>;
  readonly heartbeatMs: number;
  /** How many times as fast as the real one the clock of the script goes. */
  readonly speed?: number;
  /** They outlive the server and come back when it does. */
  readonly reconnects?: boolean;
  readonly play: (attempt: Attempt) => Script;
};

const FACTS = {};
const COUNTS = { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };

class ScriptedAgent {
  readonly cluster: string;
  readonly attempts: Attempt[] = [];
  readonly #options: ScriptedOptions;
  readonly #connection: TestAgent;
  readonly #timers = new Map<string, NodeJS.Timeout[]>();
  readonly #statuses = new Map<string, Status>();
  #document: DesiredPayload | undefined;
  #beat: NodeJS.Timeout | undefined;
  #isSilent = false;
  #seq = 0;

  constructor(cluster: string, options: ScriptedOptions, connection: TestAgent) {
    this.cluster = cluster;
    this.#options = options;
    this.#connection = connection;
    connection.connection.subscribe(down.all(cluster), {
      callback: (_, { subject, data }) => {
        if (this.#isSilent) return;
        if (subject === down.desired(cluster)) this.#receive(Buffer.from(data).toString('utf8'));
        else if (subject === down.rpc(cluster, 'status')) this.#sayAll();
      },
    });
  }

  start(): void {
    const { heartbeatMs, speed = 1 } = this.#options;
    this.#hello();
    let beats = 0;
    // A hub that was killed hears of everybody again without being asked.
    this.#beat = setInterval(
      () => (++beats % 5 === 0 ? this.#hello() : this.#heartbeat()),
      heartbeatMs / speed,
    );
  }

  /** Says nothing and hears nothing from now on; back again, it says hello and what it has to say. */
  silence(isSilent: boolean): void {
    this.#isSilent = isSilent;
    if (isSilent) return;
    this.#sayAll();
    this.#hello();
  }

  /** What its newest attempt comes to, where the script left that open. */
  finish(phase: Script[number]['phase']): void {
    const newest = this.attempts.at(-1);
    if (newest) this.#come(newest, phase, undefined);
  }

  /** The document that it has accepted. */
  get document(): DesiredPayload | undefined {
    return this.#document;
  }

  async end(): Promise<void> {
    clearInterval(this.#beat);
    for (const timer of [...this.#timers.values()].flat()) clearTimeout(timer);
    await this.#connection[Symbol.asyncDispose]();
  }

  #receive(text: string): void {
    const document = openDesired(text, [this.#options.trust.hub.publicKey]);
    if (this.#document && document.epoch <= this.#document.epoch) return;
    this.#document = document;
    const { cluster } = this;
    for (const { placement, attempt, revision, digest } of document.assignments)
      this.#begin({ cluster, placement, attempt, revision, digest });
    for (const { placement, attempt = 0, revision } of document.removed)
      this.#begin({ cluster, placement, attempt, revision, digest: null });
  }

  #begin(one: Attempt): void {
    const { placement } = one;
    if (this.#statuses.get(placement)?.attempt === one.attempt) return;
    for (const timer of this.#timers.get(placement) ?? []) clearTimeout(timer);
    this.attempts.push(one);
    this.#say(one, 'APPLYING', 'IN_PROGRESS');
    const { play, speed = 1 } = this.#options;
    const timers = play(one).map(({ afterMs, phase, message }) =>
      setTimeout(() => this.#come(one, phase, message), afterMs / speed),
    );
    this.#timers.set(placement, timers);
  }

  #come(one: Attempt, phase: Script[number]['phase'], message: string | undefined): void {
    if (phase === 'failed') this.#say(one, 'FAILED', 'UNKNOWN', message);
    else this.#say(one, 'SYNCED', phase === 'current' ? 'CURRENT' : 'IN_PROGRESS', message);
  }

  #say(
    { placement, attempt, revision, digest }: Attempt,
    sync: Status['sync']['state'],
    health: Status['health']['state'],
    reason?: string,
  ): void {
    const at = new Date().toISOString();
    const was = this.#statuses.get(placement);
    const version = digest === null ? undefined : { revision, digest };
    const applied = sync === 'SYNCED' ? version : was?.applied;
    const because = reason === undefined ? {} : { reason };
    const status: Status = {
      v: 1,
      cluster: this.cluster,
      placement,
      seq: ++this.#seq,
      at,
      epoch: this.#document?.epoch ?? 0,
      attempt,
      ...(version && { attempted: version }),
      ...(applied && { applied }),
      ...(digest === null && sync === 'SYNCED' && { removed: true }),
      sync: { state: sync, since: at, ...because },
      drift: { state: 'NONE', since: at },
      health: { state: health, since: at, ...because },
      counts: COUNTS,
      objects: [],
      drifts: [],
      truncated: { objects: 0, drifts: 0 },
      faults: [],
    };
    this.#statuses.set(placement, status);
    this.#send(up.status(this.cluster, placement), status);
  }

  #sayAll(): void {
    for (const [placement, status] of this.#statuses) this.#send(up.status(this.cluster, placement), status);
  }

  get #hash(): string {
    const kept = [...this.#statuses].filter(([, status]) => !status.removed);
    return statusSetHash(new Map(kept.map(([placement, { seq }]) => [placement, seq])));
  }

  #hello(): void {
    const { cluster } = this;
    const key = this.#options.keys.get(cluster)!.publicKey;
    const epoch = this.#document?.epoch ?? 0;
    const at = new Date().toISOString();
    this.#send(up.hello(cluster), { v: 1, cluster, key, at, epoch, statusHash: this.#hash, facts: FACTS });
  }

  #heartbeat(): void {
    const { cluster } = this;
    const epoch = this.#document?.epoch ?? 0;
    const at = new Date().toISOString();
    this.#send(up.heartbeat(cluster), { v: 1, cluster, at, epoch, statusHash: this.#hash, faults: [] });
  }

  #send(subject: string, message: unknown): void {
    if (!this.#isSilent) this.#connection.connection.publish(subject, JSON.stringify(message));
  }
}

/** One agent for each cluster, connected as such. */
export class ScriptedAgents implements AsyncDisposable {
  readonly #agents: ReadonlyMap<string, ScriptedAgent>;

  private constructor(agents: ReadonlyMap<string, ScriptedAgent>) {
    this.#agents = agents;
  }

  static async start(options: ScriptedOptions): Promise<ScriptedAgents> {
    const { natsUrl, trust, keys, reconnects = false } = options;
    const agents = new Map<string, ScriptedAgent>();
    for (const [cluster, key] of keys) {
      const connection = await connectAgent(natsUrl, trust, { cluster, key, reconnects });
      agents.set(cluster, new ScriptedAgent(cluster, options, connection));
    }
    for (const agent of agents.values()) agent.start();
    return new ScriptedAgents(agents);
  }

  /** What a cluster was told to run, in order. */
  attempts(cluster: string): readonly Attempt[] {
    return this.#agents.get(cluster)!.attempts;
  }

  /** The document that a cluster has accepted last. */
  document(cluster: string): DesiredPayload | undefined {
    return this.#agents.get(cluster)!.document;
  }

  /** What the newest attempts of clusters come to, where the script left that open. */
  finish(phase: Script[number]['phase'], ...clusters: readonly string[]): void {
    for (const cluster of clusters) this.#agents.get(cluster)!.finish(phase);
  }

  silence(isSilent: boolean, ...clusters: readonly string[]): void {
    for (const cluster of clusters) this.#agents.get(cluster)!.silence(isSilent);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.end()));
  }
}
