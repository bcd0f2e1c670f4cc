import { open } from 'node:fs/promises';
import type { CredentialsProvider } from '#git/credentials.ts';
import { FlotillaError } from '#proto/faults.ts';

const MOST_BYTES = 16_384;

/**
 * Credentials from a file that holds `user:password`, or a token alone (GitHub, GitLab and Gitea take it as a password with any
 * user). Read before every request, so that a rotated Secret is in force at once. Errors name the file, never what is in it.
 */
export function fileCredentials(path: string): CredentialsProvider {
  return async () => {
    const text = (await readStart(path)).trim();
    if (text === '' || /\p{Cc}/u.test(text)) {
      throw new FlotillaError(
        'git-credentials-refused',
        `credentials file ${path} is empty, too long or has several lines`,
      );
    }
    const pair = text.includes(':') ? text : `x-access-token:${text}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  };
}

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
