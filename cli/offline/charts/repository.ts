import { createHash } from 'node:crypto';
import { FlotillaError } from '#proto/faults.ts';
import { get, isMap, type JsonMap } from '#render/engine/json.ts';
import { type Json, readYaml, YamlFault } from '#render/yaml/read.ts';
import { CHART_LIMITS, refused } from './tree.ts';

const INDEX_BYTES = 32 << 20;
const REDIRECTS = 5;
const TIMEOUT_MS = 60_000;

export type Fetched = { readonly url: string; readonly archive: Uint8Array };

/**
 * Fetches one version of a chart from a chart repository (index.yaml, as Helm's documentation describes it) over https; plain http
 * is for this machine alone. The archive has to have the digest that the index tells.
 *
 * @throws FlotillaError chart-unavailable, chart-refused
 */
export async function fetchChart(
  { repo, name, version }: { repo: string; name: string; version: string },
  signal: AbortSignal,
): Promise<Fetched> {
  const home = address(repo.endsWith('/') ? repo : `${repo}/`);
  const index = address('index.yaml', home);
  const entry = choose(parseIndex(await read(index, INDEX_BYTES, signal), index), name, version, repo);
  const urls = get(entry, 'urls');
  const [first] = Array.isArray(urls) ? urls : [];
  if (typeof first !== 'string') throw refused(`${index}: ${name} ${version} has no address`);
  const url = address(first, home);
  const archive = await read(url, CHART_LIMITS.archiveBytes, signal);
  const told = get(entry, 'digest');
  const digest = sha256(archive);
  if (typeof told !== 'string' || told === '')
    throw refused(
      `${index}: ${name} ${version} has no digest; fetch and look at ${url} yourself, and vendor the file`,
    );
  if (told.replace(/^sha256:/, '').toLowerCase() !== digest)
    throw refused(`${url} has the sha256 ${digest}; the index says ${told}`);
  return { url: url.href, archive };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** @throws FlotillaError chart-refused for what is not https, and for passwords, which would stand in the lock */
function address(text: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (!url) throw refused(`${text} is no address`);
  const local = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local))
    throw refused(`${url.protocol}//${url.host} is not https`);
  if (url.username || url.password)
    throw refused(
      `the address at ${url.host} holds a password; fetch the archive yourself, and vendor the file`,
    );
  return url;
}

function parseIndex(bytes: Uint8Array, url: URL): Json {
  try {
    return readYaml(Buffer.from(bytes).toString('utf8'))[0]?.value ?? null;
  } catch (error) {
    if (error instanceof YamlFault)
      throw refused(`${url} is no index of charts: line ${error.at.line}: ${error.message}`, error);
    throw error;
  }
}

/** The entry of a version, with or without a leading v. */
function choose(index: Json, name: string, version: string, repo: string): JsonMap {
  const entries = get(get(index, 'entries') ?? null, name);
  if (!Array.isArray(entries)) throw refused(`${repo} has no chart ${name}`);
  const plain = (one: Json | undefined) => String(one ?? '').replace(/^v/, '');
  const found = entries.filter(isMap).find((entry) => plain(entry.version) === plain(version));
  if (found) return found;
  const newest = entries
    .filter(isMap)
    .slice(0, 5)
    .map((entry) => String(entry.version));
  throw refused(`${repo} has no ${name} ${version}; the first that it names are ${newest.join(', ')}`);
}

/** Follows redirects itself: each target is held to the same rules. */
async function read(url: URL, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const abort = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let at = url;
  for (let hop = 0; hop <= REDIRECTS; hop++) {
    const response = await ask(at, abort, signal);
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      at = address(location, at);
      continue;
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw unavailable(`${at.origin}${at.pathname} answers ${response.status}`);
    }
    return body(response, at, limit, signal);
  }
  throw unavailable(`${url} redirects more than ${REDIRECTS} times`);
}

async function ask(url: URL, abort: AbortSignal, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { signal: abort, redirect: 'manual' });
  } catch (cause) {
    signal.throwIfAborted();
    throw unreachable(url, cause);
  }
}

async function body(response: Response, url: URL, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of response.body ?? []) {
      length += piece.byteLength;
      if (length > limit) break;
      pieces.push(piece);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw unreachable(url, cause);
  }
  if (length > limit) throw refused(`${url.origin}${url.pathname} is larger than ${limit >> 20} MB`);
  return Buffer.concat(pieces);
}

function unreachable(url: URL, error: unknown): FlotillaError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  const why = (cause as NodeJS.ErrnoException).code ?? cause.message;
  return unavailable(`${url.host} cannot be reached (${why})`, error);
}

const unavailable = (message: string, cause?: unknown) =>
  new FlotillaError('chart-unavailable', message, { cause });
