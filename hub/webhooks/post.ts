import type { LookupAddress } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { FlotillaError } from '#proto/faults.ts';

export type Message = { readonly headers: Readonly<Record<string, string>>; readonly body: string };
export type Reply = { readonly status: number; readonly body: string };

/**
 * Sends one POST over a connection of its own to one of the addresses given, which were checked: the name of the URL is for TLS and the Host
 * header and is not resolved again. No redirect is followed, no proxy asked, no answer longer than `most` bytes read.
 * @throws FlotillaError webhook-failed; what the signal was aborted with
 */
export async function post(
  url: URL,
  addresses: readonly LookupAddress[],
  { headers, body }: Message,
  most: number,
  signal: AbortSignal,
): Promise<Reply> {
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const options = {
    method: 'POST',
    agent: false as const,
    lookup: lookupOf(addresses),
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    signal,
  };
  try {
    const response = await responseTo(send(url, options), body);
    return { status: response.statusCode ?? 0, body: await readAll(response, most) };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof FlotillaError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new FlotillaError('webhook-failed', `the connection failed: ${code ?? message}`, { cause });
  }
}

/** A literal address in a URL is not looked up at all; it was judged all the same. */
function lookupOf(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = addresses;
    if (all) done(null, [...addresses]);
    else done(null, first!.address, first!.family);
  };
}

function responseTo(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
}

async function readAll(response: IncomingMessage, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the response, and with it the connection.
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > most) throw new FlotillaError('webhook-failed', `the answer has more than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
