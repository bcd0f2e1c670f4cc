import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutCredentials } from './url.ts';

test('user and password of every URL in a text are left out, the rest stays', () => {
  const text =
    'NATS at nats://usr:pass@127.0.0.1:1, tls://tok@b:2 and nats://c:3 (mail a@b) cannot be reached';
  assert.equal(
    withoutCredentials(text),
    'NATS at nats://127.0.0.1:1, tls://b:2 and nats://c:3 (mail a@b) cannot be reached',
  );
});
