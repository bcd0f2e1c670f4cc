/** A Git server over smart HTTP in this process, for tests and the demo. Serves bare repositories below a directory. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import { serveGit, type Traffic } from './git-backend.ts';
import { createBareRepository } from './git-repository.ts';
import { freePort } from './ports.ts';

export type Credentials = { user: string; password: string };

export type GitServerOptions = {
  /** Holds the bare repositories, `<name>.git`. */
  dir: string;
  port?: number;
  /** Basic authentication for everything; open to all on 127.0.0.1 when not given. */
  auth?: Credentials;
};

export class GitServer implements AsyncDisposable {
  readonly dir: string;
  readonly port: number;
  readonly url: string;
  /** What was served since the start; bytes are those of bodies. */
  readonly counts: Traffic = { requests: 0, bytesIn: 0, bytesOut: 0 };
  private readonly auth: Credentials | undefined;
  private server: Server | undefined;
  private refusal: number | undefined;
  private paused: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(options: GitServerOptions & { port: number }) {
    this.dir = resolve(options.dir);
    this.port = options.port;
    this.url = `http://127.0.0.1:${options.port}`;
    this.auth = options.auth;
  }

  async start(): Promise<void> {
    if (this.server) throw new Error('the Git server runs already');
    await mkdir(this.dir, { recursive: true });
    const server = createServer((request, response) => void this.handle(request, response));
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    this.server = server;
  }

  /** Ends at once, open connections included. It can be started again. */
  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    this.resume();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** From now on requests are taken but not answered, as by a server that hangs. */
  pause(): void {
    this.paused ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.paused?.resolve();
    this.paused = undefined;
  }

  /** From now on every request gets this status; undefined ends it. */
  refuse(status: number | undefined): void {
    this.refusal = status;
  }

  /** The URL to clone from, with user and password in it if the server asks for them and `credentials` is true. */
  repositoryUrl(name: string, credentials = false): string {
    const url = new URL(`${this.url}/${name}.git`);
    if (credentials && this.auth) {
      url.username = this.auth.user;
      url.password = this.auth.password;
    }
    return url.href;
  }

  /**
   * Creates an empty bare repository with branch main or, with `from`, one whose first commit holds what is in that
   * directory. Partial fetches and fetches of any object are allowed, as GitHub, GitLab and Gitea do.
   */
  async createRepository(
    name: string,
    options: { from?: string } = {},
  ): Promise<{ url: string; path: string }> {
    const path = join(this.dir, `${name}.git`);
    await createBareRepository(path, options.from);
    return { url: this.repositoryUrl(name), path };
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.counts.requests += 1;
    await this.paused?.promise;
    if (this.server === undefined || response.destroyed) return void response.destroy();
    if (this.refusal !== undefined) return answer(response, this.refusal);
    const user = this.authenticate(request.headers.authorization);
    if (user === false) return answer(response, 401);
    await serveGit(this.dir, user, this.counts, request, response);
  }

  /** The user for the CGI, `git` for anyone when no password is asked for, false when refused. */
  private authenticate(authorization: string | undefined): string | false {
    if (!this.auth) return 'git';
    const { user, password } = this.auth;
    const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(authorization ?? ''), digest(expected)) && user;
  }
}

/** Starts a Git server on 127.0.0.1. */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const server = new GitServer({ ...options, port: options.port ?? (await freePort()) });
  await server.start();
  return server;
}

function answer(response: ServerResponse, status: number): void {
  const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="git"' } : {};
  response.writeHead(status, { 'content-type': 'text/plain', ...challenge }).end(`${status}\n`);
}
