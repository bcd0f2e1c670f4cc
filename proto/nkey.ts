import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { decodeBase32, encodeBase32 } from './base32.ts';

/**
 * NATS keys (ADR-14 of nats-architecture-and-design): Ed25519 keys as base32 text with a role prefix and a CRC-16.
 * Public keys start with O (operator), A (account), U (user) or N (server); the seed of each starts with S and that letter.
 * Signing goes through node:crypto, thirty times faster than the pure JavaScript of the public library.
 */
const ROLES = { operator: 14 << 3, account: 0, user: 20 << 3, server: 13 << 3 } as const;
const SEED = 18 << 3;
const SEED_TEXT = /\bS[A-Z][A-Z2-7]{56,}\b/g;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

export type NkeyRole = keyof typeof ROLES;

/** A key pair: `seed` is secret and never logged. */
export type Nkey = {
  readonly role: NkeyRole;
  readonly publicKey: string;
  readonly seed: string;
  sign(data: Uint8Array): Uint8Array;
};

export function createNkey(role: NkeyRole): Nkey {
  return fromRawSeed(role, randomBytes(32));
}

/** Reads a seed; throws a plain Error that does not repeat it. */
export function nkeyFromSeed(seed: string): Nkey {
  const bytes = decode(seed.trim());
  if (bytes?.length !== 34 || (bytes[0]! & 0xf8) !== SEED) throw new Error('not an nkey seed');
  const prefix = ((bytes[0]! & 7) << 5) | ((bytes[1]! & 0xf8) >> 3);
  const role = roleOf(prefix);
  if (!role) throw new Error('a seed of an unknown role');
  return fromRawSeed(role, bytes.subarray(2));
}

/** Text without seeds: what is quoted from elsewhere must not spread a secret that should not be there. */
export const withoutSeeds = (text: string): string => text.replace(SEED_TEXT, 'S…');

/** The role of a public key, or undefined when it is none (a seed included). */
export function nkeyRole(publicKey: string): NkeyRole | undefined {
  const bytes = decode(publicKey);
  return bytes?.length === 33 ? roleOf(bytes[0]!) : undefined;
}

export function verifyNkey(publicKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  const bytes = decode(publicKey);
  if (bytes?.length !== 33 || signature.length !== 64) return false;
  const x = Buffer.from(bytes.subarray(1)).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, data, key, signature);
}

function fromRawSeed(role: NkeyRole, raw: Uint8Array): Nkey {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, raw]), format: 'der', type: 'pkcs8' });
  const prefix = ROLES[role];
  return {
    role,
    publicKey: encode(Buffer.concat([Buffer.from([prefix]), rawPublic(key)])),
    seed: encode(Buffer.concat([Buffer.from([SEED | (prefix >> 5), (prefix & 31) << 3]), raw])),
    sign: (data) => sign(null, data, key),
  };
}

function rawPublic(key: KeyObject): Buffer {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.from(x as string, 'base64url');
}

function roleOf(prefix: number): NkeyRole | undefined {
  return (Object.keys(ROLES) as NkeyRole[]).find((role) => ROLES[role] === prefix);
}

function encode(payload: Uint8Array): string {
  const crc = crc16(payload);
  return encodeBase32(Buffer.concat([payload, Buffer.from([crc & 0xff, crc >> 8])]));
}

/**
 * Bytes without the checksum, or undefined when text is not base32 with a matching checksum. Each key has one spelling: keys are
 * compared as text, so that another letter at the end must not pass for the same key.
 */
function decode(text: string): Uint8Array | undefined {
  const bytes = decodeBase32(text);
  if (!bytes || bytes.length < 3 || encodeBase32(bytes) !== text) return undefined;
  const payload = bytes.slice(0, -2);
  const crc = bytes.at(-2)! | (bytes.at(-1)! << 8);
  return crc16(payload) === crc ? payload : undefined;
}

/** CRC-16/XMODEM, as NATS uses it. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let i = 0; i < 8; i++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}
