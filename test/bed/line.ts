/** The whole line on this machine: Git, NATS, the hub and agents, each a process of its own. For the demo, tests and benchmarks. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Nkey } from '#proto/nkey.ts';
import { obtainTools } from '#tools/obtain.ts';
import { WorkingClone } from './git-repository.ts';
import { type GitServerProcess, startGitServerProcess } from './git-server-process.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { freePort } from './ports.ts';
import { Service } from './service.ts';

/** An agent to run: where its cluster is, and the key that its entry carries. */
export type LineMember = { name: string; key: Nkey; kubeconfig: string };

export type LineOptions = {
  /** Holds everything: repositories, stores, keys, logs, the working clone. */
  dir: string;
  /** A directory whose content is the first commit of the fleet repo. */
  repository: string;
  members: readonly LineMember[];
  /** Port of the hub; a free one when not given. */
  port?: number;
  /** Further flags of the hub and of every agent, for example intervals. */
  hubFlags?: readonly string[];
  agentFlags?: readonly string[];
  env?: NodeJS.ProcessEnv;
};

const HUB = join(import.meta.dirname, '../../hub/main.ts');
const AGENT = join(import.meta.dirname, '../../agent/main.ts');
const AGENTS = join(import.meta.dirname, 'agents-main.ts');
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** Intervals at which a person or a test sees things at once; the defaults suit a fleet. */
export const BRISK_HUB = ['--poll', '200ms', '--heartbeat', '2s', '--lease', '3s'];
const BRISK_RETRIES = ['--retry', '500ms', '--retry-most', '5s', '--reconnect', '300ms'];
export const briskly = (heartbeat: string) => ['--heartbeat', heartbeat, '--hello', '30s', ...BRISK_RETRIES];
export const BRISK_AGENT = [...briskly('2s'), '--lease', '6s'];

export class Line implements AsyncDisposable {
  readonly dir: string;
  readonly git: GitServerProcess;
  readonly nats: NatsServer;
  readonly hub: Service;
  readonly hubUrl: string;
  readonly hubKey: string;
  readonly clone: WorkingClone;
  readonly agents = new Map<string, Service>();
  private readonly options: LineOptions;
  private readonly kustomize: string;

  private constructor(
    parts: Pick<Line, 'git' | 'nats' | 'hub' | 'hubUrl' | 'hubKey' | 'clone'> & {
      options: LineOptions;
      kustomize: string;
    },
  ) {
    this.dir = parts.options.dir;
    this.git = parts.git;
    this.nats = parts.nats;
    this.hub = parts.hub;
    this.hubUrl = parts.hubUrl;
    this.hubKey = parts.hubKey;
    this.clone = parts.clone;
    this.options = parts.options;
    this.kustomize = parts.kustomize;
  }

  get graphql(): string {
    return `${this.hubUrl}/graphql`;
  }

  /** Starts everything; what was started is ended again when a part does not come up. */
  static async start(options: LineOptions, signal?: AbortSignal): Promise<Line> {
    await using started = new AsyncDisposableStack();
    const { dir } = options;
    const tools = await obtainTools(['nats-server', 'kustomize'], {}, signal);
    const hubData = join(dir, 'hub');
    const natsPort = await freePort();
    const port = options.port ?? (await freePort());
    const hubKey = initHub(hubData, natsPort);
    const [git, nats] = await Promise.all([
      startGitServerProcess({ dir: join(dir, 'git') }, signal).then((service) => started.use(service)),
      startNatsServer(
        {
          dir: join(dir, 'nats'),
          configFile: join(hubData, 'nats-server.conf'),
          port: natsPort,
          program: tools['nats-server'],
        },
        signal,
      ).then((service) => started.use(service)),
    ]);
    const { url } = await git.createRepository('fleet', { from: options.repository });
    const clone = await WorkingClone.clone(url, join(dir, 'fleet'));
    const hubUrl = `http://127.0.0.1:${port}`;
    const flags = ['--git', url, '--nats', nats.url, '--data', hubData, '--listen', `127.0.0.1:${port}`];
    const hub = started.use(
      new Service({
        name: 'hub',
        command: process.execPath,
        args: [...NODE_FLAGS, HUB, 'run', ...flags, ...(options.hubFlags ?? BRISK_HUB)],
        env: { ...process.env, ...options.env },
        logFile: join(dir, 'logs/hub.log'),
        ready: async (until) => (await fetch(`${hubUrl}/healthz`, { signal: until })).ok,
      }),
    );
    await hub.start(signal);
    const line = started.use(
      new Line({ git, nats, hub, hubUrl, hubKey, clone, options, kustomize: tools.kustomize }),
    );
    await Promise.all(options.members.map((member) => line.addAgent(member, {}, signal)));
    started.move();
    return line;
  }

  /** Starts the agent of a cluster; its entry may be committed before or after. */
  async addAgent(
    member: LineMember,
    more: { env?: NodeJS.ProcessEnv; flags?: readonly string[] } = {},
    signal?: AbortSignal,
  ): Promise<Service> {
    const agent = new Service({
      name: `agent ${member.name}`,
      command: process.execPath,
      args: [...NODE_FLAGS, AGENT, ...this.flagsOf(member), ...(more.flags ?? [])],
      env: { ...process.env, ...this.options.env, ...more.env },
      logFile: join(this.dir, `logs/agent-${member.name}.log`),
      ready: async () => true,
    });
    this.agents.set(member.name, agent);
    await agent.start(signal);
    return agent;
  }

  /** Starts the agents of many clusters in one process, which goes by `name`. */
  async addAgents(name: string, members: readonly LineMember[], signal?: AbortSignal): Promise<Service> {
    const file = join(this.dir, `agents-${name}.json`);
    writeFileSync(file, JSON.stringify(members.map((member) => this.flagsOf(member))));
    const agents = new Service({
      name: `agents ${name}`,
      command: process.execPath,
      args: [...NODE_FLAGS, AGENTS, file],
      env: { ...process.env, ...this.options.env },
      logFile: join(this.dir, `logs/agents-${name}.log`),
      ready: async () => true,
    });
    this.agents.set(name, agents);
    await agents.start(signal);
    return agents;
  }

  private flagsOf({ name, key, kubeconfig }: LineMember): string[] {
    const data = join(this.dir, 'agents', name);
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'agent.seed'), key.seed, { mode: 0o600 });
    return [
      ...['--cluster', name, '--hub', this.hubUrl, '--hub-keys', this.hubKey],
      ...['--git', this.git.repositoryUrl('fleet'), '--data', data],
      ...['--kubeconfig', kubeconfig, '--kustomize', this.kustomize],
      ...(this.options.agentFlags ?? BRISK_AGENT),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.stop()));
    await this.hub.stop();
    await Promise.all([this.nats.stop(), this.git.stop()]);
  }
}

/** Makes the hub's keys and the configuration of nats-server; returns the public key that agents pin. */
function initHub(data: string, natsPort: number): string {
  const args = [...NODE_FLAGS, HUB, 'init', '--data', data, '--nats-port', String(natsPort)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const [key] = /\bN[A-Z2-7]{55}\b/.exec(stdout) ?? [];
  if (status !== 0 || !key) throw new Error(`hub init failed: ${stderr || stdout}`);
  return key;
}
