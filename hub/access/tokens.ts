import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createOnce } from '#process/secret-file.ts';
import { TOKEN } from '#proto/bearer.ts';
import { dnsLabel } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import { ADMIN_GROUP, restriction, type Viewer } from './viewer.ts';

const record = z.strictObject({
  v: z.literal(1),
  name: dnsLabel,
  groups: z.array(z.string().min(1)),
  emails: z.array(z.string().min(1)),
  /** Unix milliseconds. */
  createdAt: z.int(),
  expiresAt: z.int().optional(),
  only: restriction.optional(),
  /** HMAC-SHA-256 of the token, hexadecimal. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type TokenRecord = z.infer<typeof record>;
export type NewToken = Pick<TokenRecord, 'name' | 'groups' | 'emails' | 'expiresAt' | 'only'>;

const ADMIN: NewToken = { name: 'admin', groups: [ADMIN_GROUP], emails: [] };
const RANDOM_BYTES = 32;
const MOST_BYTES = 64_000;

/**
 * Static tokens, each in a file of its own below `DATA/access/tokens`, readable by its owner only. Nothing there lets anybody in: a
 * token is 256 random bits, shown once, and kept as an HMAC under a key of this hub (`DATA/access/key`). Making one is creating a file,
 * revoking it is deleting that, and who asks is looked up in the file itself: both are in force at once, in a hub that runs, too.
 */
export class Tokens {
  readonly #tokens: string;
  readonly #keyFile: string;
  /** Where `init` leaves the first token. */
  readonly adminFile: string;

  constructor(dataDir: string) {
    this.#tokens = join(dataDir, 'access', 'tokens');
    this.#keyFile = join(dataDir, 'access', 'key');
    this.adminFile = join(dataDir, 'access', 'admin.token');
  }

  /**
   * Makes a token and returns it; it is told nobody a second time.
   * @throws FlotillaError token-invalid where there is one of that name, config-invalid where it cannot be written
   */
  create(wanted: NewToken, now: number): string {
    const token = randomToken(wanted.name);
    if (this.#keep(wanted, token, now)) return token;
    throw new FlotillaError('token-invalid', `token ${wanted.name} is there already: revoke it first`);
  }

  /** Makes the token of whoever sets this hub up, in `adminFile`; false where there is a token already. Safe to repeat. */
  createAdmin(now: number): boolean {
    if (this.list().length > 0) return false;
    this.#write(this.adminFile, `${randomToken(ADMIN.name)}\n`);
    return this.#keep(ADMIN, readText(this.adminFile).trim(), now);
  }

  /** In order of names. @throws FlotillaError config-invalid naming a file that cannot be read, never its content */
  list(): TokenRecord[] {
    if (!exists(this.#tokens)) return [];
    const files = readdirSync(this.#tokens).filter((file) => file.endsWith('.json'));
    return files.sort().map((file) => readRecord(join(this.#tokens, file)));
  }

  /** False where there is none of that name. */
  revoke(name: string): boolean {
    const file = this.#fileOf(name);
    if (!exists(file)) return false;
    try {
      unlinkSync(file);
      if (name === ADMIN.name) rmSync(this.adminFile, { force: true });
    } catch (cause) {
      throw cannot(file, 'deleted', cause);
    }
    return true;
  }

  /**
   * Whose token it is, as its file says at this moment.
   * @throws FlotillaError token-invalid in words that never repeat it, config-invalid where the file cannot be read
   */
  whose(token: string, now: number): Viewer {
    const [, name] = TOKEN.exec(token) ?? [];
    if (name === undefined) throw new FlotillaError('token-invalid', 'token is not one of a hub');
    const file = this.#fileOf(name);
    const known = exists(file) ? readRecord(file) : undefined;
    if (!known || !timingSafeEqual(Buffer.from(this.#hash(token), 'hex'), Buffer.from(known.hash, 'hex')))
      throw new FlotillaError('token-invalid', 'token is unknown to this hub, or was revoked');
    const { groups, emails, expiresAt, only } = known;
    if (expiresAt !== undefined && expiresAt <= now) {
      const at = new Date(expiresAt).toISOString();
      throw new FlotillaError('token-invalid', `token ${name} expired at ${at}`);
    }
    return { subject: name, groups, emails, ...(only && { only }) };
  }

  #fileOf(name: string): string {
    return join(this.#tokens, `${dnsLabel.parse(name)}.json`);
  }

  #keep(wanted: NewToken, token: string, now: number): boolean {
    this.#write(this.#keyFile, `${randomBytes(RANDOM_BYTES).toString('hex')}\n`);
    const kept: TokenRecord = { v: 1, ...wanted, createdAt: now, hash: this.#hash(token) };
    return this.#write(this.#fileOf(wanted.name), `${JSON.stringify(kept, undefined, 2)}\n`);
  }

  #hash(token: string): string {
    const key = Buffer.from(readText(this.#keyFile).trim(), 'hex');
    if (key.length !== RANDOM_BYTES)
      throw new FlotillaError('config-invalid', `${this.#keyFile} does not hold ${RANDOM_BYTES} bytes`);
    return createHmac('sha256', key).update(token).digest('hex');
  }

  #write(file: string, content: string): boolean {
    try {
      mkdirSync(this.#tokens, { recursive: true, mode: 0o700 });
      return createOnce(file, content);
    } catch (cause) {
      throw cannot(file, 'written', cause);
    }
  }
}

const randomToken = (name: string): string =>
  `flotilla_${name}_${randomBytes(RANDOM_BYTES).toString('base64url')}`;

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

function readText(file: string): string {
  try {
    if (statSync(file).size <= MOST_BYTES) return readFileSync(file, 'utf8');
  } catch (cause) {
    throw cannot(file, 'read', cause);
  }
  throw new FlotillaError('config-invalid', `${file} is larger than ${MOST_BYTES} bytes`);
}

function readRecord(file: string): TokenRecord {
  const text = readText(file);
  try {
    return record.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${file} is not the record of a token: delete it, and make the token anew`;
    throw new FlotillaError('config-invalid', message, { cause });
  }
}

const cannot = (file: string, what: string, cause: unknown): FlotillaError =>
  new FlotillaError('config-invalid', `${file} cannot be ${what}: ${(cause as Error).message}`, { cause });
