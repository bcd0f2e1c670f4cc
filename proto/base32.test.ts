import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';

test('base32 is that of RFC 4648, section 10, without padding', () => {
  const words = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'];
  assert.deepEqual(
    words.map((word) => encodeBase32(Buffer.from(word))),
    ['', 'MY', 'MZXQ', 'MZXW6', 'MZXW6YQ', 'MZXW6YTB', 'MZXW6YTBOI'],
  );
  assert.equal(decodeBase32('mzxw6'), undefined);
});

test('what is encoded is decoded to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(decodeBase32(encodeBase32(bytes)), bytes)),
  );
});
