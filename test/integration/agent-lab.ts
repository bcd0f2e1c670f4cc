/** One agent with everything around it: real Git, real NATS, a simulated API server, and a hub that says what a test wants. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { type AgentConfig, readConfig } from '#agent/config.ts';
import { FleetReader } from '#agent/derive/fleet-reader.ts';
import { runAgent } from '#agent/main.ts';
import { GitRemote } from '#git/remote.ts';
import { Repository } from '#git/repository.ts';
import { SparseObjects } from '#git/sparse.ts';
import { scopedUserJwt } from '#hub/bus/jwt.ts';
import { serverConfig } from '#hub/bus/server-config.ts';
import { hubUserJwt, initTrust, serverTokens, type Trust } from '#hub/bus/trust.ts';
import { resolveAssignment } from '#proto/assignment.ts';
import { sealDesired } from '#proto/envelope.ts';
import type { AgentEvent, Bootstrap, DesiredPayload, Heartbeat, Hello, Status } from '#proto/messages.ts';
import { createNkey, type Nkey } from '#proto/nkey.ts';
import { clusterOf, down, tailOf } from '#proto/subjects.ts';
import { NodeCache } from '#render/closure.ts';
import { digestOf } from '#render/digest.ts';
import { type Sim, startSim } from '#sim/server.ts';
import { refusePlanted } from '#test/bed/planted.ts';
import { obtainTools } from '#tools/obtain.ts';
import { type OwnedProcess, spawnOwned } from '#tools/owned.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { WorkingClone } from '../bed/git-repository.ts';
import { type GitServer, startGitServer } from '../bed/git-server.ts';
import { type NatsServer, startNatsServer } from '../bed/nats-server.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { writeFiles } from '../e2e/fleet.ts';
import { PATIENT } from './hub-nats.ts';

export const NEVER = new AbortController().signal;
export const CLUSTER = 'one';
const MAIN = join(import.meta.dirname, '../../agent/main.ts');

export const FLEET = `apiVersion: flotilla.dev/v1alpha1
kind: Fleet
metadata: { name: lab }
spec: { branch: main }
`;
export const entryOf = (key: Nkey, more = ''): string => `apiVersion: flotilla.dev/v1alpha1
kind: Cluster
metadata: { name: ${CLUSTER}, labels: { env: prod } }
spec:
  agent: { publicKeys: [${key.publicKey}] }
  values: { greeting: hello }
${more}`;
export const placementOf = (name: string, more = ''): string => `apiVersion: flotilla.dev/v1alpha1
kind: Placement
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { env: prod } }
  path: apps/${name}
  values: { optional: { greeting: nobody } }
${more}`;
export const overlay = (name: string, ...maps: string[]): Record<string, string> => ({
  [`apps/${name}/kustomization.yaml`]: `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: default
resources: [${maps.map((map) => `${map}.yaml`).join(', ')}]
`,
  ...Object.fromEntries(maps.map((map) => [`apps/${name}/${map}.yaml`, configMap(map, 'blue')])),
});
export const configMap = (name: string, colour: string): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: ${name} }
data: { greeting: "\${greeting}", colour: ${colour} }
`;

export type LabOptions = {
  files?: Readonly<Record<string, string>>;
  flags?: readonly string[];
  /** Of a real API server instead of the simulated one. */
  kubeconfig?: string;
  /** Milliseconds after which a simulated Deployment is ready. */
  readyDelay?: number;
};

const DEFAULT_LOG = pino({ level: process.env.AGENT_LAB_LOG ?? 'silent' }, pino.destination(2));

/** The hub's part is played by the test: `publish` signs whatever it is given. */
export class AgentLab implements AsyncDisposable {
  readonly key = createNkey('user');
  readonly hubKey = createNkey('server');
  readonly statuses: Status[] = [];
  readonly hellos: Hello[] = [];
  readonly heartbeats: Heartbeat[] = [];
  readonly events: AgentEvent[] = [];
  /** The newest envelope, which answers every hello. */
  envelope: string | undefined;
  enrolled = true;
  /** How long the tokens are good that bootstrap gives. */
  tokenSeconds = 3_600;
  bootstraps = 0;
  trust!: Trust;
  sim!: Sim;
  git!: GitServer;
  nats!: NatsServer;
  clone!: WorkingClone;
  bus!: NatsConnection;
  config!: AgentConfig;
  #scratch!: Scratch;
  #bootstrap!: Server;
  #objects!: SparseObjects;
  #epoch = 0;
  #arguments: readonly string[] = [];
  readonly #processes: OwnedProcess[] = [];
  #attempt = 0;
  #agent: { end: AbortController; running: Promise<void> } | undefined;

