import { once, setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FlotillaError } from '#proto/faults.ts';
import type { AuditReader } from '../core/audit-reader.ts';
import type { ReadModel } from '../core/view.ts';
import type { Operations } from '../operations/types.ts';
import { type ApiLog, createGraphql } from './graphql.ts';
import { isExpectedHost, isLoopback } from './hosts.ts';
import type { Authenticate } from './plugins/bearer.ts';
import { type AnswerBootstrap, route } from './routes.ts';

export type ApiOptions = {
  readonly view: ReadModel;
  readonly audit: AuditReader;
  readonly bootstrap: AnswerBootstrap;
  /** Of the hub, as `hub { version }` answers. */
  readonly version: string;
  readonly log: ApiLog;
  readonly operations: Operations;
  /** Whose token it is; without it nobody may change anything. */
  readonly authenticate?: Authenticate | undefined;
  /** Port 0 takes a free one. Reading needs no token: anything but a loopback host shows the whole fleet to whoever reaches it. */
  readonly listen: { readonly host?: string | undefined; readonly port: number };
  /** Names besides the loopback ones that a Host header may have. */
  readonly allowedHosts?: readonly string[] | undefined;
};

export type RunningApi = {
  readonly url: string;
  readonly port: number;
  /** Ends subscriptions and connections; resolves when the port is free. */
  stop(): Promise<void>;
};

const GRACE_MS = 2_000;
const SWEEP_MS = 20;

/** Serves GraphQL, health and the agents' bootstrap. @throws FlotillaError port-in-use, config-invalid */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { view, audit, bootstrap, version, log, listen, allowedHosts, authenticate, operations } = options;
  const { host = '127.0.0.1', port } = listen;
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const yoga = createGraphql({
    view,
    audit,
    version,
    log,
    operations,
    closing: closing.signal,
    ...(authenticate && { authenticate }),
  });
  const graphql = (request: IncomingMessage, response: ServerResponse) => {
    Promise.resolve(yoga(request, response)).catch((err: unknown) => log.error({ err }, 'request failed'));
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    if (!isExpectedHost(request.headers.host, host, allowedHosts)) {
      response.writeHead(421, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('this hub does not answer to that host name\n');
      return;
    }
    route({ view, bootstrap, graphql }, request, response);
  });
  await bind(server, host, port);
  if (!isLoopback(host)) {
    log.info(
      { host },
      'reading the API needs no token, and it is not bound to loopback: guard it from outside',
    );
  }
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(host)}:${bound.port}`,
    port: bound.port,
    async stop() {
      closing.abort();
      const closed = once(server, 'close');
      server.close();
      // A connection that is kept alive becomes idle only once its last answer has been read.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
      const grace = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearInterval(sweep);
      clearTimeout(grace);
    },
  };
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new FlotillaError('port-in-use', `port ${port} on ${host} is taken by another process`, {
        cause,
      });
    }
    throw new FlotillaError('config-invalid', `cannot listen on ${host}:${port}: ${code ?? cause}`, {
      cause,
    });
  }
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
