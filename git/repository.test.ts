import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { storeFailed } from './files.ts';
import { Repository } from './repository.ts';
import { assertFault, never } from './testing/assert-fault.ts';
import { commitLine, fastImport } from './testing/fast-import.ts';
import {
  type GitHost,
  openRemote,
  openRepository,
  startGitHost,
  temporaryDirectory,
} from './testing/git-host.ts';

const packsOf = (repository: Repository) => readdirSync(join(repository.directory, 'objects/pack')).sort();

async function packOf(t: TestContext, host: GitHost, wants: string[]): Promise<Buffer> {
  return (await openRemote(t, host.url).fetch({ wants, filter: 'tree:0', deepen: 1 }, never)).pack;
}

async function filled(t: TestContext) {
  const host = await startGitHost(t);
  const tip = host.import(fastImport(commitLine(40)));
  const { pack } = await openRemote(t, host.url).fetch({ wants: [tip] }, never);
  const log: string[] = [];
  const repository = await openRepository(t, { log: (message) => log.push(message) });
  await repository.addPack(pack, {}, never);
  return { host, tip, pack, repository, log };
}

test('what was stored is there after opening again, and any Git can read it', async (t) => {
  const { tip, repository } = await filled(t);
  await repository.writeFile('refs/heads/main', `${tip}\n`);
  const again = await openRepository(t, { directory: repository.directory });
  assert.equal(again.read(tip)?.type, 'commit');
  const git = (...args: string[]) =>
    execFileSync('git', ['--git-dir', repository.directory, ...args], { encoding: 'utf8' });
  assert.equal(git('rev-list', '--count', 'main').trim(), '40');
  git('fsck', '--strict');
});

test('an object that was altered on disk is never given out: the directory is emptied and says so', async (t) => {
  const { tip, pack, repository, log } = await filled(t);
  const file = join(
    repository.directory,
    'objects/pack',
    packsOf(repository).find((name) => name.endsWith('.pack'))!,
  );
  const bytes = readFileSync(file);
  bytes.fill(0x55, 12, bytes.length - 20);
  writeFileSync(file, bytes);
  const again = await openRepository(t, {
    directory: repository.directory,
    log: (message) => log.push(message),
  });
  assert.throws(
    () => again.read(tip),
    (error) => error instanceof FlotillaError && error.code === 'git-object-corrupt',
  );
  assert.match(log.join(), /emptied, because object .* is damaged/);
  assert.deepEqual(packsOf(again), []);
  assert.equal(again.has(tip), false);
  await again.addPack(pack, {}, never);
  assert.equal(again.read(tip)?.type, 'commit');
});

test('a pack that is cut short, or without its file, is removed on opening and the rest is kept', async (t) => {
  const { host, tip, repository, log } = await filled(t);
  const other = await packOf(t, host, [host.git('rev-parse', 'main~3')]);
  await repository.addPack(other, {}, never);
  const cut = join(repository.directory, 'objects/pack', `pack-${other.subarray(-20).toString('hex')}.pack`);
  truncateSync(cut, 40);
  const again = await openRepository(t, {
    directory: repository.directory,
    log: (message) => log.push(message),
  });
  assert.match(log.join(), /removed pack-.*\.idx, which is damaged/);
  assert.equal(packsOf(again).length, 2);
  assert.equal(again.read(tip)?.type, 'commit');
});

test('what a crash leaves half written is not read, and removed once it is an hour old', async (t) => {
  const { repository } = await filled(t);
  const directory = join(repository.directory, 'objects/pack');
  const left = ['tmp_0123', `pack-${'0'.repeat(40)}.pack`].map((name) => join(directory, name));
  for (const file of left) writeFileSync(file, 'PACK half');
  const before = packsOf(repository);
  assert.deepEqual(packsOf(await openRepository(t, { directory: repository.directory })), before);
  for (const file of left) utimesSync(file, 1, 1);
  assert.equal(
    packsOf(await openRepository(t, { directory: repository.directory })).length,
    before.length - 2,
  );
});

test('two that have one directory open do not disturb each other', async (t) => {
  const { host, tip, repository } = await filled(t);
  const second = await openRepository(t, { directory: repository.directory, maxPacks: 1 });
  for (const name of ['main~1', 'main~2']) {
    await second.addPack(await packOf(t, host, [host.git('rev-parse', name)]), {}, never);
  }
  assert.equal(packsOf(second).length, 2, 'the second put all packs together');
  assert.equal(repository.read(tip)?.type, 'commit');
  await second.addPack(await packOf(t, host, [tip]), { replace: true }, never);
  assert.equal(repository.read(host.git('rev-parse', 'main~30'))?.type, 'commit');
  assert.equal(second.has(host.git('rev-parse', 'main~30')), false);
});

test('packs that pile up are put together and nothing is lost', async (t) => {
  const host = await startGitHost(t);
  host.import(fastImport(commitLine(30)));
  const commits = host.git('rev-list', 'main').split('\n');
  const repository = await openRepository(t, { maxPacks: 4 });
  for (const oid of commits) await repository.addPack(await packOf(t, host, [oid]), {}, never);
  assert.ok(packsOf(repository).length <= 2 * 4);
  for (const oid of commits) assert.equal(repository.read(oid)?.type, 'commit');
  const again = await openRepository(t, { directory: repository.directory });
  for (const oid of commits) assert.equal(again.read(oid)?.type, 'commit');
});

test('a pack that is refused leaves nothing', async (t) => {
  const { pack } = await filled(t);
  const repository = await openRepository(t);
  await assertFault(repository.addPack(pack.subarray(0, 500), {}, never), 'git-object-corrupt');
  await assertFault(repository.addPack(Buffer.from('not a pack'), {}, never), 'git-object-corrupt');
  assert.deepEqual(packsOf(repository), []);
});

test('a directory that cannot be used is named', async (t) => {
  const file = join(temporaryDirectory(t), 'file');
  writeFileSync(file, '');
  await assertFault(Repository.open({ directory: file }), 'git-store-failed', /file: (EEXIST|ENOTDIR)/);
  const { host, repository } = await filled(t);
  execFileSync('rm', ['-r', repository.directory]);
  const pack = await packOf(t, host, [host.git('rev-parse', 'main~3')]);
  await assertFault(repository.addPack(pack, {}, never), 'git-store-failed', /ENOENT/);
});

test('a disk that is full is said in these words', () => {
  const error = storeFailed('/data/git', Object.assign(new Error('write'), { code: 'ENOSPC' }));
  assert.match(error.message, /git directory \/data\/git: no space left/);
});
