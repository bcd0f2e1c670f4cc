import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { createNkey } from '#proto/nkey.ts';
import { initSeed, readSeed } from './seed.ts';

const directory = mkdtempSync(join(tmpdir(), 'flotilla-seed-'));
after(() => rmSync(directory, { recursive: true }));

test('a seed is made once, for its owner only, and the second time the same key is told', () => {
  const file = join(directory, 'deep', 'agent.seed');
  const first = initSeed(file);
  const second = initSeed(file);
  assert.deepEqual([first.created, second.created], [true, false]);
  assert.equal(second.publicKey, first.publicKey);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readSeed(file).warning, undefined);
});

test('a seed that others can read is used, with a warning', () => {
  const file = join(directory, 'open.seed');
  initSeed(file);
  chmodSync(file, 0o644);
  assert.match(readSeed(file).warning!, /mode 0644/);
});

test('a file without a seed, or with one of another role, is refused and not repeated', () => {
  const server = createNkey('server');
  for (const text of ['not a seed at all', server.seed]) {
    const file = join(directory, 'wrong.seed');
    writeFileSync(file, text, { mode: 0o600 });
    assert.throws(
      () => readSeed(file),
      (error) =>
        error instanceof FlotillaError && error.code === 'config-invalid' && !error.message.includes(text),
    );
  }
});
