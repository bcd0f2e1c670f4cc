import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { checkArchive, type Item, readArchive, writeArchive } from './archive.ts';
import { differingSecrets, readSecrets, writeSecrets } from './files.ts';

const HEADER = { at: '2026-11-23T09:00:00.000Z', version: '0.1.0', hub: 'NHUB' };
const ITEMS: Item[] = [
  { kind: 'file', path: 'keys/hub.seed', text: 'SN…\n' },
  { kind: 'message', stream: 'AUDIT', subject: 'audit.operation.x', text: '{"v":1,"reason":"ü\\n"}' },
  { kind: 'state', key: 'cluster.east', text: '{"v":2}' },
];

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-backup-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
async function* all(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}
async function read(file: string): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of readArchive(file, () => undefined)) items.push(item);
  return items;
}
const is = (code: string, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FlotillaError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, says);
  return true;
};

test('a backup is read as it was written, is for its owner alone, and says what it is', async (t) => {
  const file = join(scratch(t), 'hub.backup');
  const counts = await writeArchive(file, HEADER, all(ITEMS), false);
  assert.deepEqual(counts, { file: 1, state: 1, message: 1 });
  assert.deepEqual(await read(file), ITEMS);
  const checked = await checkArchive(file);
  assert.deepEqual(checked.counts, counts);
  assert.equal(checked.header.hub, 'NHUB');
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a file that is there is written over only by force, and no draft is left behind', async (t) => {
  const dir = scratch(t);
  const file = join(dir, 'hub.backup');
  writeFileSync(file, 'mine');
  await assert.rejects(writeArchive(file, HEADER, all(ITEMS), false), is('backup-failed', /--force/));
  assert.equal(readFileSync(file, 'utf8'), 'mine');
  await writeArchive(file, HEADER, all(ITEMS), true);
  assert.equal((await read(file)).length, 3);
  assert.deepEqual(readdirSync(dir), ['hub.backup']);
});

test('a backup that cannot be finished leaves nothing', async (t) => {
  const dir = scratch(t);
  async function* broken(): AsyncGenerator<Item> {
    yield ITEMS[0]!;
    throw new FlotillaError('store-failed', 'JetStream: gone');
  }
  await assert.rejects(writeArchive(join(dir, 'x'), HEADER, broken(), false), is('store-failed', /gone/));
  await assert.rejects(
    writeArchive(join(dir, 'no/x'), HEADER, all(ITEMS), false),
    is('backup-failed', /ENOENT/),
  );
  assert.deepEqual(readdirSync(dir), []);
});

test('whatever byte is changed and wherever it is cut off, a backup is refused as a whole', async (t) => {
  const file = join(scratch(t), 'hub.backup');
  await writeArchive(file, HEADER, all(ITEMS), false);
  const [packed, plain] = [readFileSync(file), gunzipSync(readFileSync(file))];
  const damaged = fc.oneof(
    fc.nat(packed.length - 1).map((at) => packed.subarray(0, at)),
    fc.nat(plain.length - 1).map((at) => gzipSync(plain.subarray(0, at))),
    fc.tuple(fc.nat(plain.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const changed = Buffer.from(plain);
      changed[at] = changed[at]! ^ by;
      return gzipSync(changed);
    }),
  );
  await fc.assert(
    fc.asyncProperty(damaged, async (bytes) => {
      writeFileSync(file, bytes);
      await assert.rejects(checkArchive(file), is('backup-invalid', /hub\.backup (is|goes|cannot)/));
    }),
    { numRuns: 200 },
  );
});

test('what is no backup, or one of a later version, is named as that', async (t) => {
  const dir = scratch(t);
  const file = join(dir, 'x');
  for (const [bytes, says] of [
    [Buffer.from('hello'), /is no backup of a hub/],
    [gzipSync('{"format":"other"}\n'), /is no backup of a hub/],
    [gzipSync('{"format":"flotilla-hub-backup","v":7}\n'), /version 7; this program reads version 1/],
    [Buffer.alloc(0), /is no backup of a hub/],
    [gzipSync(Buffer.alloc(5_000_000, 0x20)), /is no backup of a hub/],
  ] as const) {
    writeFileSync(file, bytes);
    await assert.rejects(checkArchive(file), is('backup-invalid', says));
  }
  await assert.rejects(checkArchive(join(dir, 'none')), is('backup-invalid', /cannot be read/));
});

test('secret files are put back for their owner alone, and none leads out of the directory', (t) => {
  const [from, to] = [scratch(t), scratch(t)];
  const files = [
    { path: 'access/tokens/admin.json', text: '{}' },
    { path: 'keys/hub.seed', text: 'SN' },
  ];
  writeSecrets(from, files);
  writeFileSync(join(from, 'nats-server.conf'), 'no secret');
  assert.deepEqual(readSecrets(from), files);
  writeSecrets(to, files);
  assert.equal(statSync(join(to, 'keys/hub.seed')).mode & 0o777, 0o600);
  assert.deepEqual(differingSecrets(to, files), []);
  assert.deepEqual(differingSecrets(to, [{ path: 'keys/hub.seed', text: 'other' }]), ['keys/hub.seed']);
  for (const path of ['keys/../x', '/etc/x', 'keys/.x', 'nats-server.conf', 'keys'])
    assert.throws(() => differingSecrets(to, [{ path, text: '' }]), is('backup-invalid', /has a file/));
});
