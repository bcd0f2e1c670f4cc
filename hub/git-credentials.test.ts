import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { fileCredentials } from './git-credentials.ts';

const never = new AbortController().signal;
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

test('a file holds user:password or a token, is read again every time, and is named without its content', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-credentials-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'secret');
  const provider = fileCredentials(file);
  writeFileSync(file, 'ada:pw\n');
  assert.equal(await provider(never), basic('ada:pw'));
  writeFileSync(file, 'ghp_token');
  assert.equal(await provider(never), basic('x-access-token:ghp_token'));
  for (const content of ['', 'one\ntwo', 'x'.repeat(20_000), undefined]) {
    if (content === undefined) rmSync(file);
    else writeFileSync(file, content);
    await assert.rejects(provider(never), (error) => {
      assert.ok(error instanceof FlotillaError);
      assert.equal(error.code, 'git-credentials-refused');
      assert.ok(error.message.includes(file) && !/one|xxx/.test(error.message), error.message);
      return true;
    });
  }
});
