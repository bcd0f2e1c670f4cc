/** One real control plane: API server, controllers, scheduler, and kwok playing a node, on an etcd that it shares. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KubeAccess, KubeClient, kubeconfigOf } from './kube-client.ts';
import { freePort } from './ports.ts';
import { Service } from './service.ts';

export type Programs = Record<
  'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok',
  string
>;

/** What Deployments, Jobs, namespaces, RBAC aggregation and garbage collection need; everything else costs CPU. */
const CONTROLLERS = [
  'deployment',
  'replicaset',
  'statefulset',
  'daemonset',
  'job',
  'cronjob',
  'disruption',
  'namespace',
  'serviceaccount',
  'garbage-collector',
  'endpoints',
  'endpointslice',
  'clusterrole-aggregation',
  'ttl-after-finished',
].map((name) => `${name}-controller`);

export class ControlPlane implements AsyncDisposable {
  readonly name: string;
  readonly dir: string;
  readonly server: string;
  readonly adminToken: string;
  /** To be killed and started again by tests; it keeps its port, its certificate and its data. */
  readonly apiServer: Service;
  /** PEM of what the API server's certificate is verified by; there once it has started. */
  ca = '';
  private readonly programs: Programs;
  private readonly nodes: number;
  private others: Service[] = [];
  private clientOnce: KubeClient | undefined;

  private constructor(
    name: string,
    dir: string,
    port: number,
    etcd: string,
    programs: Programs,
    nodes: number,
  ) {
    this.name = name;
    this.dir = dir;
    this.programs = programs;
    this.nodes = nodes;
    this.server = `https://127.0.0.1:${port}`;
    this.adminToken = randomBytes(24).toString('base64url');
    this.apiServer = new Service({
      name: `kube-apiserver of ${name}`,
      command: programs['kube-apiserver'],
      args: apiServerFlags(dir, port, etcd, name),
      logFile: join(dir, 'kube-apiserver.log'),
      ready: (signal) => this.isReady(signal),
      readyMs: 120_000,
      graceMs: 500,
    });
  }

