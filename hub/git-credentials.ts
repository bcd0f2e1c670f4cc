import { open } from 'node:fs/promises';
import type { CredentialsProvider } from '#git/credentials.ts';
import { FlotillaError } from '#proto/faults.ts';

const MOST_BYTES = 16_384;

/**
 * Credentials from a file that holds `user:password`, or a token alone: Git servers take it as the password of any user. It is
 * read before every request, so that a rotated secret is in force at once. Errors name the file, never what is in it.
 */
export function fileCredentials(path: string): CredentialsProvider {
  return async () => {
    const secret = (await readStart(path)).trim();
    if (!/^[^\p{Cc}]+$/u.test(secret)) {
      const message = `credentials file ${path} is empty, too long or has several lines`;
      throw new FlotillaError('git-credentials-refused', message);
    }
    const pair = secret.includes(':') ? secret : `x-access-token:${secret}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  };
}

/** The content of the file, or nothing where it is longer than a secret can be. */
async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(MOST_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return bytesRead > MOST_BYTES ? '' : buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    throw new FlotillaError('git-credentials-refused', `credentials file ${path} cannot be read`, { cause });
  }
}
