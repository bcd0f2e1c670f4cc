import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileCredentials } from './credentials.ts';
import { assertFault, never } from './testing/assert-fault.ts';
import { temporaryDirectory } from './testing/git-host.ts';

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

test('a file holds user:password or a token, is read again every time, and is named without its content', async (t) => {
  const file = join(temporaryDirectory(t), 'secret');
  const provider = fileCredentials(file);
  writeFileSync(file, 'ada:pw\n');
  assert.equal(await provider(never), basic('ada:pw'));
  writeFileSync(file, 'ghp_token');
  assert.equal(await provider(never), basic('x-access-token:ghp_token'));
  for (const content of ['', 'one\ntwo', 'x'.repeat(20_000), undefined]) {
    if (content === undefined) rmSync(file);
    else writeFileSync(file, content);
    const { message } = await assertFault(provider(never), 'git-credentials-refused');
    assert.ok(message.includes(file) && !/one|xxx/.test(message), message);
  }
});
