import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { findChecksum } from './checksums.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

test('the hash of exactly the file asked for is found, in text and binary notation', () => {
  const sums = `${A}  other.tar.gz\n${B.toUpperCase()} *./out/program.tar.gz\n`;
  assert.equal(findChecksum(sums, 'program.tar.gz'), B);
  assert.equal(findChecksum(sums, 'other.tar.gz'), A);
  assert.equal(findChecksum(sums, 'program.tar'), undefined);
});

test('a file that is nothing but one hash speaks for the file beside it', () => {
  assert.equal(findChecksum(`${A}\n`, 'kube-apiserver'), A);
  assert.equal(findChecksum(`${A}\n${B}\n`, 'kube-apiserver'), undefined);
});

test('two different hashes for one file are no hash', () => {
  assert.equal(findChecksum(`${A}  f\n${B}  f\n`, 'f'), undefined);
  assert.equal(findChecksum(`${A}  f\n${A}  f\n`, 'f'), A);
});

test('whatever stands in a checksum file, the answer is a sha256 or nothing', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, file) => {
      assert.match(findChecksum(text, file) ?? A, /^[0-9a-f]{64}$/);
    }),
  );
});
