import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createNet } from 'node:net';
import type { ClusterOptions } from './cluster.ts';
import { Cluster, DEFAULTS } from './cluster.ts';
import { Controllers } from './controllers/controllers.ts';
import { handle } from './http/handler.ts';
import { selfSigned } from './tls.ts';

export interface SimOptions extends Partial<ClusterOptions> {
  /** A free port by default. */
  readonly port?: number;
  /** Names of the clusters to start with. */
  readonly clusters?: readonly string[];
}

/** Serves any number of simulated clusters on one loopback port, over HTTP and TLS alike. */
export interface Sim extends AsyncDisposable {
  readonly port: number;
  /** Adds an empty cluster. */
  createCluster(name: string, options?: Partial<ClusterOptions>): Cluster;
  /** Ends a cluster and forgets it. */
  deleteCluster(name: string): void;
  /** The cluster of a name; throws when there is none. */
  cluster(name: string): Cluster;
  /** Plain HTTP URL of a cluster; requests carry its token. */
  serverUrl(name: string): string;
  /** The same over TLS, with the certificate that `ca` holds. */
  secureUrl(name: string): string;
  token(name: string): string;
  /** PEM of the certificate. */
  readonly ca: string;
  /** A kubeconfig for kubectl and agents, over TLS. */
  kubeconfig(name: string): string;
  close(): Promise<void>;
}

/** Milliseconds an idle connection stays open. */
const IDLE = 120_000;

/** Starts the server. Whoever starts it ends it. */
export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const { port: wanted = 0, clusters: names = [], ...given } = options;
  const clusters = new Map<string, Cluster>();
  const controllers = new Map<string, Controllers>();
  const certificate = selfSigned();
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    dispatch(clusters, request, response);
  const http = createHttp(listener);
  const https = createHttps({ cert: certificate.cert, key: certificate.key }, listener);
  // Longer than clients keep idle connections, so that none is closed under a request.
  for (const one of [http, https]) one.keepAliveTimeout = IDLE;
  const sockets = new Set<Socket>();
  const server = createNet((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    splitByFirstByte(socket, http, https);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  const cluster = (name: string): Cluster => {
    const found = clusters.get(name);
    if (!found) throw new Error(`no simulated cluster ${name}`);
    return found;
  };
  const createCluster = (name: string, its: Partial<ClusterOptions> = {}): Cluster => {
    if (clusters.has(name)) throw new Error(`there is a simulated cluster ${name} already`);
    const created = new Cluster(name, { ...DEFAULTS, ...given, ...its });
    clusters.set(name, created);
    const own = new Controllers(created);
    controllers.set(name, own);
    own.start();
    return created;
  };
  const close = async (): Promise<void> => {
    for (const one of controllers.values()) one.stop();
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  for (const name of names) createCluster(name);
  const path = (name: string) => `127.0.0.1:${port}/clusters/${cluster(name).name}`;
  const sim: Sim = {
    port,
    createCluster,
    deleteCluster: (name) => {
      cluster(name).faults.setUnreachable(true);
      controllers.get(name)?.stop();
      controllers.delete(name);
      clusters.delete(name);
    },
    cluster,
    serverUrl: (name) => `http://${path(name)}`,
    secureUrl: (name) => `https://${path(name)}`,
    token: (name) => cluster(name).token,
    ca: certificate.cert,
    kubeconfig: (name) => kubeconfig(cluster(name), `https://${path(name)}`, certificate.cert),
    close,
    [Symbol.asyncDispose]: close,
  };
  return sim;
}

/** A TLS hello starts with byte 22; no HTTP request does. */
function splitByFirstByte(socket: Socket, http: Server, https: Server): void {
  socket.once('readable', () => {
    const first: Buffer | null = socket.read(1);
    if (!first) return;
    socket.unshift(first);
    (first[0] === 22 ? https : http).emit('connection', socket);
  });
}

function dispatch(clusters: Map<string, Cluster>, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://sim');
  const [, name = '', path = ''] = /^\/clusters\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
  const cluster = clusters.get(name);
  if (!cluster) {
    request.resume();
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`no simulated cluster "${name}"\n`);
    return;
  }
  void handle(cluster, path, url.searchParams, request, response);
}

function kubeconfig({ name, token }: Cluster, server: string, ca: string): string {
  const data = Buffer.from(ca).toString('base64');
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    `  - name: ${name}`,
    '    cluster:',
    `      server: ${server}`,
    `      certificate-authority-data: ${data}`,
    'users:',
    `  - name: ${name}`,
    '    user:',
    `      token: ${token}`,
    'contexts:',
    `  - name: ${name}`,
    `    context: { cluster: ${name}, user: ${name} }`,
    `current-context: ${name}`,
    '',
  ].join('\n');
}
