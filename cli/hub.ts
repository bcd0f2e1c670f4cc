import { FlotillaError, isFaultCode } from '#proto/faults.ts';
import { withoutCredentials } from '#proto/url.ts';
import { usage } from './args.ts';
import { Denied } from './exit.ts';
import { eventsIn } from './server-sent-events.ts';

/** The hub as the CLI sees it: its GraphQL endpoint and nothing else. */
export type Hub = {
  readonly url: string;
  /** @throws FlotillaError hub-unreachable, hub-refused, or what the hub says is wrong with the question */
  ask<T>(query: string, variables: object, signal: AbortSignal): Promise<T>;
  /** Asks for a sign of life, which comes soon or not at all. @throws as `ask` */
  pulse(signal: AbortSignal): Promise<void>;
  /** Ends when the connection does, and when nothing comes over it for long. @throws as `ask` */
  subscribe(query: string, signal: AbortSignal): AsyncIterable<unknown>;
};

const TIMEOUT_MS = 15_000;
const PULSE_MS = 3_000;
/** A hub says something in every 12 s of a subscription, if only that it is there. */
const SILENCE_MS = 30_000;
const MOST_BYTES = 64_000_000;
type Answer = { data?: unknown; errors?: { message: string; extensions?: { code?: string } }[] };

/** `token` says who asks. @throws FlotillaError usage for what is no http(s) address */
export function hubAt(address: string, token?: string): Hub {
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (!base || !/^https?:$/.test(base.protocol)) {
    throw usage(`hub address ${address} is not an http or https URL`);
  }
  const url = address.replace(/\/+$/, '');
  const endpoint = `${url}/graphql`;
  const post = async (body: object, accept: string, most: number, signal: AbortSignal) => {
    try {
      return await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
        signal,
        redirect: 'error',
      });
    } catch (cause) {
      throw unreachable(url, most, cause);
    }
  };
  const askFor = async (question: object, most: number, signal: AbortSignal): Promise<unknown> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(most)]);
    const response = await post(question, 'application/json', most, limit);
    const answer = parse(await readAll(response, url, most));
    refuse(response, answer, url);
    return answer!.data;
  };
  return {
    url,
    async ask<T>(query: string, variables: object, signal: AbortSignal): Promise<T> {
      return (await askFor({ query, variables }, TIMEOUT_MS, signal)) as T;
    },
    async pulse(signal: AbortSignal): Promise<void> {
      await askFor({ query: '{ __typename }' }, PULSE_MS, signal);
    },
    async *subscribe(query: string, signal: AbortSignal): AsyncGenerator<unknown> {
      using silence = new Silence();
      const limit = AbortSignal.any([signal, silence.signal]);
      const response = await post({ query }, 'text/event-stream', SILENCE_MS, limit);
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        refuse(response, parse(await readAll(response, url, SILENCE_MS)), url);
      }
      const pieces = silence.over(piecesOf(response, url, SILENCE_MS));
      for await (const data of eventsIn(pieces)) yield parse(data)?.data;
    },
  };
}

/** Ends a connection over which nothing comes any more, be it open. Time that the reader takes is not counted. */
class Silence implements Disposable {
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#wait();
  }

  async *over(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      clearTimeout(this.#timer);
      yield piece;
      this.#wait();
    }
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const end = () => this.#abort.abort(new DOMException('nothing came', 'TimeoutError'));
    this.#timer = setTimeout(end, SILENCE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** @throws FlotillaError hub-unreachable where the connection breaks half-way */
async function* piecesOf({ body }: Response, url: string, most: number): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body ?? []) yield chunk;
  } catch (cause) {
    throw unreachable(url, most, cause);
  }
}

async function readAll(response: Response, url: string, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of piecesOf(response, url, most)) {
    size += chunk.length;
    if (size > MOST_BYTES) {
      throw new FlotillaError('hub-refused', `hub ${url} answers with more than ${MOST_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: Response, answer: Answer | undefined, url: string): void {
  if (response.status === 401 || response.status === 403) {
    const cause = new Denied(`HTTP ${response.status}`);
    const said = answer?.errors?.[0]?.message;
    const why = said === undefined ? `HTTP ${response.status}` : said;
    throw new FlotillaError('hub-refused', `hub ${url} does not let you in (${why})`, { cause });
  }
  const [error] = answer?.errors ?? [];
  if (error) {
    const code = error.extensions?.code ?? '';
    throw new FlotillaError(isFaultCode(code) ? code : 'hub-refused', error.message);
  }
  if (answer?.data == null) {
    const message = `hub ${withoutCredentials(url)} answers HTTP ${response.status} and not GraphQL: is this the address of a hub?`;
    throw new FlotillaError('hub-refused', message);
  }
}

function unreachable(url: string, most: number, cause: unknown): FlotillaError {
  const { name, cause: inner } = cause as { name?: string; cause?: { code?: string; message?: string } };
  const why = name === 'TimeoutError' ? `no answer in ${most / 1_000} s` : (inner?.code ?? inner?.message);
  const message = `hub ${withoutCredentials(url)} does not answer${why ? ` (${why})` : ''}: check --hub or FLOTILLA_HUB, and that the hub runs`;
  return new FlotillaError('hub-unreachable', message, { cause });
}
