import { type Dispatcher, request as undiciRequest } from 'undici';
import { pause } from '#process/wait.ts';
import { clip } from '#proto/limits.ts';
import { backoff } from '../core/backoff.ts';
import type { Connection, Credentials } from './connection.ts';
import { errorOf, isTransient, KubeError, neverSent, noAnswer } from './errors.ts';
import type { Gate } from './gate.ts';

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the server, with a leading slash, without query. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  /** Text of the body; `contentType` says what it is. */
  body?: string;
  contentType?: string;
  accept?: string;
  /** What an error is about, e.g. `apply Deployment/shop/web`. */
  subject: string;
  /** False where a repetition after a lost answer is not the same (create). */
  repeatable?: boolean;
  /** The user as whom it is done, by impersonation. */
  actsAs?: string;
  /** Does not wait behind others. */
  urgent?: boolean;
};

export type Answer = { status: number; body: unknown };

export type RequestOptions = {
  timeoutMs: number;
  maxBytes: number;
  attempts: number;
  random: () => number;
  /** Bounds how many are under way. */
  gate?: Gate;
};

export const REQUEST_OPTIONS: RequestOptions = {
  timeoutMs: 35_000,
  maxBytes: 64 * 1024 * 1024,
  attempts: 4,
  random: Math.random,
};

const RETRY = { first: 200, most: 5_000 } as const;
/** A server that asks for more patience than this is reported instead. */
const LONGEST_RETRY_AFTER = 30_000;

/**
 * One call to the API server: retried with back-off on 429, on server errors that name a delay and on lost connections (where the
 * call is repeatable), with a time-out per attempt and a bound on the answer.
 * @throws KubeError with reason and message of the server; the signal's reason when aborted
 */
export async function request(
  connection: Connection,
  call: Call,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      const work = () => once(connection, call, options, signal);
      return await (options.gate && !call.urgent ? options.gate.pass(work, signal) : work());
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= options.attempts || !mayRepeat(error, call)) throw error;
      const asked = (error as KubeError).retryAfter ?? 0;
      if (asked > LONGEST_RETRY_AFTER) throw error;
      await pause(Math.max(asked, backoff(RETRY, attempt, options.random())), signal);
    }
  }
}

function mayRepeat(error: unknown, call: Call): boolean {
  if (!isTransient(error)) return false;
  const { status, retryAfter } = error as KubeError;
  if (status === 429) return true;
  if (status >= 500) return retryAfter !== undefined && call.repeatable !== false;
  return call.repeatable !== false || neverSent(error);
}

async function once(
  connection: Connection,
  call: Call,
  options: RequestOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const response = await send(connection, call, options.timeoutMs, signal);
  const text = await readText(response, options.maxBytes, call.subject);
  const body = parse(text, response.statusCode, call.subject);
  if (response.statusCode < 300) return { status: response.statusCode, body };
  throw refusal(call.subject, response, body, call.actsAs);
}

/** An answer of `undici.request`, whose body is still to be read (or destroyed). A third of the CPU of `undici.fetch`. */
export type Response = Dispatcher.ResponseData;

export function refusal(subject: string, response: Response, body: unknown, actsAs?: string): KubeError {
  const after = response.headers['retry-after'];
  return errorOf(subject, response.statusCode, body, typeof after === 'string' ? after : undefined, actsAs);
}

/** The open answer, for streams; `timeoutMs` without a byte end it. Credentials that are refused are read anew once. */
export async function send(
  connection: Connection,
  call: Call,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Response> {
  const credentials = await connection.credentials();
  const response = await dispatch(connection, call, credentials, timeoutMs, signal);
  if (response.statusCode !== 401) return response;
  await response.body.dump();
  return dispatch(connection, call, await connection.credentials(credentials), timeoutMs, signal);
}

async function dispatch(
  connection: Connection,
  call: Call,
  credentials: Credentials,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await undiciRequest(connection.server + call.path + queryText(call.query), {
      method: call.method,
      headers: {
        ...credentials.headers,
        accept: call.accept ?? 'application/json',
        'user-agent': 'flotilla-agent',
        ...(call.actsAs !== undefined && { 'impersonate-user': call.actsAs }),
        ...(call.contentType !== undefined && { 'content-type': call.contentType }),
      },
      ...(call.body !== undefined && { body: call.body }),
      ...(credentials.dispatcher && { dispatcher: credentials.dispatcher }),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal,
    });
  } catch (cause) {
    throw noAnswer(call.subject, cause);
  }
}

function queryText(query: Call['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return pairs.length === 0
    ? ''
    : `?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}

/** Reads a body up to a bound. */
export async function readText(response: Response, maxBytes: number, subject: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw noAnswer(subject, cause);
  }
  if (size > maxBytes)
    throw new KubeError('kube-failed', `${subject}: the answer exceeds ${maxBytes} bytes`, {
      status: response.statusCode,
      reason: 'TooLarge',
    });
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, status: number, subject: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (status >= 300) return { message: clip(text.trim(), 300) };
    throw new KubeError('kube-failed', `${subject}: the answer is not JSON`, {
      status,
      reason: 'NotJson',
      cause,
    });
  }
}
