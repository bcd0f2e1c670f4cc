import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { openDesired, sealDesired } from './envelope.ts';
import { type FaultCode, FlotillaError } from './faults.ts';
import type { DesiredPayload } from './messages.ts';
import { createNkey } from './nkey.ts';

const hub = createNkey('server');
const oid = 'a'.repeat(40);
const document: DesiredPayload = {
  cluster: 'prod-eu-1',
  epoch: 7,
  issuedAt: '2026-11-22T10:00:00.000Z',
  head: oid,
  assignments: [{ placement: 'checkout', revision: oid, entryRevision: oid, digest: 'd', attempt: 1 }],
  removed: [],
};

const refusedAs = (code: FaultCode) => (error: unknown) =>
  error instanceof FlotillaError && error.code === code;

test('what the hub seals, an agent that trusts its key opens unchanged', () => {
  assert.deepEqual(openDesired(sealDesired(document, hub), [hub.publicKey]), document);
});

test('another key, an altered payload, another version and nonsense are refused by their own codes', () => {
  const sealed = sealDesired(document, hub);
  assert.throws(
    () => openDesired(sealed, [createNkey('server').publicKey]),
    refusedAs('desired-unknown-key'),
  );
  const altered = JSON.stringify({
    ...JSON.parse(sealed),
    payload: JSON.stringify({ ...document, epoch: 8 }),
  });
  assert.throws(() => openDesired(altered, [hub.publicKey]), refusedAs('desired-bad-signature'));
  const newer = JSON.stringify({ ...JSON.parse(sealed), v: 2 });
  assert.throws(() => openDesired(newer, [hub.publicKey]), refusedAs('desired-version-unknown'));
  assert.throws(() => openDesired('{', [hub.publicKey]), refusedAs('desired-malformed'));
});

test('unknown fields are ignored, so that a newer hub can add some', () => {
  const extended = { ...document, novelty: true } as DesiredPayload;
  assert.deepEqual(openDesired(sealDesired(extended, hub), [hub.publicKey]), document);
});

test('whatever bytes come in, nothing but a FlotillaError is thrown', () => {
  const sealed = sealDesired(document, hub);
  const damaged = fc
    .tuple(fc.nat(sealed.length - 1), fc.string({ maxLength: 3 }))
    .map(([at, text]) => sealed.slice(0, at) + text + sealed.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), damaged), (text) => {
      try {
        openDesired(text, [hub.publicKey]);
      } catch (error) {
        assert.ok(error instanceof FlotillaError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
