import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { never } from './testing/assert-fault.ts';
import { type MemoryFile, MemoryObjects } from './testing/memory-objects.ts';
import { diffTrees, entryAt, listFiles, normalizePath } from './tree.ts';

const segment = fc.constantFrom('a', 'b', 'a.b', 'c-1', 'ä');
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));
/** Snapshots in which no file stands where another needs a directory. */
const snapshot = fc
  .dictionary(path, fc.constantFrom('one', 'two', 'three'), { maxKeys: 12 })
  .map((files) =>
    Object.fromEntries(
      Object.entries(files).filter(
        ([file]) => !Object.keys(files).some((other) => other.startsWith(`${file}/`)),
      ),
    ),
  );

test('the difference between two trees is the one between their files', async () => {
  await fc.assert(
    fc.asyncProperty(snapshot, snapshot, async (before, after) => {
      const objects = new MemoryObjects();
      const changes = await diffTrees(objects, objects.snapshot(before), objects.snapshot(after), never);
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])]
        .filter((file) => before[file] !== after[file])
        .sort();
      assert.deepEqual(
        changes.map((change) => [change.path, !!change.before, !!change.after]),
        changed.map((file) => [file, file in before, file in after]),
      );
    }),
  );
});

test('equal directories are not read', async () => {
  const objects = new MemoryObjects();
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`apps/a${i}/file`, `${i}`]));
  const before = objects.snapshot({ ...many, 'clusters/x.yaml': '1' });
  const after = objects.snapshot({ ...many, 'clusters/x.yaml': '2' });
  assert.deepEqual(
    (await diffTrees(objects, before, after, never)).map((change) => change.path),
    ['clusters/x.yaml'],
  );
  assert.equal(objects.reads.length, 4);
});

test('a changed mode is a change, and a file that becomes a directory is removed', async () => {
  const objects = new MemoryObjects();
  const executable: MemoryFile = { program: 'x' };
  const changes = await diffTrees(
    objects,
    objects.snapshot({ run: 'x', etc: 'file' }),
    objects.snapshot({ run: executable, 'etc/passwd': 'y' }),
    never,
  );
  assert.deepEqual(
    changes.map((change) => [change.path, change.before?.mode, change.after?.mode]),
    [
      ['etc', 'file', undefined],
      ['etc/passwd', undefined, 'file'],
      ['run', 'file', 'executable'],
    ],
  );
});

test('every kind of file is listed with its mode, one request for each level', async () => {
  const objects = new MemoryObjects();
  const tree = objects.snapshot({
    'base/a.yaml': 'a',
    'base/bin/run': { program: '#!' },
    'base/link': { link: '../..' },
    'overlays/module': { gitlink: 'c'.repeat(40) },
  });
  const files = await listFiles(objects, tree, './apps//web/', never);
  assert.deepEqual(
    files.map((file) => `${file.path} ${file.mode}`),
    [
      'apps/web/base/a.yaml file',
      'apps/web/base/bin/run executable',
      'apps/web/base/link symlink',
      'apps/web/overlays/module gitlink',
    ],
  );
  assert.equal(objects.roundTrips, 3);
});

test('what stands at a path is found, also the root, and nothing where nothing is', async () => {
  const objects = new MemoryObjects();
  const root = objects.snapshot({ 'apps/web/a.yaml': 'a', link: { link: 'apps' } });
  const at = async (text: string) => (await entryAt(objects, root, text, never))?.mode;
  assert.equal(await at('apps/web/a.yaml'), 'file');
  assert.equal(await at('./apps/web/'), 'tree');
  assert.equal((await entryAt(objects, root, '', never))?.oid, root);
  assert.equal(await at('apps/web/b.yaml'), undefined);
  assert.equal(await at('apps/web/a.yaml/deeper'), undefined);
  assert.equal(await at('link/web'), undefined, 'symlinks are not followed');
  assert.equal(await at('__proto__'), undefined);
});

test('paths that leave the repository are refused', () => {
  for (const text of ['/etc', '..', 'a/../b', 'a/..', 'a\0b', '//a']) {
    assert.throws(() => normalizePath(text), /leaves the repository/, JSON.stringify(text));
  }
  assert.equal(normalizePath('./a//b/./c/'), 'a/b/c');
  assert.equal(normalizePath('.'), '');
  assert.equal(normalizePath('...'), '...');
});

test('a walk has bounds', async () => {
  const objects = new MemoryObjects();
  const wide = objects.snapshot(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, ''])));
  await assert.rejects(listFiles(objects, wide, '', never, { maxEntries: 19 }), /more than 19/);
  const deep = objects.snapshot({ 'a/b/c/d/e': '' });
  await assert.rejects(listFiles(objects, deep, '', never, { maxDepth: 3 }), /deeper than 3/);
});
