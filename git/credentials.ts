import { open } from 'node:fs/promises';
import { FlotillaError } from '#proto/faults.ts';

/**
 * Gives the value of the Authorization header, or undefined for none. It is asked before every request, so that a
 * file that was changed (a mounted Secret, a rotated token) is in force at once.
 */
export type CredentialsProvider = (signal: AbortSignal) => Promise<string | undefined>;

/** A secret text, or the file that holds it (trailing white space is not part of it). */
export type SecretSource = { readonly value: string } | { readonly file: string };

const MAX_SECRET_BYTES = 16_384;

export const anonymous: CredentialsProvider = async () => undefined;

/** User and password or access token, as GitHub, GitLab and Gitea want it. */
export function basicCredentials(username: string, password: SecretSource): CredentialsProvider {
  return async () => basic(`${username}:${await readSecret(password)}`);
}

/**
 * A file that holds `user:password`, or a token alone: Git servers take it as the password of any user. Errors name the file and never
 * what is in it.
 */
export function fileCredentials(path: string): CredentialsProvider {
  return async () => {
    const secret = (await readStart(path)).trim();
    if (!isOneLine(secret)) {
      const message = `credentials file ${path} is empty, too long or has several lines`;
      throw new FlotillaError('git-credentials-refused', message);
    }
    return basic(secret.includes(':') ? secret : `x-access-token:${secret}`);
  };
}

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
const isOneLine = (secret: string) => /^[^\p{Cc}]+$/u.test(secret);

/** Errors name the file and never what is in it. */
async function readSecret(source: SecretSource): Promise<string> {
  const text = 'value' in source ? source.value : await readStart(source.file);
  const secret = text.trimEnd();
  if (!isOneLine(secret)) {
    const where = 'file' in source ? `file ${source.file}` : 'the configured credentials';
    throw new FlotillaError(
      'git-credentials-refused',
      `${where}: empty, too long, or with control characters`,
    );
  }
  return secret;
}

/** The content of the file, or nothing when it is longer than a secret can be. */
async function readStart(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(MAX_SECRET_BYTES + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return bytesRead > MAX_SECRET_BYTES ? '' : buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    throw new FlotillaError('git-credentials-refused', `credentials file ${path} cannot be read`, { cause });
  }
}
