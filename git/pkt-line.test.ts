import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { DELIM, FLUSH, MAX_PAYLOAD, type Pkt, readPkts, writePkt } from './pkt-line.ts';
import { assertFault, assertOnlyFaults } from './testing/assert-fault.ts';

const pkt = fc.oneof(
  fc.constant<Pkt>({ kind: 'flush' }),
  fc.constant<Pkt>({ kind: 'delim' }),
  fc.uint8Array({ maxLength: 300 }).map((bytes): Pkt => ({ kind: 'data', payload: Buffer.from(bytes) })),
);

function write(pkts: readonly Pkt[]): Buffer {
  return Buffer.concat(
    pkts.map((one) => (one.kind === 'data' ? writePkt(one.payload) : one.kind === 'flush' ? FLUSH : DELIM)),
  );
}

/** Cuts bytes at the places given, as a network might. */
function chunks(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

test('what was written is read back, however the network cuts it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(pkt), fc.array(fc.nat()), async (pkts, cuts) => {
      assert.deepEqual(await Array.fromAsync(readPkts(chunks(write(pkts), cuts))), pkts);
    }),
  );
});

test('a stream that ends inside a pkt-line is refused', async () => {
  const whole = writePkt('want something');
  for (let length = 1; length < whole.length; length++) {
    await assertFault(
      Array.fromAsync(readPkts([whole.subarray(0, length)])),
      'git-protocol',
      /ends in the middle/,
    );
  }
});

test('a length that is none is refused', async () => {
  for (const text of ['0003', 'fff5', '-001', '00g0', '<htm', '0x10']) {
    await assertFault(
      Array.fromAsync(readPkts([Buffer.from(`${text}xxxxxxxx`)])),
      'git-protocol',
      /not made of/,
    );
  }
});

test('arbitrary bytes end in pkt-lines or a fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), (bytes) =>
      assertOnlyFaults(() => Array.fromAsync(readPkts([bytes]))),
    ),
  );
});

test('the largest payload is written and one byte more is not', async () => {
  const largest = Buffer.alloc(MAX_PAYLOAD, 'x');
  assert.deepEqual(await Array.fromAsync(readPkts([writePkt(largest)])), [
    { kind: 'data', payload: largest },
  ]);
  assert.throws(() => writePkt(Buffer.alloc(MAX_PAYLOAD + 1)), RangeError);
});
