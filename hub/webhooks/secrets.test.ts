import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keysIn } from './secrets.ts';
import { sign } from './signature.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'flotilla-keys-'));
  await mkdir(join(dir, 'keys'));
  await writeFile(join(dir, 'outside'), 'what nobody may sign with');
  await writeFile(join(dir, 'keys', 'plain'), 'sixteen bytes and more\n');
  await writeFile(join(dir, 'keys', 'encoded'), `whsec_${Buffer.alloc(24, 7).toString('base64')}\n`);
  await writeFile(join(dir, 'keys', 'short'), 'short-secret\n');
  await writeFile(join(dir, 'keys', 'long'), 'x'.repeat(5_000));
  await symlink('plain', join(dir, 'keys', 'mounted'));
});
after(() => rm(dir, { recursive: true }));

test('a secret is the text of its file, or what whsec_ introduces', async () => {
  const read = keysIn(join(dir, 'keys'));
  assert.equal(Buffer.from(await read('plain')).toString(), 'sixteen bytes and more');
  assert.equal(Buffer.from(await read('mounted')).toString(), 'sixteen bytes and more');
  assert.deepEqual(Buffer.from(await read('encoded')), Buffer.alloc(24, 7));
});

test('no name leads out of the directory, and nothing of a secret is told', async () => {
  const read = keysIn(join(dir, 'keys'));
  for (const name of ['../outside', '..', '.', '..data', '', 'a/b', 'missing', 'short', 'long', 'a\0b'])
    await assert.rejects(read(name), (error: Error & { code: string }) => {
      assert.equal(error.code, 'webhook-refused');
      assert.ok(!/short-secret|xxxx|nobody/.test(`${error.message}${error.stack}`));
      return true;
    });
  await assert.rejects(keysIn(undefined)('plain'), /no --webhook-secrets/);
});

test('the signature is that of Standard Webhooks', () => {
  // The example of the specification's own libraries.
  const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
  const signed = sign(key, id, 1614265330, '{"test": 2432232314}');
  assert.equal(signed['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  const own = createHmac('sha256', key).update(`${id}.1614265330.{"test": 2432232314}`).digest('base64');
  assert.equal(signed['webhook-signature'], `v1,${own}`);
});
