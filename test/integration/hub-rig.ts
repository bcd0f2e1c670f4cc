import { join } from 'node:path';
import { pino } from 'pino';
import type { Trust } from '#hub/bus/trust.ts';
import type { AuditRow } from '#hub/core/audit-reader.ts';
import {
  EMPTY_STATE,
  type FleetView,
  type HubState,
  type IndexSnapshot,
  type Reachability,
} from '#hub/core/types.ts';
import { Hub } from '#hub/hub.ts';
import { allowanceOf } from '#hub/webhooks/addresses.ts';
import type { AskOptions } from '#hub/webhooks/ask.ts';
import { keysIn } from '#hub/webhooks/secrets.ts';
import { openDesired } from '#proto/envelope.ts';
import type { DesiredPayload, Status } from '#proto/messages.ts';
import { createNkey, type Nkey } from '#proto/nkey.ts';
import { statusSetHash } from '#proto/status-set.ts';
import { down, up } from '#proto/subjects.ts';
import type { FleetEvent } from '#rollouts/advance.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { WorkingClone } from '../bed/git-repository.ts';
import { type GitServer, startGitServer } from '../bed/git-server.ts';
import type { NatsServer } from '../bed/nats-server.ts';
import { makeScratch } from '../bed/scratch.ts';
import { connectAgent, startTrustedNats, type TestAgent } from './hub-nats.ts';

/** A hub in this process on a real NATS and a real Git server, and agents that only say what a test has them say. */
const HEARTBEAT_MS = 1_000;
/** A hub keeps it for two thirds of that without renewing it: a machine that stands still for a moment takes it from nobody. */
const LEASE_MS = 15_000;
const signal = new AbortController().signal;

export const until = <T>(what: string, look: () => T | undefined, describe?: () => string): Promise<T> =>
  eventually(what, async () => look(), PATIENCE_MS, signal, describe);

/** Keeps the last of everything that the hub tells. */
export class RecordingView implements FleetView {
  index: IndexSnapshot | undefined;
  state: HubState = EMPTY_STATE;
  git: Reachability | undefined;
  bus: Reachability | undefined;
  store: Reachability | undefined;
  leader: string | undefined;
  readonly events: FleetEvent[] = [];
  readonly statuses: Status[] = [];
  readonly heard: string[] = [];

  setIndex(index: IndexSnapshot): void {
    this.index = index;
  }
  setState(state: HubState): void {
    this.state = state;
  }
  onFleetEvents(events: readonly FleetEvent[]): void {
    this.events.push(...events);
  }
  readonly toldAt = 0;
  readonly recollected: AuditRow[] = [];
  recollect(rows: readonly AuditRow[]): void {
    this.recollected.push(...rows);
  }
  setGit(git: Reachability): void {
    this.git = git;
  }
  setBus(bus: Reachability): void {
    this.bus = bus;
  }
  setStore(store: Reachability): void {
    this.store = store;
  }
  setLeader(name: string | undefined): void {
    this.leader = name;
  }
  onStatus(status: Status): void {
    this.statuses.push(status);
  }
  onHello({ cluster }: { cluster: string }): void {
    this.heard.push(`hello ${cluster}`);
  }
  onHeartbeat({ cluster }: { cluster: string }): void {
    this.heard.push(`heartbeat ${cluster}`);
  }
  onEvent({ cluster, type }: { cluster: string; type: string }): void {
    this.heard.push(`${type} ${cluster}`);
  }
  tick(): void {
    this.heard.length = Math.min(this.heard.length, 1_000);
  }
}

export type RunningHub = AsyncDisposable & {
  readonly hub: Hub;
  readonly view: RecordingView;
  readonly log: string[];
};

export type Rig = AsyncDisposable & {
  readonly dir: string;
  readonly git: GitServer;
  readonly nats: NatsServer;
  readonly trust: Trust;
  readonly clone: WorkingClone;
  readonly keys: Readonly<Record<'east' | 'west', Nkey>>;
  /** `index` names the directory of what is kept of Git; the same one for a restart. */
  startHub(options?: {
    index?: string;
    name?: string;
    /** Short for who has to lose it. */
    leaseMs?: number;
    acceptRewrite?: string;
    now?: () => number;
    webhooks?: AskOptions;
    /** Is told everything instead of the view that records. */
    feed?: FleetView;
  }): RunningHub;
  startAgent(cluster: 'east' | 'west'): Promise<FakeAgent>;
};

export const NO_WEBHOOKS: AskOptions = { allowance: allowanceOf([]), readKey: keysIn(undefined) };
const API = 'apiVersion: flotilla.dev/v1alpha1';
export const FLEET = `${API}\nkind: Fleet\nmetadata: { name: acme }\nspec: { branch: main }\n`;
export const entry = (name: string, key: Nkey) =>
  `${API}\nkind: Cluster\nmetadata: { name: ${name}, labels: { env: prod } }\nspec: { agent: { publicKeys: [${key.publicKey}] } }\n`;
export const placement = (name: string, selector = '{}') =>
  `${API}\nkind: Placement\nmetadata: { name: ${name} }\nspec: { selector: ${selector}, path: apps/${name} }\n`;
export const overlay = (text: string) => `namePrefix: ${text}-\n`;

