import { Agent, request } from 'undici';
import { FlotillaError } from '#proto/faults.ts';
import { anonymous, basicCredentials, type CredentialsProvider } from './credentials.ts';

export type GitHttpOptions = {
  /** http(s) URL of the repository, as `git clone` takes it; `user:password@` in it are used as credentials. */
  readonly url: string;
  readonly credentials?: CredentialsProvider;
  /** PEM of the certificate authorities to trust instead of the public ones. */
  readonly ca?: string;
  readonly connectTimeoutMs?: number;
  /** Until the first byte, and between two. */
  readonly idleTimeoutMs?: number;
  /** For one whole request with its answer. */
  readonly totalTimeoutMs?: number;
};

export type GitHttpRequest = {
  /** Below the repository's URL, for example `/git-upload-pack`. */
  readonly path: string;
  /** Makes it a POST. */
  readonly body?: Buffer;
  /** The media type of the body. */
  readonly bodyType?: string;
  /** The media type that the answer must have. */
  readonly expect: string;
  readonly maxBytes: number;
};

/** What went over the wire since the start; bodies only. */
export type GitHttpStats = { requests: number; sentBytes: number; receivedBytes: number };

const MAX_REDIRECTS = 3;
const MAX_REFUSAL_BYTES = 65_536;

/**
 * HTTP for one Git server: credentials, certificate authorities, time and byte limits, and errors that say what is
 * wrong. A redirect is followed only for a request without body (`info/refs`), to the same host and never from https
 * to http; later requests then go to where it led. Nothing it throws holds credentials.
 *
 * Errors: `git-unreachable`, `git-timeout`, `git-too-large`, `git-credentials-refused`, `git-repository-not-found`,
 * `git-not-a-git-server`; the signal's own reason when it was aborted.
 */
export class GitHttp {
  /** The URL without credentials, for people. */
  readonly display: string;
  readonly stats: GitHttpStats = { requests: 0, sentBytes: 0, receivedBytes: 0 };
  readonly #agent: Agent;
  readonly #credentials: CredentialsProvider;
  readonly #totalTimeoutMs: number;
  /** Without a slash at the end. */
  #base: string;

  constructor(options: GitHttpOptions) {
    const { url, credentials } = splitUrl(options.url);
    this.#base = url;
    this.display = url;
    this.#credentials = options.credentials ?? credentials;
    this.#totalTimeoutMs = options.totalTimeoutMs ?? 600_000;
    const idle = options.idleTimeoutMs ?? 30_000;
    this.#agent = new Agent({
      connect: {
        timeout: options.connectTimeoutMs ?? 10_000,
        ...(options.ca !== undefined && { ca: options.ca }),
      },
      headersTimeout: idle,
      bodyTimeout: idle,
      allowH2: false,
    });
  }

  /** The body of the answer, as it arrives. Stopping to read ends the request. */
  async *exchange(wanted: GitHttpRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#totalTimeoutMs)]);
    try {
      const answer = await this.#send(wanted, limit);
      let received = 0;
      for await (const chunk of answer as AsyncIterable<Uint8Array>) {
        received += chunk.length;
        this.stats.receivedBytes += chunk.length;
        if (received > wanted.maxBytes) {
          throw new FlotillaError(
            'git-too-large',
            `${this.display}: answer is larger than ${wanted.maxBytes} bytes`,
          );
        }
        yield chunk;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw this.#explain(error);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #send(wanted: GitHttpRequest, signal: AbortSignal) {
    for (let redirects = 0; ; redirects++) {
      const authorization = await this.#credentials(signal);
      const url = new URL(this.#base + wanted.path);
      this.stats.requests++;
      this.stats.sentBytes += wanted.body?.length ?? 0;
      const answer = await request(url, {
        method: wanted.body ? 'POST' : 'GET',
        headers: {
          accept: wanted.expect,
          'git-protocol': 'version=2',
          'user-agent': 'git/flotilla',
          ...(wanted.bodyType !== undefined && { 'content-type': wanted.bodyType }),
          ...(authorization !== undefined && { authorization }),
        },
        body: wanted.body ?? null,
        dispatcher: this.#agent,
        signal,
      });
      const { statusCode: status, headers } = answer;
      const type = String(headers['content-type'] ?? '')
        .split(';')[0]!
        .trim();
      if (status === 200 && type === wanted.expect) return answer.body;
      await answer.body.dump({ limit: MAX_REFUSAL_BYTES, signal });
      if (status >= 300 && status < 400 && !wanted.body && redirects < MAX_REDIRECTS) {
        this.#base = this.#redirected(url, String(headers.location ?? ''), wanted.path);
        continue;
      }
      throw this.#refusal(status, type, authorization !== undefined);
    }
  }

  #redirected(from: URL, location: string, path: string): string {
    const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
    const sameServer =
      to &&
      (to.origin === from.origin ||
        (to.hostname === from.hostname && from.protocol === 'http:' && to.port === ''));
    if (!to || !sameServer || !to.href.endsWith(path)) {
      const where = to ? withoutCredentials(to).origin : 'nowhere';
      throw new FlotillaError(
        'git-not-a-git-server',
        `${this.display}: redirects to ${where}, which is not followed; configure the final URL`,
      );
    }
    return withoutCredentials(to).href.slice(0, -path.length);
  }

  #refusal(status: number, type: string, withCredentials: boolean): FlotillaError {
    const fault = (code: ConstructorParameters<typeof FlotillaError>[0], text: string) =>
      new FlotillaError(code, `${this.display}: ${text}`);
    if (status === 401 || status === 403) {
      const what = withCredentials
        ? 'credentials are refused'
        : 'credentials are asked for and none are configured';
      return fault('git-credentials-refused', `${what} (HTTP ${status})`);
    }
    if (status === 404 || status === 410)
      return fault('git-repository-not-found', `no such repository (HTTP ${status})`);
    if (status === 429 || status >= 500) return fault('git-unreachable', `the server answers HTTP ${status}`);
    if (status !== 200) return fault('git-not-a-git-server', `the server answers HTTP ${status}`);
    return fault(
      'git-not-a-git-server',
      `the server answers with ${type || 'no content type'}, not smart HTTP`,
    );
  }

  #explain(error: unknown): unknown {
    if (error instanceof FlotillaError) return error;
    const cause = error instanceof AggregateError ? error.errors[0] : error;
    const code = String((cause as { code?: unknown } | undefined)?.code ?? '');
    if (/TIMEOUT|ETIMEDOUT/.test(code) || (error as Error).name === 'TimeoutError') {
      return new FlotillaError('git-timeout', `${this.display}: no answer in time`, { cause: error });
    }
    const what =
      REASONS[code] ?? (/CERT|SELF_SIGNED|ALTNAME/.test(code) ? `certificate not trusted (${code})` : code);
    return new FlotillaError('git-unreachable', `${this.display}: ${what || 'connection failed'}`, {
      cause: error,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection broken',
  UND_ERR_SOCKET: 'connection broken',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name cannot be looked up',
};

/** Takes credentials out of a URL. Throws `config-invalid`, without showing them, when it is no http(s) URL. */
function splitUrl(text: string): { url: string; credentials: CredentialsProvider } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new FlotillaError('config-invalid', 'repository URL is not an http or https URL');
  }
  const { username, password } = url;
  const credentials =
    username || password
      ? basicCredentials(decodeURIComponent(username), { value: decodeURIComponent(password) })
      : anonymous;
  const bare = withoutCredentials(url);
  bare.search = '';
  bare.hash = '';
  return { url: bare.href.replace(/\/+$/, ''), credentials };
}

function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}
