import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { HttpMethod, RequestContext } from '@kubernetes/client-node/dist/gen/http/http.js';
import type { Dispatcher } from 'undici';
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

/** Where the kubeconfig comes from: a file, its text, or (neither) the pod's service account, else kubectl's default. */
export type ConnectionSource = {
  file?: string | undefined;
  text?: string | undefined;
  context?: string | undefined;
};

/** Credentials are looked at again after so many ms: service account tokens and client certificates rotate. */
const FRESH_MS = 30_000;

/**
 * Connects by client-node's KubeConfig, which is used for authentication and TLS only (facts.md): its typed APIs drop fields, and
 * its dispatchers are made anew for every request, so one is kept here for as long as the TLS material is the same.
 * @throws FlotillaError config-invalid when there is no usable kubeconfig
 */
export function connect(source: ConnectionSource): Connection {
  const config = load(source);
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new FlotillaError('config-invalid', 'kubeconfig: the current context names no cluster');
  const server = cluster.server.replace(/\/+$/, '');
  // KubeConfig refuses plain http unless told so; a simulated API server on the loopback has no TLS to skip.
  if (server.startsWith('http:')) Object.assign(cluster, { skipTLSVerify: true });
  return new KubeConnection(config, server);
}

function load({ file, text, context }: ConnectionSource): KubeConfig {
  const config = new KubeConfig();
  try {
    if (text !== undefined) config.loadFromString(text);
    else if (file !== undefined) {
      config.loadFromString(readFileSync(file, 'utf8'));
      config.makePathsAbsolute(file.slice(0, file.lastIndexOf('/') + 1) || '.');
    } else config.loadFromDefault();
  } catch (cause) {
    throw new FlotillaError(
      'config-invalid',
      `kubeconfig ${file ?? ''} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
  if (context !== undefined) {
    if (!config.getContextObject(context))
      throw new FlotillaError('config-invalid', `kubeconfig ${file ?? ''} has no context ${context}`);
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
    const context = new RequestContext(this.server, HttpMethod.GET);
    try {
      await this.#config.applySecurityAuthentication(context);
      const tls: Record<string, unknown> = {};
      await this.#config.applyToHTTPSOptions(tls);
      this.#keep(context.getDispatcher() as Dispatcher | undefined, fingerprint(tls));
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
    return { headers: context.getHeaders(), dispatcher: this.#dispatcher };
  }

  /** The old one closes when the requests on it have ended. */
  #keep(offered: Dispatcher | undefined, material: string): void {
    if (material === this.#material) {
      void offered?.destroy();
      return;
    }
    void this.#dispatcher?.close();
    this.#dispatcher = offered;
    this.#material = material;
  }
}

function fingerprint(tls: Record<string, unknown>): string {
  const hash = createHash('sha256');
  for (const key of ['ca', 'cert', 'key', 'pfx', 'servername', 'rejectUnauthorized'])
    hash.update(`${key}=${String(tls[key])};`);
  return hash.digest('base64url');
}
