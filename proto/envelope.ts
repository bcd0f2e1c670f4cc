import { z } from 'zod';
import { FlotillaError } from './faults.ts';
import { LIMITS } from './limits.ts';
import { type DesiredPayload, desiredPayload } from './messages.ts';
import { type Nkey, verifyNkey } from './nkey.ts';

/**
 * The signed envelope around a desired document: Ed25519 over `flotilla-desired-v1\0` + the bytes of `payload`.
 * The payload travels as text, so that the bytes that were signed are the bytes that are read.
 */
const envelope = z.object({ v: z.literal(1), key: z.string(), payload: z.string(), sig: z.string() });
const DOMAIN = 'flotilla-desired-v1\0';

export function sealDesired(document: DesiredPayload, key: Nkey): string {
  const payload = JSON.stringify(document);
  const sig = Buffer.from(key.sign(Buffer.from(DOMAIN + payload))).toString('base64url');
  return JSON.stringify({ v: 1, key: key.publicKey, payload, sig });
}

/**
 * Reads an envelope that one of `trustedKeys` signed. Cluster and epoch are the caller's to judge.
 * @throws FlotillaError desired-malformed, desired-version-unknown, desired-unknown-key, desired-bad-signature
 */
export function openDesired(text: string, trustedKeys: readonly string[]): DesiredPayload {
  if (text.length > LIMITS.messageBytes)
    throw new FlotillaError(
      'desired-malformed',
      `desired document of ${text.length} bytes exceeds ${LIMITS.messageBytes}`,
    );
  const outer = parseJson(text);
  if (isRecord(outer) && typeof outer.v === 'number' && outer.v !== 1) {
    throw new FlotillaError(
      'desired-version-unknown',
      `desired document has version ${outer.v}, this agent knows 1`,
    );
  }
  const read = envelope.safeParse(outer);
  if (!read.success) throw malformed(read.error);
  const { key, payload, sig } = read.data;
  if (!trustedKeys.includes(key))
    throw new FlotillaError(
      'desired-unknown-key',
      `desired document is signed by ${key}, which is not trusted here`,
    );
  if (!verifyNkey(key, Buffer.from(DOMAIN + payload), Buffer.from(sig, 'base64url'))) {
    throw new FlotillaError('desired-bad-signature', `desired document has a wrong signature of ${key}`);
  }
  const inner = desiredPayload.safeParse(parseJson(payload));
  if (!inner.success) throw malformed(inner.error);
  return inner.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FlotillaError('desired-malformed', 'desired document is not JSON', { cause });
  }
}

function malformed(error: z.ZodError): FlotillaError {
  return new FlotillaError('desired-malformed', `desired document is malformed: ${z.prettifyError(error)}`, {
    cause: error,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
