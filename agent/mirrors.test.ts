import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GitObjects } from '#git/objects.ts';
import { type FaultCode, FlotillaError } from '#proto/faults.ts';
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
