import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOnce } from '#process/secret-file.ts';
import { FlotillaError } from '#proto/faults.ts';
import { createNkey, type Nkey, type NkeyRole, nkeyFromSeed } from '#proto/nkey.ts';
import { accountJwt, accountUserJwt, operatorJwt, scopedUserJwt } from './jwt.ts';

/**
 * The hub's keys, each in a file of its own below `DATA/keys`, readable by their owner only. They are made once and never
 * overwritten: agents pin the public key of `hub`, and nats-server pins the one of `operator`.
 */
const KEYS = {
  operator: 'operator',
  account: 'account',
  system: 'account',
  /** Signs the agents; its scope in the account says what they may do. */
  agents: 'account',
  hubUser: 'user',
  /** Signs desired documents. */
  hub: 'server',
} as const satisfies Record<string, NkeyRole>;
type KeyName = keyof typeof KEYS;
const NAMES = Object.keys(KEYS) as KeyName[];

export type Trust = Readonly<Record<KeyName, Nkey>> & {
  /** Unix seconds; of the tokens that change only with their keys. */
  readonly issuedAt: number;
};

const AGENT_JWT_SECONDS = 14 * 86_400;

/** What an agent may do; `{{name()}}` is its cluster. Everything not allowed is denied, `_INBOX` and `$JS` included. */
const AGENT_TEMPLATE = { pub: { allow: ['up.{{name()}}.>'] }, sub: { allow: ['down.{{name()}}.>'] } };

const fileOf = (dataDir: string, name: string) => join(dataDir, 'keys', `${name}.seed`);
const stampOf = (dataDir: string) => join(dataDir, 'keys', 'issued-at');

/**
 * Makes the keys that are missing. Safe to repeat and to run twice at once.
 * @throws FlotillaError config-invalid where the directory cannot be written or holds something else
 */
export function initTrust(dataDir: string, now: number): { trust: Trust; created: boolean } {
  let created = false;
  try {
    mkdirSync(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
    createOnce(stampOf(dataDir), `${Math.floor(now / 1000)}\n`);
    for (const name of NAMES) {
      created = createOnce(fileOf(dataDir, name), `${createNkey(KEYS[name]).seed}\n`) || created;
    }
  } catch (cause) {
    throw new FlotillaError(
      'config-invalid',
      `keys in ${dataDir} cannot be written: ${(cause as Error).message}`,
      { cause },
    );
  }
  return { trust: loadTrust(dataDir), created };
}

/** @throws FlotillaError config-invalid naming the file, never its content */
export function loadTrust(dataDir: string): Trust {
  const keys = Object.fromEntries(NAMES.map((name) => [name, readKey(fileOf(dataDir, name), KEYS[name])]));
  const issuedAt = Number(readText(stampOf(dataDir)));
  if (!Number.isSafeInteger(issuedAt))
    throw new FlotillaError('config-invalid', `${stampOf(dataDir)} does not hold Unix seconds`);
  return { ...(keys as Record<KeyName, Nkey>), issuedAt };
}

export type ServerTokens = {
  operator: string;
  systemAccount: string;
  /** Account public key → its token. */
  accounts: Readonly<Record<string, string>>;
};

/** The token of the account that hub and agents share. `jetStream`: whether it may store anything. */
export function fleetAccountJwt(
  { operator, account, agents, issuedAt }: Trust,
  { jetStream }: { jetStream: boolean },
): string {
  const scope = { key: agents.publicKey, role: 'agent', template: AGENT_TEMPLATE };
  return accountJwt(operator, {
    publicKey: account.publicKey,
    name: 'fleet',
    issuedAt,
    jetStream,
    scopes: [scope],
  });
}

/** What nats-server is configured with; equal for equal keys. */
export function serverTokens(trust: Trust): ServerTokens {
  const { operator, account, system, issuedAt } = trust;
  return {
    operator: operatorJwt(operator, {
      publicKey: operator.publicKey,
      name: 'flotilla',
      issuedAt,
      systemAccount: system.publicKey,
    }),
    systemAccount: system.publicKey,
    accounts: {
      [account.publicKey]: fleetAccountJwt(trust, { jetStream: true }),
      [system.publicKey]: accountJwt(operator, {
        publicKey: system.publicKey,
        name: 'system',
        issuedAt,
        jetStream: false,
        scopes: [],
      }),
    },
  };
}

/** The hub's own token; it may do everything in the fleet's account. */
export function hubUserJwt(trust: Trust): string {
  const { account, hubUser, issuedAt } = trust;
  return accountUserJwt(account, { publicKey: hubUser.publicKey, name: 'flotilla-hub', issuedAt });
}

/** A token for nats-server's own account, in which it says how it is and takes tokens of accounts. */
export function systemUserJwt({ system, issuedAt }: Trust, publicKey: string): string {
  return accountUserJwt(system, { publicKey, name: 'flotilla-hub', issuedAt });
}

/** The token of a committed agent key, good for 14 days from `now` (Unix ms). */
export function agentJwt(trust: Trust, cluster: string, publicKey: string, now: number): string {
  const issuedAt = Math.floor(now / 1000);
  return scopedUserJwt(trust.agents, {
    publicKey,
    name: cluster,
    issuedAt,
    expiresAt: issuedAt + AGENT_JWT_SECONDS,
    account: trust.account.publicKey,
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'is missing; run `init` with the same --data first' : 'cannot be read';
    throw new FlotillaError('config-invalid', `${file} ${why}`, { cause });
  }
}

function readKey(file: string, role: NkeyRole): Nkey {
  const text = readText(file);
  let key: Nkey | undefined;
  try {
    key = nkeyFromSeed(text);
  } catch (cause) {
    throw new FlotillaError('config-invalid', `${file}: ${(cause as Error).message}`);
  }
  if (key.role !== role)
    throw new FlotillaError('config-invalid', `${file} holds a seed of role ${key.role}`);
  return key;
}
