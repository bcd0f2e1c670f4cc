import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GitObjects } from '#git/objects.ts';
import { type FaultCode, FlotillaError } from '#proto/faults.ts';
import { fileCredentials } from './git-credentials.ts';
import { FirstOf } from './mirrors.ts';

const NEVER = new AbortController().signal;
const answering = (text: string) => ({ readBlob: async () => Buffer.from(text) }) as unknown as GitObjects;
const failing = (code: FaultCode, message: string) =>
  ({
    readBlob: async () => {
      throw new FlotillaError(code, message);
    },
  }) as unknown as GitObjects;

test('a mirror serves what the first remote cannot', async () => {
  const objects = new FirstOf([failing('git-unreachable', 'first'), answering('from the mirror')]);
  assert.equal((await objects.readBlob('x', NEVER)).toString(), 'from the mirror');
});

test('where nobody serves it, the failure of the first remote is told', async () => {
  const objects = new FirstOf([failing('git-unreachable', 'first'), failing('git-object-missing', 'second')]);
  await assert.rejects(objects.readBlob('x', NEVER), /first/);
});

test('what is corrupt is not asked for elsewhere', async () => {
  const objects = new FirstOf([failing('git-object-corrupt', 'bad'), answering('other')]);
  await assert.rejects(objects.readBlob('x', NEVER), /bad/);
});

test('a credentials file is read anew every time, and its content is in no error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-credentials-'));
  const file = join(directory, 'git');
  const read = fileCredentials(file);
  const decoded = async () => Buffer.from((await read(NEVER))!.slice('Basic '.length), 'base64').toString();
  await assert.rejects(read(NEVER), /cannot be read/);
  writeFileSync(file, 'ada:secret\n');
  assert.equal(await decoded(), 'ada:secret');
  writeFileSync(file, 'token-only');
  assert.equal(await decoded(), 'x-access-token:token-only');
  writeFileSync(file, 'hidden\nlines');
  await assert.rejects(read(NEVER), (error: Error) => !error.message.includes('hidden'));
  rmSync(directory, { recursive: true });
});
