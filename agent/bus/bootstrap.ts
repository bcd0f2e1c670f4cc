import { request } from 'undici';
import { FlotillaError } from '#proto/faults.ts';
import { type Bootstrap, bootstrap, parseMessage } from '#proto/messages.ts';

const TIMEOUT_MS = 10_000;
const MOST_BYTES = 65_536;

export type BootstrapQuestion = { hubUrls: readonly string[]; cluster: string; publicKey: string };

/**
 * Asks the hub, once, who this agent is: `GET /v1/agents/<publicKey>`. The URLs are tried in order; a 404 of one hub is the answer.
 * @throws FlotillaError bootstrap-not-enrolled (ask again later), bootstrap-failed
 */
export async function askBootstrap(question: BootstrapQuestion, signal: AbortSignal): Promise<Bootstrap> {
  let failure: unknown;
  for (const url of question.hubUrls) {
    try {
      return await ask(url, question, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FlotillaError && error.code === 'bootstrap-not-enrolled') throw error;
      failure ??= error;
    }
  }
  throw failure;
}

async function ask(url: string, question: BootstrapQuestion, signal: AbortSignal): Promise<Bootstrap> {
  const { cluster, publicKey } = question;
  const { status, text } = await get(`${url.replace(/\/+$/, '')}/v1/agents/${publicKey}`, url, signal);
  if (status === 404) {
    const message = `hub ${url} does not know this agent yet: merge clusters/${cluster}.yaml with the public key ${publicKey}`;
    throw new FlotillaError('bootstrap-not-enrolled', message);
  }
  if (status !== 200) throw new FlotillaError('bootstrap-failed', `hub ${url} answers HTTP ${status}`);
  let answer: Bootstrap;
  try {
    answer = parseMessage(bootstrap, text, `bootstrap answer of hub ${url}`);
  } catch (cause) {
    throw new FlotillaError('bootstrap-failed', (cause as Error).message, { cause });
  }
  if (answer.cluster !== cluster) {
    const message = `hub ${url} knows this key as cluster ${answer.cluster}, but this agent was installed as ${cluster}`;
    throw new FlotillaError('bootstrap-failed', message);
  }
  return answer;
}

async function get(
  address: string,
  url: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const answer = await request(address, { signal: limit, headers: { accept: 'application/json' } });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new Error(`answer is larger than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode, text: Buffer.concat(chunks).toString('utf8') };
  } catch (cause) {
    signal.throwIfAborted();
    const code = (cause as { code?: string }).code;
    throw new FlotillaError(
      'bootstrap-failed',
      `hub ${url} cannot be reached: ${code ?? (cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
