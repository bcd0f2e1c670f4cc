import { closeSync, openSync, readSync } from 'node:fs';
import { TOKEN } from '#proto/bearer.ts';
import { usage } from './args.ts';

/** Longer than any token; `/dev/zero` ends somewhere. */
const MOST_BYTES = 4_096;

/**
 * The token that tells the hub who asks: of `--token-file`, else of FLOTILLA_TOKEN, else none.
 * @throws FlotillaError usage naming where it was to come from, never what is there
 */
export function readToken(file: string | undefined, variable: string | undefined): string | undefined {
  if (file === undefined) return variable ? checked(variable.trim(), 'FLOTILLA_TOKEN') : undefined;
  if (TOKEN.test(file)) throw usage('--token-file takes the name of a file, not the token');
  return checked(readStart(file).trim(), `--token-file ${file}`);
}

/** What is to be told before a token goes to an address over plain http: undefined for https, and where it does not leave the machine. */
export function inTheOpen(url: string): string | undefined {
  const { protocol, hostname, host } = new URL(url);
  if (protocol !== 'http:' || isLoopback(hostname)) return undefined;
  return `the token goes to ${host} over plain http, where everybody on the way can read it: use https`;
}

/** Names of RFC 6761 and addresses of RFC 1122 and 4291 that never leave the machine; URL spells them in one way. */
const isLoopback = (hostname: string): boolean =>
  /(^|\.)localhost\.?$/.test(hostname) ||
  /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
  hostname === '[::1]' ||
  /^\[::ffff:7f[0-9a-f]{2}:/.test(hostname);

function checked(text: string, where: string): string {
  if (TOKEN.test(text)) return text;
  throw usage(`${where} holds no token of a hub (flotilla_NAME_…)`);
}

function readStart(file: string): string {
  try {
    const handle = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(MOST_BYTES);
      return buffer.toString('utf8', 0, readSync(handle, buffer, 0, MOST_BYTES, null));
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    throw usage(`--token-file ${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  }
}
