import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sealDesired } from '#proto/envelope.ts';
import { type FaultCode, FlotillaError } from '#proto/faults.ts';
import type { DesiredPayload } from '#proto/messages.ts';
import { createNkey } from '#proto/nkey.ts';
import fc from '#test/laws.ts';
import { isHeld, judgeDesired, revisionsOf } from './accept.ts';

const hub = createNkey('server');
const stranger = createNkey('server');
const oid = (letter: string) => letter.repeat(40);
const document = (epoch: number, change: Partial<DesiredPayload> = {}): DesiredPayload => ({
  cluster: 'prod-eu-1',
  epoch,
  issuedAt: '2026-11-22T10:00:00.000Z',
  head: oid('a'),
  assignments: [
    { placement: 'checkout', revision: oid('b'), entryRevision: oid('c'), digest: 'd', attempt: 1 },
  ],
  removed: [],
  ...change,
});
const standing = (inForce?: DesiredPayload) => ({
  cluster: 'prod-eu-1',
  trustedKeys: [hub.publicKey],
  inForce,
});
const refusedAs = (code: FaultCode) => (error: unknown) =>
  error instanceof FlotillaError && error.code === code;

const table: [sentence: string, envelope: string, inForce: DesiredPayload | undefined, code: FaultCode][] = [
  ['of a key that is not trusted', sealDesired(document(9), stranger), undefined, 'desired-unknown-key'],
  [
    'for another cluster',
    sealDesired(document(9, { cluster: 'prod-eu-2' }), hub),
    undefined,
    'desired-wrong-cluster',
  ],
  ['of an older epoch', sealDesired(document(6), hub), document(7), 'desired-old-epoch'],
  [
    'of the same epoch with other content',
    sealDesired(document(7, { head: oid('e') }), hub),
    document(7),
    'desired-old-epoch',
  ],
  [
    'with an altered payload',
    sealDesired(document(7), hub).replace('checkout', 'checkoat'),
    undefined,
    'desired-bad-signature',
  ],
  ['that is not JSON', 'nonsense', undefined, 'desired-malformed'],
];
for (const [sentence, envelope, inForce, code] of table) {
  test(`a document ${sentence} is refused`, () => {
    assert.throws(() => judgeDesired(envelope, standing(inForce)), refusedAs(code));
  });
}

test('a newer epoch is new, and the same document come again is the same', () => {
  assert.equal(judgeDesired(sealDesired(document(7), hub), standing()).verdict, 'new');
  assert.equal(judgeDesired(sealDesired(document(8), hub), standing(document(7))).verdict, 'new');
  const again = document(7, { issuedAt: '2026-11-22T11:00:00.000Z' });
  assert.equal(judgeDesired(sealDesired(again, hub), standing(document(7))).verdict, 'same');
});

test('whatever sequence of documents arrives, the epoch in force never falls', () => {
  const arrivals = fc.array(
    fc.record({ epoch: fc.nat(20), key: fc.constantFrom(hub, stranger), head: fc.constantFrom('a', 'f') }),
  );
  fc.assert(
    fc.property(arrivals, (sequence) => {
      let inForce: DesiredPayload | undefined;
      for (const { epoch, key, head } of sequence) {
        const before: DesiredPayload | undefined = inForce;
        try {
          const judged = judgeDesired(
            sealDesired(document(epoch, { head: oid(head) }), key),
            standing(before),
          );
          assert.equal(key, hub);
          if (judged.verdict === 'new') inForce = judged.document;
        } catch (error) {
          assert.ok(error instanceof FlotillaError);
        }
        assert.ok((inForce?.epoch ?? 0) >= (before?.epoch ?? 0));
        if (inForce?.epoch === before?.epoch) assert.deepEqual(inForce, before);
      }
    }),
    { numRuns: 50 },
  );
});

test('whatever bytes come in, nothing but a FlotillaError is thrown', () => {
  const sealed = sealDesired(document(7), hub);
  const damaged = fc
    .tuple(fc.nat(sealed.length - 1), fc.string())
    .map(([at, text]) => sealed.slice(0, at) + text + sealed.slice(at + text.length));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), damaged), (text) => {
      try {
        const { document: read } = judgeDesired(text, standing());
        assert.deepEqual(read, document(7));
      } catch (error) {
        assert.ok(error instanceof FlotillaError);
      }
    }),
    { numRuns: 300 },
  );
});

test('every revision that a document names has to be on the branch', () => {
  const removed = [{ placement: 'old', revision: oid('f') }];
  assert.deepEqual(revisionsOf(document(1, { removed })), [oid('a'), oid('b'), oid('c'), oid('f')]);
});

test('a hold covers what it names, or everything, until it ends', () => {
  const until = '2026-11-22T12:00:00.000Z';
  const [before, after] = [Date.parse(until) - 1, Date.parse(until)];
  const all = document(1, { hold: { until } });
  const one = document(1, { hold: { until, placements: ['checkout'] } });
  assert.equal(isHeld(all, 'any', before), true);
  assert.equal(isHeld(all, 'any', after), false);
  assert.equal(isHeld(one, 'checkout', before), true);
  assert.equal(isHeld(one, 'other', before), false);
  assert.equal(isHeld(undefined, 'checkout', before), false);
});
