import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { aborted, fullJitter, pause } from '#process/wait.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { Answer } from '#rollouts/facts.ts';
import { type Allowance, hostOf, judge } from './addresses.ts';
import { answerOf, bodyOf, type WebhookOrder } from './contract.ts';
import { post } from './post.ts';
import type { ReadKey } from './secrets.ts';
import { sign } from './signature.ts';

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;
export type AskOptions = {
  readonly allowance: Allowance;
  readonly readKey: ReadKey;
  readonly resolve?: Resolve;
  /** Random waits between tries, milliseconds. */
  readonly backoff?: { readonly first: number; readonly most: number };
  /** Unix milliseconds. */
  readonly now?: () => number;
};

const MOST_ANSWER_BYTES = 64 * 1024;
const BACKOFF = { first: 1_000, most: 30_000 };

const resolveBySystem: Resolve = (host) => lookup(host, { all: true, verbatim: true });

/**
 * Asks a webhook until it answers or all tries are over, each of which takes `timeoutMs` at most; then it is `away`, with the reason
 * of the last try. What cannot become better by another try is not tried again. Rejects only when the signal is aborted.
 */
export async function ask(order: WebhookOrder, options: AskOptions, signal: AbortSignal): Promise<Answer> {
  const { backoff = BACKOFF } = options;
  let last = '';
  for (let attempt = 1; attempt <= order.retries + 1; attempt++) {
    if (attempt > 1) await pause(fullJitter(attempt - 1, backoff), signal);
    signal.throwIfAborted();
    const timeout = AbortSignal.timeout(order.timeoutMs);
    try {
      return await tryOnce(order, options, AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted) last = `no answer within ${order.timeoutMs / 1_000} s`;
      else if (!(error instanceof FlotillaError)) throw error;
      else if (error.code !== 'webhook-failed') return { says: 'away', message: error.message };
      else last = error.message;
    }
  }
  const tries = order.retries === 0 ? '' : ` (${order.retries + 1} tries)`;
  return { says: 'away', message: `${last}${tries}` };
}

async function tryOnce(order: WebhookOrder, options: AskOptions, signal: AbortSignal): Promise<Answer> {
  const { allowance, readKey, resolve = resolveBySystem, now = Date.now } = options;
  const url = new URL(order.url);
  const addresses = await addressesOf(url, resolve, signal);
  judge(
    url,
    addresses.map(({ address }) => address),
    allowance,
  );
  const body = bodyOf(order);
  const signed = sign(await readKey(order.secret), order.id, Math.floor(now() / 1_000), body);
  const headers = { ...signed, 'content-type': 'application/json', 'user-agent': 'flotilla-hub' };
  return answerOf(await post(url, addresses, { headers, body }, MOST_ANSWER_BYTES, signal));
}

/** Once for each try: what is judged is what is connected to. */
async function addressesOf(
  url: URL,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<readonly LookupAddress[]> {
  const host = hostOf(url);
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  try {
    const found = await Promise.race([resolve(host), aborted(signal)]);
    signal.throwIfAborted();
    if (found && found.length > 0) return found;
  } catch (cause) {
    signal.throwIfAborted();
    throw new FlotillaError('webhook-failed', `${host} cannot be resolved`, { cause });
  }
  throw new FlotillaError('webhook-failed', `${host} has no address`);
}
