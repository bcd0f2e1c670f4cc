import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createAccount,
  createOperator,
  createServer,
  createUser,
  fromPublic,
  fromSeed,
} from '@nats-io/nkeys';
import { createNkey, nkeyFromSeed, nkeyRole, verifyNkey } from './nkey.ts';

const theirs = { operator: createOperator, account: createAccount, user: createUser, server: createServer };

for (const role of ['operator', 'account', 'user', 'server'] as const) {
  test(`a ${role} key is the same key to the library of NATS, both ways`, () => {
    const ours = createNkey(role);
    const data = Buffer.from('flotilla');
    const read = fromSeed(Buffer.from(ours.seed));
    assert.equal(read.getPublicKey(), ours.publicKey);
    assert.ok(fromPublic(ours.publicKey).verify(data, ours.sign(data)));
    const foreign = theirs[role]();
    const again = nkeyFromSeed(Buffer.from(foreign.getSeed()).toString());
    assert.equal(again.publicKey, foreign.getPublicKey());
    assert.equal(again.role, role);
    assert.ok(verifyNkey(again.publicKey, data, foreign.sign(data)));
  });
}

test('a seed, a typo and nonsense have no public role, and a wrong signature does not verify', () => {
  const key = createNkey('user');
  assert.equal(nkeyRole(key.publicKey), 'user');
  assert.equal(nkeyRole(key.seed), undefined);
  assert.equal(
    nkeyRole(`${key.publicKey.slice(0, -1)}${key.publicKey.endsWith('A') ? 'B' : 'A'}`),
    undefined,
  );
  assert.equal(nkeyRole('hello'), undefined);
  for (const letter of 'AQ7') assert.equal(nkeyRole(`${key.publicKey}${letter}`), undefined, letter);
  const signature = key.sign(Buffer.from('a'));
  assert.equal(verifyNkey(key.publicKey, Buffer.from('b'), signature), false);
  assert.equal(verifyNkey(key.publicKey, Buffer.from('a'), signature.subarray(1)), false);
  assert.throws(() => nkeyFromSeed('SUABC'), /not an nkey seed/);
});
