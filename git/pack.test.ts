import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from '#test/laws.ts';
import { indexPack } from './pack.ts';
import { applyDelta, parseEntryHeader } from './pack-entry.ts';
import { PackIndex, writePackIndex } from './pack-index.ts';
import { joinPacks } from './pack-join.ts';
import { assertFault, assertOnlyFaults, never } from './testing/assert-fault.ts';
import { commitLine, fastImport } from './testing/fast-import.ts';
import { startGitHost, temporaryDirectory } from './testing/git-host.ts';

const LIMITS = { maxObjectBytes: 10_000_000, maxUnpackedBytes: 100_000_000 };

/** A pack as Git makes it from 60 versions of a file that is long enough for deltas. */
async function realPack(t: TestContext, ...options: string[]): Promise<Buffer> {
  const host = await startGitHost(t);
  const body = Array.from({ length: 200 }, (_, i) => `line ${i} ${(i * 2654435761) % 4294967296}`).join('\n');
  const line = commitLine(60).map((commit, i) => ({
    ...commit,
    files: { 'a.txt': `${i}\n${body}`, [`b${i}`]: `${i}` },
  }));
  const tip = host.import(fastImport(line));
  return execFileSync(
    'git',
    ['-C', host.directory, 'pack-objects', '--revs', '--stdout', '-q', '--window=50', ...options],
    {
      input: `${tip}\n`,
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
}

type Entry = { kind: number; data: Buffer; base?: Buffer; size?: number };

/** Writes a pack of entries as they are, true or not. */
function handMade(entries: readonly Entry[], count = entries.length): Buffer {
  const header = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  header.writeUInt32BE(count, 8);
  const body = Buffer.concat([
    header,
    ...entries.flatMap(({ kind, data, base, size = data.length }) => {
      const head: number[] = [];
      let rest = Math.floor(size / 16);
      head.push((kind << 4) | (size & 15) | (rest > 0 ? 0x80 : 0));
      for (; rest > 0; rest = Math.floor(rest / 128)) head.push((rest & 0x7f) | (rest > 127 ? 0x80 : 0));
      return [Buffer.from(head), base ?? Buffer.alloc(0), deflateSync(data)];
    }),
  ]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}
const BLOB = 3;
const OFS = 6;
const REF = 7;
const blob = (text: string): Entry => ({ kind: BLOB, data: Buffer.from(text) });
const index = (pack: Buffer, limits = LIMITS) => indexPack(pack, limits, never);

for (const [words, options] of [
  ['deltas by distance', ['--delta-base-offset']],
  ['deltas by id', []],
] as const) {
  test(`the index of a pack with ${words} is the one that git index-pack writes`, async (t) => {
    const pack = await realPack(t, ...options);
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'x.pack'), pack);
    execFileSync('git', ['index-pack', join(directory, 'x.pack')], { stdio: 'pipe' });
    const ours = writePackIndex(await index(pack), pack.subarray(-20));
    assert.ok(ours.equals(readFileSync(join(directory, 'x.idx'))));
  });
}

test('a delta by id may stand before its base, and before deltas that build on it', async () => {
  const copyAll = (size: number) => Buffer.from([size, size, 0x90, size]);
  const oid = createHash('sha1').update('blob 5\0hello').digest();
  const delta: Entry = { kind: REF, data: copyAll(5), base: oid };
  const length = handMade([delta]).length - 32;
  const onTop: Entry = { kind: OFS, data: copyAll(5), base: Buffer.from([length]) };
  const entries = await index(handMade([delta, onTop, blob('hello')]));
  assert.deepEqual(new Set(entries.map((entry) => entry.oid)), new Set([oid.toString('hex')]));
  assert.equal(entries.length, 3);
});

test('a base that is not in the pack is refused, a chain that bites its tail too', async () => {
  const elsewhere: Entry = { kind: REF, data: Buffer.from([5, 5, 0x90, 5]), base: Buffer.alloc(20, 7) };
  await assertFault(index(handMade([elsewhere])), 'git-object-corrupt', /base lies outside/);
  await assertFault(
    index(handMade([{ ...elsewhere, kind: OFS, base: Buffer.from([0]) }])),
    'git-object-corrupt',
  );
  await assertFault(
    index(handMade([{ ...elsewhere, kind: OFS, base: Buffer.from([3]) }])),
    'git-object-corrupt',
  );
});

test('entries that say another size than they have are refused', async () => {
  await assertFault(
    index(handMade([{ ...blob('hello'), size: 4 }])),
    'git-object-corrupt',
    /inflated|another size/,
  );
  await assertFault(index(handMade([{ ...blob('hello'), size: 6 }])), 'git-object-corrupt', /another size/);
});

test('a pack with more or fewer entries than it says is refused', async () => {
  await assertFault(index(handMade([blob('a')], 2)), 'git-object-corrupt');
  await assertFault(index(handMade([blob('a'), blob('b')], 1)), 'git-object-corrupt', /goes on after/);
});

test('small packs that unpack to much are refused', async () => {
  const bomb = handMade([{ kind: BLOB, data: Buffer.alloc(1_000_000) }]);
  await assertFault(index(bomb, { ...LIMITS, maxObjectBytes: 999_999 }), 'git-too-large', /1000000 bytes/);
  const many = handMade(Array.from({ length: 20 }, (_, i) => blob(`${i}`.padEnd(1_000))));
  await assertFault(index(many, { ...LIMITS, maxUnpackedBytes: 19_000 }), 'git-too-large', /unpacks/);
  const varint = (n: number) => Buffer.from([(n & 0x7f) | 0x80, ((n >> 7) & 0x7f) | 0x80, n >> 14]);
  const grows = {
    kind: OFS,
    data: Buffer.concat([varint(5), varint(2_000_000)]),
    base: Buffer.from([13 + 1]),
  };
  const lying = handMade([
    blob('hello'),
    { ...grows, base: Buffer.from([handMade([blob('hello')]).length - 32]) },
  ]);
  await assertFault(index(lying, { ...LIMITS, maxObjectBytes: 1_000_000 }), 'git-too-large', /2000000 bytes/);
});

test('a pack that is altered or cut ends in a fault', async (t) => {
  const pack = await realPack(t, '--delta-base-offset');
  await fc.assert(
    fc.asyncProperty(fc.nat(pack.length - 21), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const altered = Buffer.from(pack);
      altered[at]! ^= flip;
      await assertFault(index(altered), 'git-object-corrupt', /checksum|is none|version/);
      // Whoever alters it on purpose mends the checksum.
      createHash('sha1')
        .update(altered.subarray(0, -20))
        .digest()
        .copy(altered, altered.length - 20);
      await assertOnlyFaults(() => index(altered));
      await assertFault(index(pack.subarray(0, at)), 'git-object-corrupt');
    }),
    { numRuns: 60 },
  );
});

