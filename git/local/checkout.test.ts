import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { GIT_ENVIRONMENT, git } from '#test/bed/git.ts';
import { makeScratch, type Scratch } from '#test/bed/scratch.ts';
import { assertFault } from '../testing/assert-fault.ts';
import { listFiles } from '../tree.ts';
import { Checkout } from './checkout.ts';

const { signal } = new AbortController();

async function write(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
}

/** A repository of two commits. */
async function repository(scratch: Scratch): Promise<string> {
  const dir = join(scratch.dir, 'a: repository');
  await mkdir(dir);
  await git(['init', '--quiet', '--initial-branch=main'], { cwd: dir });
  await write(dir, { 'a.yaml': 'one\n', 'apps/web/b.yaml': 'b\n', '.gitignore': 'ignored\n' });
  await commit(dir);
  await write(dir, { 'a.yaml': 'two\n' });
  await commit(dir);
  return dir;
}

async function commit(dir: string): Promise<void> {
  await git(['add', '--all'], { cwd: dir });
  await git(['commit', '--quiet', '-m', 'a commit'], { cwd: dir });
}

const open = (scratch: Scratch, dir: string, env: Record<string, string> = {}) =>
  Checkout.open(dir, { env: { ...GIT_ENVIRONMENT, ...env }, scratch: join(scratch.dir, 'scratch') }, signal);
const paths = async (checkout: Checkout, tree: string) =>
  (await listFiles(checkout.objects, tree, '', signal)).map(({ path }) => path);
const textOf = async (checkout: Checkout, tree: string, path: string) => {
  const file = (await listFiles(checkout.objects, tree, '', signal)).find((one) => one.path === path);
  return Buffer.from(await checkout.objects.readBlob(file!.oid, signal)).toString();
};

test('a work tree is the tree that a commit of everything in it would have, and nothing of the user is written', async () => {
  await using scratch = await makeScratch('checkout');
  const dir = await repository(scratch);
  await write(dir, { 'a.yaml': 'staged\n', 'new.yaml': 'staged\n' });
  await git(['add', 'a.yaml', 'new.yaml'], { cwd: dir });
  await write(dir, { 'a.yaml': 'dirty\n', ignored: 'x', 'apps/new/c.yaml': 'untracked\n' });
  await rm(join(dir, 'apps/web'), { recursive: true });
  await symlink('a.yaml', join(dir, 'link'));
  const index = await readFile(join(dir, '.git/index'));
  const before = await git(['status', '--porcelain'], { cwd: dir });
  const objects = await readdir(join(dir, '.git/objects'));
  let tree: string;
  {
    await using checkout = await open(scratch, dir);
    ({ tree } = await checkout.workTree(signal));
    assert.deepEqual(await paths(checkout, tree), [
      '.gitignore',
      'a.yaml',
      'apps/new/c.yaml',
      'link',
      'new.yaml',
    ]);
    assert.equal(await textOf(checkout, tree, 'a.yaml'), 'dirty\n');
    assert.equal((await checkout.workTree(signal)).tree, tree);
  }
  assert.deepEqual(await readFile(join(dir, '.git/index')), index);
  assert.deepEqual(await readdir(join(dir, '.git/objects')), objects);
  assert.equal(await git(['status', '--porcelain'], { cwd: dir }), before);
  assert.deepEqual(await readdir(join(scratch.dir, 'scratch')), []);
  await commit(dir);
  assert.equal(await git(['rev-parse', 'HEAD^{tree}'], { cwd: dir }), tree);
});

test('a revision has any name that Git knows, and a subdirectory, a hook or a linked work tree make no difference', async () => {
  await using scratch = await makeScratch('checkout');
  const dir = await repository(scratch);
  const linked = join(scratch.dir, 'linked');
  await git(['worktree', 'add', '--quiet', linked, 'HEAD~1'], { cwd: dir });
  await using checkout = await open(scratch, join(dir, 'apps/web'), {
    GIT_INDEX_FILE: '/nowhere',
    GIT_DIR: '.git',
  });
  assert.deepEqual([checkout.top, checkout.prefix], [dir, 'apps/web']);
  const old = await checkout.revision('main~1', signal);
  assert.match(old.name, /^main~1 \([0-9a-f]{7}\)$/);
  assert.equal(await textOf(checkout, old.tree, 'a.yaml'), 'one\n');
  assert.equal((await checkout.mergeBase('HEAD', 'HEAD~1', signal)).commit!.oid, old.commit!.oid);
  await using other = await open(scratch, linked);
  assert.equal((await other.workTree(signal)).tree, old.tree);
  assert.equal(other.cacheDirectory, join(dir, '.git/flotilla'));
});

