/** A test double of an API server: answers what a test scripts, remembers what was asked. Plain HTTP on the loopback. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Connection } from '../connection.ts';

export type Asked = {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  accept: string;
  /** The user that is impersonated. */
  as: string | undefined;
};
export type Script = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export class ScriptedServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #script: Script;
  #port = 0;

  private constructor(script: Script) {
    this.#script = script;
  }

  static async start(script: Script): Promise<ScriptedServer> {
    const started = new ScriptedServer(script);
    await new Promise<void>((resolve) => started.#server.listen(0, '127.0.0.1', resolve));
    started.#port = (started.#server.address() as AddressInfo).port;
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Without client-node: a fixed token. */
  get connection(): Connection {
    const headers = { authorization: 'Bearer token' };
    return {
      server: this.url,
      credentials: async () => ({ headers, dispatcher: undefined }),
      close: async () => undefined,
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body: await text(request),
      accept: request.headers.accept ?? '',
      as: request.headers['impersonate-user']?.toString(),
    };
    this.asked.push(asked);
    await this.#script(asked, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