  /** Starts one; resolves when its node is Ready and the namespace `default` has its service account. */
  static async start(
    options: { name: string; dir: string; etcd: string; programs: Programs; nodes: number },
    signal?: AbortSignal,
  ): Promise<ControlPlane> {
    const { name, dir, etcd, programs, nodes } = options;
    await mkdir(dir, { recursive: true });
    const plane = new ControlPlane(name, dir, await freePort(), etcd, programs, nodes);
    try {
      await plane.boot(signal);
      return plane;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  get kubeconfigPath(): string {
    return join(this.dir, 'admin.kubeconfig');
  }

  /** Base64 of the CA, as a kubeconfig carries it. */
  get caData(): string {
    return Buffer.from(this.ca).toString('base64');
  }

  /** Requests as system:masters. */
  get client(): KubeClient {
    this.clientOnce ??= new KubeClient({ server: this.server, ca: this.ca, token: this.adminToken });
    return this.clientOnce;
  }

  /**
   * Creates a ServiceAccount bound to a ClusterRole (`cluster-admin` when not given) and returns the path of a
   * kubeconfig with a token of it. The namespace must exist.
   */
  async createServiceAccount(
    name: string,
    options: { namespace?: string; clusterRole?: string } = {},
  ): Promise<{ kubeconfigPath: string; token: string }> {
    const { namespace = 'default', clusterRole = 'cluster-admin' } = options;
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await this.client.expect('POST', accounts, { metadata: { name } });
    await this.client.expect('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
      metadata: { name: `bed-${namespace}-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: clusterRole },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    const answer = await this.client.expect<{ status: { token: string } }>(
      'POST',
      `${accounts}/${name}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 86_400 },
      },
    );
    const { token } = answer.status;
    const kubeconfigPath = join(this.dir, `${namespace}-${name}.kubeconfig`);
    await this.writeKubeconfig(kubeconfigPath, token);
    return { kubeconfigPath, token };
  }

  /** Quick, not gentle: nothing in it is worth a graceful end. */
  async stop(): Promise<void> {
    this.clientOnce?.[Symbol.dispose]();
    this.clientOnce = undefined;
    await Promise.all([...this.others.map((service) => service.kill9()), this.apiServer.kill9()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async boot(signal?: AbortSignal): Promise<void> {
    const key = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'sec1', format: 'pem' },
    });
    const secret = { mode: 0o600 };
    await writeFile(join(this.dir, 'sa.key'), key.privateKey, secret);
    await writeFile(join(this.dir, 'sa.pub'), key.publicKey);
    await writeFile(
      join(this.dir, 'tokens.csv'),
      `${this.adminToken},admin,admin,"system:masters"\n`,
      secret,
    );
    await this.apiServer.start(signal);
    await this.writeKubeconfig(this.kubeconfigPath, this.adminToken);
    this.others = this.helpers();
    await Promise.all(this.others.map((service) => service.start(signal)));
    for (let node = 1; node <= this.nodes; node++) {
      await this.client.expect('POST', '/api/v1/nodes', fakeNode(`node-${node}`));
    }
    await this.untilUsable(signal);
  }

  private writeKubeconfig(path: string, token: string): Promise<void> {
    const access: KubeAccess = { server: this.server, ca: this.ca, token };
    return writeFile(path, kubeconfigOf(this.name, access), { mode: 0o600 });
  }

  private async isReady(signal: AbortSignal): Promise<boolean> {
    // Written by the API server itself when it starts for the first time; it may be half there when it is read.
    const ca = await readFile(join(this.dir, 'certificates', 'apiserver.crt'), 'utf8');
    using probe = new KubeClient({ server: this.server, ca, token: this.adminToken });
    const { status } = await probe.send('GET', '/readyz', undefined, { signal });
    if (status === 200) this.ca = ca;
    return status === 200;
  }

  private helpers(): Service[] {
    const kubeconfig = ['--kubeconfig', this.kubeconfigPath];
    // Without their own ports there is nothing to ask; what they do is waited for in the API server instead.
    const helper = (program: keyof Programs, args: readonly string[]) =>
      new Service({
        name: `${program} of ${this.name}`,
        command: this.programs[program],
        args: [...kubeconfig, ...args],
        logFile: join(this.dir, `${program}.log`),
        ready: async () => true,
        // kwok looks for a configuration in the home directory.
        env: { PATH: process.env.PATH, HOME: this.dir },
      });
    const quiet = ['--leader-elect=false', '--secure-port=0', '--profiling=false'];
    const fast = ['--kube-api-qps=500', '--kube-api-burst=1000'];
    return [
      helper('kube-controller-manager', [
        ...[...quiet, ...fast, `--controllers=${CONTROLLERS.join(',')}`],
        `--service-account-private-key-file=${join(this.dir, 'sa.key')}`,
      ]),
      helper('kube-scheduler', [...quiet, ...fast]),
      // Pod addresses outside the range of Services.
      helper('kwok', ['--manage-all-nodes=true', '--cidr=10.244.0.1/24', '--v=ERROR']),
    ];
  }

  private async untilUsable(signal?: AbortSignal): Promise<void> {
    const dead = () => this.others.find((service) => service.pid === undefined);
    const end = Date.now() + 120_000;
    for (;;) {
      signal?.throwIfAborted();
      const account = await this.client.send('GET', '/api/v1/namespaces/default/serviceaccounts/default');
      const nodes = await this.client.send('GET', '/api/v1/nodes');
      if (account.status === 200 && countReady(nodes.body) === this.nodes) return;
      const stopped = dead();
      if (stopped) throw new Error(`${stopped.spec.name} has ended; see ${stopped.spec.logFile}`);
      if (Date.now() > end) throw new Error(`${this.name} has no ready node or no default service account`);
      await delay(50, undefined, signal && { signal });
    }
  }
}

function apiServerFlags(dir: string, port: number, etcd: string, name: string): string[] {
  return [
    `--etcd-servers=${etcd}`,
    `--etcd-prefix=/${name}`,
    '--etcd-count-metric-poll-period=0',
    '--etcd-db-metric-poll-interval=0',
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(dir, 'certificates')}`,
    `--token-auth-file=${join(dir, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(dir, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
    '--service-cluster-ip-range=10.0.0.0/16',
    // The first would mount tokens into pods that no kubelet runs; the second taints new nodes until the node
    // lifecycle controller, which is not run here, finds them ready.
    '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
    '--endpoint-reconciler-type=none',
    '--profiling=false',
  ];
}

function fakeNode(name: string): object {
  const resources = { cpu: '64', memory: '256Gi', pods: '1000', 'ephemeral-storage': '1Ti' };
  return {
    metadata: {
      name,
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
    },
    status: { allocatable: resources, capacity: resources },
  };
}

function countReady(list: unknown): number {
  type NodeList = { items?: { status?: { conditions?: { type: string; status: string }[] } }[] };
  const isReady = ({ type, status }: { type: string; status: string }) =>
    type === 'Ready' && status === 'True';
  return ((list as NodeList).items ?? []).filter((node) => node.status?.conditions?.some(isReady)).length;
}