test('a file that changes in the moment of a commit, keeping its size, is seen', async () => {
  await using scratch = await makeScratch('checkout');
  const dir = await repository(scratch);
  for (let round = 0; round < 5; round++) {
    await write(dir, { 'a.yaml': `${round}\n` });
    await commit(dir);
    await write(dir, { 'a.yaml': 'x\n' });
    await using checkout = await open(scratch, dir);
    assert.equal(await textOf(checkout, (await checkout.workTree(signal)).tree, 'a.yaml'), 'x\n');
  }
});

test('a directory outside of Git is a tree of its own', async () => {
  await using scratch = await makeScratch('checkout');
  const dir = join(scratch.dir, 'plain');
  await write(dir, { 'kustomization.yaml': 'resources: []\n', 'sub/x.yaml': 'x\n' });
  await using checkout = await open(scratch, dir, { GIT_CEILING_DIRECTORIES: scratch.dir });
  const { tree } = await checkout.workTree(signal);
  assert.deepEqual(await paths(checkout, tree), ['kustomization.yaml', 'sub/x.yaml']);
  assert.equal(checkout.cacheDirectory, undefined);
  await assertFault(checkout.revision('HEAD', signal), 'revision-unknown', /is in no Git repository/);
  const options = { env: { ...process.env, GIT_CEILING_DIRECTORIES: scratch.dir }, scratch: scratch.dir };
  await using inside = await Checkout.open(join(dir, 'sub'), { ...options, around: dir }, signal);
  assert.deepEqual([inside.top, inside.prefix], [checkout.top, 'sub']);
  await using beside = await Checkout.open(join(dir, 'sub'), { ...options, around: `${dir}/su` }, signal);
  assert.deepEqual([beside.top, beside.prefix], [`${checkout.top}/sub`, '']);
});

test('what cannot be had is said in words', async () => {
  await using scratch = await makeScratch('checkout');
  const dir = await repository(scratch);
  {
    await using checkout = await open(scratch, dir);
    await assertFault(
      checkout.revision('nope', signal),
      'revision-unknown',
      /revision nope .* no commit by that name/,
    );
    await assertFault(checkout.revision('--all', signal), 'revision-unknown', /--all/);
    await assertFault(
      checkout.objects.readBlob('1'.repeat(40), signal),
      'git-object-missing',
      /not in this repository/,
    );
    await assertFault(checkout.objects.readBlob('not an id', signal), 'git-object-missing', /not an id/);
  }
  const shallow = join(scratch.dir, 'shallow');
  await git(['clone', '--quiet', '--depth=1', `file://${dir}`, shallow]);
  {
    await using checkout = await open(scratch, shallow);
    await assertFault(checkout.revision('HEAD~1', signal), 'revision-unknown', /shallow clone/);
  }
  const bare = join(scratch.dir, 'bare');
  await git(['clone', '--quiet', '--bare', dir, bare]);
  {
    await using checkout = await open(scratch, bare);
    assert.equal(await textOf(checkout, (await checkout.revision('HEAD', signal)).tree, 'a.yaml'), 'two\n');
    await assertFault(checkout.workTree(signal), 'git-local-failed', /bare: name a revision/);
  }
  const empty = join(scratch.dir, 'empty');
  await git(['init', '--quiet', empty]);
  {
    await using checkout = await open(scratch, empty);
    await assertFault(checkout.revision('HEAD', signal), 'revision-unknown', /no commit yet/);
    assert.deepEqual(await paths(checkout, (await checkout.workTree(signal)).tree), []);
  }
  await assertFault(open(scratch, join(dir, 'nope')), 'git-local-failed', /does not exist/);
  await assertFault(open(scratch, join(dir, 'a.yaml')), 'git-local-failed', /is a file, not a directory/);
  await assertFault(open(scratch, dir, { PATH: '/nowhere' }), 'git-local-failed', /git is not on the PATH/);
});

test('thousands of objects travel through one process, large ones and missing ones between them', async () => {
  await using scratch = await makeScratch('checkout');
  const dir = await repository(scratch);
  const files = Object.fromEntries(
    Array.from({ length: 1_500 }, (_, n) => [`f/${n % 50}/${n}`, `${n}`.repeat(n % 70)]),
  );
  await write(dir, { ...files, large: 'x'.repeat(3_000_000) });
  await using checkout = await open(scratch, dir);
  const { tree } = await checkout.workTree(signal);
  const listed = await listFiles(checkout.objects, tree, '', signal);
  await Promise.all([
    checkout.objects.prefetch([...listed.map(({ oid }) => oid), '2'.repeat(40)], signal),
    ...listed.slice(0, 100).map(({ oid }) => checkout.objects.readBlob(oid, signal)),
  ]);
  for (const { path, oid } of listed.filter((one) => one.path.startsWith('f/')))
    assert.equal(Buffer.from(await checkout.objects.readBlob(oid, signal)).toString(), files[path]);
});