export async function startRig(label: string, store?: Parameters<typeof startTrustedNats>[1]): Promise<Rig> {
  await using started = new AsyncDisposableStack();
  const scratch = started.use(await makeScratch(label));
  const { dir } = scratch;
  const { nats, trust } = await startTrustedNats(dir, store);
  started.use(nats);
  const git = started.use(await startGitServer({ dir: join(dir, 'git') }));
  const { url } = await git.createRepository('fleet');
  const clone = await WorkingClone.clone(url, join(dir, 'clone'));
  const keys = { east: createNkey('user'), west: createNkey('user') };
  await clone.write('flotilla.yaml', FLEET);
  await clone.write('clusters/east.yaml', entry('east', keys.east));
  await clone.write('clusters/west.yaml', entry('west', keys.west));
  await clone.write('placements/shop.yaml', placement('shop'));
  await clone.write('apps/shop/kustomization.yaml', overlay('a'));
  await clone.commit('First');
  const rest = started.move();
  return {
    dir,
    git,
    nats,
    trust,
    clone,
    keys,
    startHub: ({
      index = 'index',
      name = 'hub-1',
      leaseMs = LEASE_MS,
      acceptRewrite,
      now,
      webhooks = NO_WEBHOOKS,
      feed,
    } = {}) => {
      const view = new RecordingView();
      const log: string[] = [];
      const stop = new AbortController();
      const hub = new Hub({
        trust,
        view: feed ?? view,
        log: pino({ level: 'debug' }, { write: (line) => void log.push(line) }),
        follower: {
          remote: { url },
          branch: 'main',
          directory: join(dir, index),
          pollMs: 50,
          acceptRewrite,
        },
        nats: { servers: [nats.url], publicUrls: ['nats://public:4222'], reconnectMs: 300 },
        heartbeatMs: HEARTBEAT_MS,
        lease: { name, durationMs: leaseMs },
        webhooks,
        ...(now && { now }),
      });
      const running = hub.run(stop.signal);
      return {
        hub,
        view,
        log,
        async [Symbol.asyncDispose]() {
          stop.abort();
          await running;
        },
      };
    },
    startAgent: async (cluster) =>
      new FakeAgent(
        cluster,
        keys[cluster],
        trust,
        await connectAgent(nats.url, trust, { cluster, key: keys[cluster], reconnects: true }),
      ),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** Says hello and statuses, and keeps what it was told. */
export class FakeAgent implements AsyncDisposable {
  readonly cluster: string;
  /** Every document that arrived, oldest first; each was verified. */
  readonly documents: DesiredPayload[] = [];
  readonly asked: string[] = [];
  readonly #key: Nkey;
  readonly #agent: TestAgent;
  readonly #newest = new Map<string, number>();
  #seq = 0;
  #beat: NodeJS.Timeout | undefined;

  constructor(cluster: string, key: Nkey, trust: Trust, agent: TestAgent) {
    this.cluster = cluster;
    this.#key = key;
    this.#agent = agent;
    agent.connection.subscribe(down.all(cluster), {
      callback: (_, { subject, data }) => {
        const text = Buffer.from(data).toString('utf8');
        if (subject !== down.desired(cluster)) this.asked.push(subject);
        else this.#take(openDesired(text, [trust.hub.publicKey]));
      },
    });
    void this.#greetAgain();
  }

  /** As agents do: what was published while it was not connected is told again to who says hello. */
  async #greetAgain(): Promise<void> {
    for await (const { type } of this.#agent.connection.status())
      if (type === 'reconnect' && this.#beat) this.hello();
  }

  /** An older one is refused, as agents do. */
  #take(document: DesiredPayload): void {
    if (document.epoch >= (this.document?.epoch ?? 0)) this.documents.push(document);
  }

  get document(): DesiredPayload | undefined {
    return this.documents.at(-1);
  }

  /** From then on its heart beats. */
  hello(epoch = this.document?.epoch ?? 0): void {
    this.#beat ??= setInterval(() => this.heartbeat(), HEARTBEAT_MS / 2);
    this.send(up.hello(this.cluster), {
      v: 1,
      cluster: this.cluster,
      key: this.#key.publicKey,
      at: new Date().toISOString(),
      epoch,
      statusHash: statusSetHash(this.#newest),
      facts: {},
    });
  }

  heartbeat(statusHash = statusSetHash(this.#newest)): void {
    const epoch = this.document?.epoch ?? 0;
    const at = new Date().toISOString();
    this.send(up.heartbeat(this.cluster), { v: 1, cluster: this.cluster, at, epoch, statusHash, faults: [] });
  }

  /** Reports a placement as Current at what the last document says, or as removed. */
  report(placement: string, more: Partial<Status> = {}): Status {
    const assigned = this.document?.assignments.find((one) => one.placement === placement);
    const at = new Date().toISOString();
    const order = assigned ?? this.document?.removed.find((one) => one.placement === placement);
    const version = assigned && { revision: assigned.revision, digest: assigned.digest };
    const counts = { objects: 0, created: 0, configured: 0, unchanged: 0, pruned: 0, skipped: 0, failed: 0 };
    const status: Status = {
      v: 1,
      cluster: this.cluster,
      placement,
      seq: ++this.#seq,
      at,
      epoch: this.document?.epoch ?? 0,
      attempt: order?.attempt ?? 0,
      ...(version && { attempted: version, applied: version }),
      sync: { state: 'SYNCED', since: at },
      drift: { state: 'NONE', since: at },
      health: { state: 'CURRENT', since: at },
      counts,
      objects: [],
      drifts: [],
      truncated: { objects: 0, drifts: 0 },
      faults: [],
      ...more,
    };
    if (!status.removed) this.#newest.set(placement, status.seq);
    else this.#newest.delete(placement);
    this.send(up.status(this.cluster, placement), status);
    return status;
  }

  send(subject: string, message: unknown): void {
    this.#agent.connection.publish(subject, typeof message === 'string' ? message : JSON.stringify(message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beat);
    await this.#agent[Symbol.asyncDispose]();
  }
}
