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
