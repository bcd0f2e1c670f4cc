import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AgentOptions, RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { HttpMethod, RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import { Agent, type Dispatcher } from 'undici';
import { FlotillaError } from '#proto/faults.ts';

/** What one request needs to be let in. */
export type Credentials = { headers: Record<string, string>; dispatcher: Dispatcher | undefined };

/** How to reach one API server. `server` has no trailing slash and may have a path prefix. */
export interface Connection {
  readonly server: string;
  /** Current credentials; after `refused` they are read anew (rotated token, exec plugin). */
  credentials(refused?: Credentials): Promise<Credentials>;
  close(): Promise<void>;
}

/** Where the kubeconfig comes from: a file, its text, or (neither) kubectl's default, else the pod's service account. */
export type ConnectionSource = {
  file?: string | undefined;
  text?: string | undefined;
  context?: string | undefined;
};

/** Credentials are looked at again after so many ms: service account tokens and client certificates rotate. */
const FRESH_MS = 30_000;

/**
 * Connects by client-node's KubeConfig, which is used for authentication and TLS only (facts.md): its typed APIs drop fields, and
 * its dispatchers are made anew for every request, so one is kept here for as long as the TLS material is the same. It speaks HTTP/1.1:
 * writes are faster than over HTTP/2 (facts.md), and a stream of undici's HTTP/2 that is aborted late brings the process down.
 * @throws FlotillaError config-invalid when there is no usable kubeconfig
 */
export function connect(source: ConnectionSource): Connection {
  const config = load(source);
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw new FlotillaError('config-invalid', `${nameOf(source)}: the current context names no cluster`);
  const server = cluster.server.replace(/\/+$/, '');
  // KubeConfig refuses plain http unless told so; a simulated API server on the loopback has no TLS to skip.
  if (server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  return new KubeConnection(config, server);
}

const nameOf = ({ file }: ConnectionSource): string =>
  file === undefined ? 'kubeconfig' : `kubeconfig ${file}`;

/** The context that KubeConfig makes up, to http://localhost:8080, where it finds nothing. */
const FOUND_NOTHING = 'loaded-context';
const NOWHERE =
  'none is named, and there is neither KUBECONFIG nor ~/.kube/config nor the service account of a pod';

function load({ file, text, context }: ConnectionSource): KubeConfig {
  const config = new KubeConfig();
  try {
    if (text !== undefined) config.loadFromString(text);
    else if (file !== undefined) {
      config.loadFromString(readFileSync(file, 'utf8'));
      config.makePathsAbsolute(file.slice(0, file.lastIndexOf('/') + 1) || '.');
    } else {
      config.loadFromDefault();
      if (config.getCurrentContext() === FOUND_NOTHING) throw new Error(NOWHERE);
    }
  } catch (cause) {
    throw new FlotillaError(
      'config-invalid',
      `${nameOf({ file })} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  if (context !== undefined) {
    if (!config.getContextObject(context))
      throw new FlotillaError('config-invalid', `${nameOf({ file })} has no context ${context}`);
    config.setCurrentContext(context);
  }
  return config;
}

class KubeConnection implements Connection {
  readonly server: string;
  readonly #config: KubeConfig;
  #dispatcher: Dispatcher | undefined;
  #material = '';
  #fresh: { credentials: Promise<Credentials>; until: number } | undefined;

  constructor(config: KubeConfig, server: string) {
    this.#config = config;
    this.server = server;
  }

  async credentials(refused?: Credentials): Promise<Credentials> {
    const now = Date.now();
    const stale = this.#fresh === undefined || now >= this.#fresh.until;
    if (stale || (refused && (await this.#fresh?.credentials) === refused))
      this.#fresh = { credentials: this.#read(), until: now + FRESH_MS };
    return this.#fresh!.credentials;
  }

  async close(): Promise<void> {
    await this.#dispatcher?.destroy();
  }

  async #read(): Promise<Credentials> {
    const headers: Record<string, string> = {};
    const options: RequestOptions = { headers };
    try {
      await this.#config.applyToHTTPSOptions(options);
      await this.#renew(options);
    } catch (cause) {
      this.#fresh = undefined;
      throw new FlotillaError(
        'kube-forbidden',
        `credentials for the API server: ${(cause as Error).message}`,
        {
          cause,
        },
      );
    }
    const { auth } = options;
    const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
    return { headers: { ...headers, ...basic }, dispatcher: this.#dispatcher };
  }

  /** The old one closes when the requests on it have ended. */
  async #renew(options: RequestOptions): Promise<void> {
    const material = fingerprint(options);
    if (material === this.#material) return;
    const before = this.#dispatcher;
    this.#dispatcher = await this.#open(options);
    this.#material = material;
    void before?.close();
  }

  async #open(options: RequestOptions): Promise<Dispatcher | undefined> {
    const found = this.#config.createDispatcherOptions(
      this.#config.getCurrentCluster(),
      options as AgentOptions,
    );
    if (found.type === 'none') return new Agent({ allowH2: false });
    if (found.type === 'agent')
      return new Agent({ allowH2: false, connect: found.connect as Agent.Options['connect'] & object });
    const context = new RequestContext(this.server, HttpMethod.GET);
    await this.#config.applySecurityAuthentication(context);
    return context.getDispatcher() as Dispatcher | undefined;
  }
}

function fingerprint(tls: RequestOptions): string {
  const hash = createHash('sha256');
  for (const key of ['ca', 'cert', 'key', 'pfx', 'servername', 'rejectUnauthorized'] as const)
    hash.update(`${key}=${String(tls[key])};`);
  return hash.digest('base64url');
}