  static async open({
    files = {},
    flags = [],
    kubeconfig: real,
    readyDelay = 50,
  }: LabOptions = {}): Promise<AgentLab> {
    const lab = new AgentLab();
    const tools = await obtainTools(['nats-server', 'kustomize']);
    lab.#scratch = await makeScratch('agent');
    const { dir } = lab.#scratch;
    lab.trust = initTrust(join(dir, 'hub'), Date.now()).trust;
    lab.sim = await startSim({ clusters: [CLUSTER], readyDelay });
    lab.nats = await startNatsServer({
      dir: join(dir, 'nats'),
      config: serverConfig(serverTokens(lab.trust), {}) + PATIENT,
      program: tools['nats-server'],
    });
    lab.git = await startGitServer({ dir: join(dir, 'git') });
    writeFiles(join(dir, 'first'), {
      'flotilla.yaml': FLEET,
      [`clusters/${CLUSTER}.yaml`]: entryOf(lab.key),
      'placements/web.yaml': placementOf('web'),
      ...overlay('web', 'settings'),
      ...files,
    });
    const { url } = await lab.git.createRepository('fleet', { from: join(dir, 'first') });
    lab.clone = await WorkingClone.clone(url, join(dir, 'clone'));
    const repository = await Repository.open({ directory: join(dir, 'hub-git') });
    lab.#objects = new SparseObjects(new GitRemote({ url }), repository);
    await lab.#listen();
    const { port } = lab.#bootstrap.address() as AddressInfo;
    const data = join(dir, 'data');
    mkdirSync(data);
    writeFileSync(join(data, 'agent.seed'), lab.key.seed, { mode: 0o600 });
    const kubeconfig = real ?? join(dir, 'kubeconfig');
    if (real === undefined) writeFileSync(kubeconfig, lab.sim.kubeconfig(CLUSTER));
    lab.#arguments = [
      ...['--cluster', CLUSTER, '--hub', `http://127.0.0.1:${port}`, '--hub-keys', lab.hubKey.publicKey],
      ...['--git', url, '--data', data, '--kubeconfig', kubeconfig, '--kustomize', tools.kustomize],
      ...['--heartbeat', '200ms', '--hello', '5s', '--tip-check', '400ms', '--lease', '10s'],
      ...['--retry', '200ms', '--retry-most', '1s', '--reconnect', '100ms', ...flags],
    ];
    lab.config = readConfig(lab.#arguments, {});
    return lab;
  }

  /** What an agent process is started with. */
  get arguments(): readonly string[] {
    return this.#arguments;
  }

  /** Starts the agent in this process. */
  start(change: Partial<AgentConfig> = {}, log = DEFAULT_LOG): void {
    const end = new AbortController();
    this.#agent = { end, running: runAgent({ ...this.config, ...change }, end.signal, log) };
  }

