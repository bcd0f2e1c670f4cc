import { createHmac } from 'node:crypto';

/**
 * How a request is signed, so that its receiver knows that it comes from this hub and when: Standard Webhooks, for which there are libraries
 * in most languages (standardwebhooks.com, specification 1.0.0). `webhook-id` names the question: the same one is sent again with the same
 * id, after a failed try as after a restart.
 */
export type SignedHeaders = {
  readonly 'webhook-id': string;
  /** Unix seconds. */
  readonly 'webhook-timestamp': string;
  /** `v1,` and the base64 HMAC-SHA256 of `ID.TIMESTAMP.BODY`. */
  readonly 'webhook-signature': string;
};

export function sign(key: Uint8Array, id: string, seconds: number, body: string): SignedHeaders {
  const mac = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${mac}` };
}

/** The key that a secret's text stands for: what `whsec_` introduces is base64, anything else is taken as it is. */
export function keyOf(secret: string): Uint8Array {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret)?.[1];
  return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
}
