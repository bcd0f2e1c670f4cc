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
  /** Ends when the connection does. @throws as `ask` */
  subscribe(query: string, signal: AbortSignal): AsyncIterable<unknown>;
};

const TIMEOUT_MS = 15_000;
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
  const post = async (body: object, accept: string, signal: AbortSignal) => {
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
      throw unreachable(url, cause);
    }
  };
  return {
    url,
    async ask<T>(query: string, variables: object, signal: AbortSignal): Promise<T> {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const response = await post({ query, variables }, 'application/json', limit);
      const text = await readAll(response, url);
      const answer = parse(text);
      refuse(response, answer, url);
      return answer!.data as T;
    },
    async *subscribe(query: string, signal: AbortSignal): AsyncGenerator<unknown> {
      const response = await post({ query }, 'text/event-stream', signal);
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        refuse(response, parse(await readAll(response, url)), url);
      }
      for await (const data of eventsIn(piecesOf(response, url))) yield parse(data)?.data;
    },
  };
}

/** @throws FlotillaError hub-unreachable where the connection breaks half-way */
async function* piecesOf({ body }: Response, url: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body ?? []) yield chunk;
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

async function readAll(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of piecesOf(response, url)) {
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

function unreachable(url: string, cause: unknown): FlotillaError {
  const { name, cause: inner } = cause as { name?: string; cause?: { code?: string; message?: string } };
  const why =
    name === 'TimeoutError' ? `no answer in ${TIMEOUT_MS / 1_000} s` : (inner?.code ?? inner?.message);
  const message = `hub ${withoutCredentials(url)} does not answer${why ? ` (${why})` : ''}: check --hub or FLOTILLA_HUB, and that the hub runs`;
  return new FlotillaError('hub-unreachable', message, { cause });
}