  /** Starts the agent as a process of its own, with the same arguments. */
  spawn(env: Record<string, string> = {}): OwnedProcess {
    const flags = ['--disable-warning=ExperimentalWarning', MAIN, ...this.#arguments];
    const process_ = spawnOwned(process.execPath, flags, {
      env: { ...process.env, ...env },
      stderr: 'ignore',
    });
    this.#processes.push(process_);
    return process_;
  }

  /** Another agent with the same configuration, and what it logs. */
  second(change: Partial<AgentConfig>): AsyncDisposable & { untilLogged(pattern: RegExp): Promise<true> } {
    const end = new AbortController();
    let logged = '';
    const log = pino(
      { level: 'info' },
      {
        write: (line: string) => {
          logged += line;
        },
      },
    );
    const running = runAgent({ ...this.config, ...change }, end.signal, log);
    return {
      untilLogged: (pattern) =>
        eventually(
          `a log with ${pattern}`,
          async () => (pattern.test(logged) ? true : undefined),
          PATIENCE_MS,
          NEVER,
          () => logged,
        ),
      async [Symbol.asyncDispose]() {
        end.abort();
        await running;
      },
    };
  }

  /** Everything on its disk is gone but the key, which a Secret mounts. */
  emptyDisk(): void {
    for (const name of readdirSync(this.config.dataDir))
      if (name !== 'agent.seed') rmSync(join(this.config.dataDir, name), { recursive: true });
  }

  async stop(): Promise<void> {
    this.#agent?.end.abort();
    await this.#agent?.running;
    this.#agent = undefined;
  }

  /** The digest that a true hub would compute. */
  async digest(placement: string, revision: string, entryRevision = revision): Promise<string> {
    const reader = new FleetReader(this.#objects);
    const [fleet, document, entry] = [
      await reader.fleet(revision, NEVER),
      await reader.placement(revision, placement, NEVER),
      await reader.cluster(entryRevision, CLUSTER, NEVER),
    ];
    if (fleet.state !== 'valid' || document.state !== 'valid' || entry.state !== 'valid')
      throw new Error(`no digest of ${placement} at ${revision}`);
    const { valid: values } = await reader.values(revision, NEVER);
    const resolution = resolveAssignment(fleet.document, document.document, entry.document, { values });
    if (!('assignment' in resolution)) throw new Error(resolution.faults[0]!.message);
    const tree = await reader.treeOf(revision, NEVER);
    return (await digestOf(this.#objects, tree, resolution.assignment, new NodeCache(), NEVER)).digest;
  }

  /** A document that assigns placements at a revision, with new attempts. */
  async document(
    revision: string,
    placements: readonly string[],
    change: Partial<DesiredPayload> = {},
  ): Promise<DesiredPayload> {
    this.#epoch = Math.max(this.#epoch + 1, Date.now());
    this.#attempt = Math.max(this.#attempt + 1, Date.now());
    const assignments = [];
    for (const placement of placements) {
      const digest = await this.digest(placement, revision);
      assignments.push({ placement, revision, entryRevision: revision, digest, attempt: this.#attempt });
    }
    const issuedAt = new Date().toISOString();
    return {
      cluster: CLUSTER,
      epoch: this.#epoch,
      issuedAt,
      head: revision,
      assignments,
      removed: [],
      ...change,
    };
  }

  /** Signs and publishes; it is also the answer to every hello from now on. */
  publish(document: DesiredPayload, key: Nkey = this.hubKey): void {
    this.send(sealDesired(document, key));
  }

  send(envelope: string): void {
    this.envelope = envelope;
    this.bus.publish(down.desired(CLUSTER), envelope);
  }

  /** Assigns placements at a revision and waits until they run and are Current. */
  async rollOut(revision: string, placements: readonly string[] = ['web']): Promise<DesiredPayload> {
    const document = await this.document(revision, placements);
    this.publish(document);
    for (const { placement, attempt, digest } of document.assignments)
      await this.until(
        `${placement} Current`,
        placement,
        (status) =>
          status.attempt === attempt &&
          status.applied?.digest === digest &&
          status.sync.state === 'SYNCED' &&
          status.health.state === 'CURRENT',
      );
    return document;
  }

  /** Waits for anything that a test can tell by itself. */
  soon(what: string, holds: () => boolean): Promise<true> {
    return eventually(what, async () => (holds() ? true : undefined), PATIENCE_MS, NEVER);
  }

  newest(placement: string): Status | undefined {
    return this.statuses.findLast((status) => status.placement === placement);
  }

  until(what: string, placement: string, holds: (status: Status) => boolean): Promise<Status> {
    return eventually(
      what,
      async () => {
        const status = this.newest(placement);
        return status && holds(status) ? status : undefined;
      },
      PATIENCE_MS,
      NEVER,
      () => JSON.stringify({ status: this.newest(placement), beat: this.heartbeats.at(-1) }),
    );
  }

  /** Waits for a heartbeat that carries a fault. */
  untilFault(code: string): Promise<Heartbeat> {
    return eventually(
      `a heartbeat with ${code}`,
      async () => {
        const beat = this.heartbeats.at(-1);
        return beat?.faults.some((fault) => fault.code === code) ? beat : undefined;
      },
      PATIENCE_MS,
      NEVER,
      () => JSON.stringify(this.heartbeats.at(-1)),
    );
  }

  /** A request to the API server beside the agent; `field manager` somebody. */
  async kube(
    method: string,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<{ status: number; body: Kube }> {
    const answer = await fetch(`${this.sim.serverUrl(CLUSTER)}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.sim.token(CLUSTER)}`, 'content-type': contentType },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Kube };
  }

  async map(name: string): Promise<Kube | undefined> {
    const { status, body } = await this.kube('GET', `/api/v1/namespaces/default/configmaps/${name}`);
    return status === 200 ? body : undefined;
  }

  edit(name: string, data: Record<string, string>): Promise<unknown> {
    const path = `/api/v1/namespaces/default/configmaps/${name}?fieldManager=somebody`;
    return this.kube('PATCH', path, { data }, 'application/merge-patch+json');
  }

  untilMap(what: string, name: string, holds: (map: Kube | undefined) => boolean): Promise<true> {
    let last: Kube | undefined;
    return eventually(
      what,
      async () => {
        last = await this.map(name);
        return holds(last) ? true : undefined;
      },
      PATIENCE_MS,
      NEVER,
      () => JSON.stringify({ last, status: this.statuses.at(-1) }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Promise.all(this.#processes.map((one) => one.kill9()));
    const { body: maps } = await this.kube('GET', '/api/v1/namespaces/flotilla-system/configmaps');
    await this.bus?.close();
    this.#bootstrap?.closeAllConnections();
    this.#bootstrap?.close();
    await this.git.stop();
    await this.nats.stop();
    await this.sim.close();
    await this.#scratch[Symbol.asyncDispose]();
    const { statuses, events, heartbeats, hellos } = this;
    refusePlanted('what the agent published or kept', { statuses, events, heartbeats, hellos, maps });
  }

  async #listen(): Promise<void> {
    const { hubUser } = this.trust;
    this.bus = await connect({
      servers: this.nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      authenticator: (nonce) => ({
        jwt: hubUserJwt(this.trust),
        nkey: hubUser.publicKey,
        sig: nonce ? Buffer.from(hubUser.sign(Buffer.from(nonce))).toString('base64url') : '',
      }),
    });
    this.bus.subscribe('up.>', {
      callback: (_, { subject, data }) => this.#take(subject, JSON.parse(Buffer.from(data).toString())),
    });
    this.#bootstrap = createServer((request, response) => {
      this.bootstraps++;
      const known = this.enrolled && request.url === `/v1/agents/${this.key.publicKey}`;
      const answer: Bootstrap = {
        v: 1,
        cluster: CLUSTER,
        jwt: this.token(),
        natsUrls: [this.nats.url],
        hubKeys: [this.hubKey.publicKey],
      };
      response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(known ? answer : { code: 'bootstrap-not-enrolled' }));
    });
    await new Promise<void>((resolve) => this.#bootstrap.listen(0, '127.0.0.1', resolve));
  }

  /** A token of this agent. */
  token(seconds = this.tokenSeconds): string {
    const { agents, account } = this.trust;
    const issuedAt = Math.floor(Date.now() / 1000);
    return scopedUserJwt(agents, {
      publicKey: this.key.publicKey,
      name: CLUSTER,
      issuedAt,
      expiresAt: issuedAt + seconds,
      account: account.publicKey,
    });
  }

  #take(subject: string, message: unknown): void {
    if (clusterOf(subject) !== CLUSTER) return;
    const tail = tailOf(subject);
    if (tail.startsWith('status.')) this.statuses.push(message as Status);
    else if (tail === 'hb') this.heartbeats.push(message as Heartbeat);
    else if (tail === 'event') this.events.push(message as AgentEvent);
    else if (tail === 'hello') {
      this.hellos.push(message as Hello);
      if (this.envelope) this.bus.publish(down.desired(CLUSTER), this.envelope);
    }
  }
}

export type Kube = {
  metadata: { name: string; uid: string; resourceVersion: string };
  data: Record<string, string>;
  items: Kube[];
};
