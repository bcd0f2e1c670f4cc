import { createHash } from 'node:crypto';
import { encodeBase32 } from '#proto/base32.ts';
import { type Nkey, nkeyRole } from '#proto/nkey.ts';

/**
 * JSON Web Tokens of NATS (ADR-14 of nats-architecture-and-design, claims version 2): who signs whom, up to the operator.
 * Times are Unix seconds. Nothing in a token is secret.
 */
export type Permission = { allow?: readonly string[]; deny?: readonly string[] };

/** What every user signed with this key may do; `{{name()}}` stands for the user's name. */
export type UserScope = {
  key: string;
  role: string;
  template: { pub: Permission; sub: Permission };
};

const UNLIMITED = -1;
const ENCODING = 'base64url';

type Subject = { publicKey: string; name: string; issuedAt: number };

export function operatorJwt(operator: Nkey, options: Subject & { systemAccount: string }): string {
  return encode(operator, options, { type: 'operator', system_account: options.systemAccount });
}

/** `jetStream`: the account may store without limits of its own. */
export function accountJwt(
  operator: Nkey,
  options: Subject & { jetStream: boolean; scopes: readonly UserScope[] },
): string {
  const storage = options.jetStream ? UNLIMITED : 0;
  return encode(operator, options, {
    type: 'account',
    limits: {
      subs: UNLIMITED,
      data: UNLIMITED,
      payload: UNLIMITED,
      imports: UNLIMITED,
      exports: UNLIMITED,
      wildcards: true,
      conn: UNLIMITED,
      leaf: UNLIMITED,
      mem_storage: storage,
      disk_storage: storage,
      streams: storage,
      consumer: storage,
    },
    signing_keys: options.scopes.map(({ key, role, template }) => ({
      kind: 'user_scope',
      key,
      role,
      template: { ...template, subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED },
    })),
    default_permissions: { pub: {}, sub: {} },
  });
}

/** A user with all rights in its account, signed by the account's own key. */
export function accountUserJwt(account: Nkey, options: Subject): string {
  return encode(account, options, {
    type: 'user',
    pub: {},
    sub: {},
    subs: UNLIMITED,
    data: UNLIMITED,
    payload: UNLIMITED,
  });
}

/** A user whose rights are those of the scope that `signingKey` has in the account: it must carry none itself. */
export function scopedUserJwt(
  signingKey: Nkey,
  options: Subject & { account: string; expiresAt: number },
): string {
  return encode(
    signingKey,
    options,
    { type: 'user', issuer_account: options.account, pub: {}, sub: {} },
    options.expiresAt,
  );
}

function encode(issuer: Nkey, subject: Subject, claims: Record<string, unknown>, expiresAt?: number): string {
  if (!nkeyRole(subject.publicKey)) throw new Error(`${subject.name}: not a public key`);
  const body = {
    iat: subject.issuedAt,
    ...(expiresAt !== undefined && { exp: expiresAt }),
    iss: issuer.publicKey,
    name: subject.name,
    sub: subject.publicKey,
    nats: { ...claims, version: 2 },
  };
  const jti = encodeBase32(createHash('sha512-256').update(JSON.stringify(body)).digest());
  const header = part({ typ: 'JWT', alg: 'ed25519-nkey' });
  const signed = `${header}.${part({ jti, ...body })}`;
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString(ENCODING)}`;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString(ENCODING);