test('a delta copies and inserts as it says, and never reaches outside', () => {
  const base = Buffer.from('0123456789');
  const delta = Buffer.from([10, 8, 0x91, 2, 3, 2, 0x78, 0x79, 0x91, 7, 3]);
  assert.equal(applyDelta(base, delta, 100).toString(), '234xy789');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      try {
        assert.ok(applyDelta(base, Buffer.from([10, ...bytes]), 1_000).length <= 1_000);
      } catch (error) {
        assert.match(String(error), /packfile has an? (delta|object of \d+ bytes)/);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('an entry header that is cut off is refused', () => {
  assert.throws(() => parseEntryHeader(Buffer.from([0xff]), 0, 0), /ends inside/);
  assert.throws(() => parseEntryHeader(Buffer.from([0x75, 1, 2]), 0, 0), /ends inside/);
  assert.throws(() => parseEntryHeader(Buffer.from([0x55]), 0, 0), /unknown type/);
});

test('packs put together are a pack that git verifies, and hold every object once', async (t) => {
  const packs = [await realPack(t), await realPack(t, '--delta-base-offset'), handMade([blob('alone')])];
  const parts = await Promise.all(packs.map(async (pack) => ({ pack, entries: await index(pack) })));
  const { pack, entries } = joinPacks(parts);
  const file = join(temporaryDirectory(t), 'joined.pack');
  writeFileSync(file, pack);
  writeFileSync(file.replace('.pack', '.idx'), writePackIndex(entries, pack.subarray(-20)));
  execFileSync('git', ['verify-pack', file], { stdio: 'pipe' });
  const joined = new PackIndex(readFileSync(file.replace('.pack', '.idx')));
  const all = new Set(parts.flatMap((part) => part.entries.map(({ oid }) => oid)));
  assert.equal(joined.count, all.size);
  for (const oid of all) assert.ok(joined.find(oid) !== undefined);
  assert.ok(
    writePackIndex(await index(pack), pack.subarray(-20)).equals(writePackIndex(entries, pack.subarray(-20))),
  );
});

test('an index that is altered or cut is refused', async () => {
  const pack = handMade([blob('a'), blob('b')]);
  const bytes = writePackIndex(await index(pack), pack.subarray(-20));
  assert.equal(new PackIndex(bytes).count, 2);
  for (let at = 0; at < bytes.length; at += 7) {
    const altered = Buffer.from(bytes);
    altered[at]! ^= 1;
    assert.throws(() => new PackIndex(altered), /index is damaged/);
    assert.throws(() => new PackIndex(bytes.subarray(0, at)), /index is damaged/);
  }
});
