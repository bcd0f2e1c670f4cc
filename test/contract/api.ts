import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** An API server that the contract is held against. */
export interface Target {
  /** Used in test names. */
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** PEM, for https. */
  readonly ca?: string;
}

/** A Kubernetes object as tests read it: loosely, because the contract is what is being established. */
// biome-ignore lint/suspicious/noExplicitAny: answers of a server whose shape the assertions prove
export type Loose = any;

export interface Answer {
  readonly code: number;
  readonly body: Loose;
  readonly headers: IncomingHttpHeaders;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Loose;
}

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** A bare HTTP client for one target, with nothing of Kubernetes' clients between test and server. */
export class Api implements Disposable {
  readonly target: Target;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(target: Target) {
    this.target = target;
    this.#agent = target.url.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true, ...(target.ca === undefined ? {} : { ca: target.ca }) })
      : new HttpAgent({ keepAlive: true });
  }

  /** Sends one request; a body that is no string is sent as JSON. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.#open(method, path, body, headers);
    const raw = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json');
    return {
      code: response.statusCode ?? 0,
      body: isJson ? JSON.parse(raw) : raw,
      headers: response.headers,
    };
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.send('GET', path, undefined, headers);
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.send('POST', path, body);
  }

  put(path: string, body: unknown): Promise<Answer> {
    return this.send('PUT', path, body);
  }

  delete(path: string, options?: unknown): Promise<Answer> {
    return this.send('DELETE', path, options);
  }

  patch(path: string, type: string, body: unknown): Promise<Answer> {
    return this.send('PATCH', path, body, { 'content-type': type });
  }

  /** A server-side apply; `options` are further query parameters, such as `force=true`. */
  apply(path: string, manager: string, body: unknown, options = ''): Promise<Answer> {
    const query = `fieldManager=${manager}${options ? `&${options}` : ''}`;
    return this.patch(`${path}?${query}`, APPLY_PATCH, body);
  }

  /** Opens a watch. Whoever opens it closes it. */
  async watch(path: string, headers: Record<string, string> = {}): Promise<Watch> {
    return new Watch(await this.#open('GET', path, undefined, headers));
  }

  /** The open answer, for who passes it on. */
  stream(path: string, headers: Record<string, string>): Promise<IncomingMessage> {
    return this.#open('GET', path, undefined, headers);
  }

  #open(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<IncomingMessage> {
    const { url, token } = this.target;
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const sent = send(
        url.replace(/\/$/, '') + path,
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'user-agent': 'contract/1',
            ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
            ...headers,
          },
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** An open watch: events in the order the server sent them. */
export class Watch implements Disposable {
  readonly code: number;
  readonly #response: IncomingMessage;
  readonly #lines: AsyncIterator<string>;

  constructor(response: IncomingMessage) {
    this.code = response.statusCode ?? 0;
    this.#response = response;
    this.#lines = createInterface({ input: response })[Symbol.asyncIterator]();
  }

  /** The next event, or undefined when the server ended the watch. */
  async next(): Promise<WatchEvent | undefined> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : (JSON.parse(value) as WatchEvent);
  }

  /** The next `count` events that are about an object, bookmarks left out. */
  async take(count: number): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) throw new Error(`the watch ended after ${events.length} of ${count} events`);
      if (event.type !== 'BOOKMARK') events.push(event);
    }
    return events;
  }

  [Symbol.dispose](): void {
    this.#response.destroy();
  }
}
