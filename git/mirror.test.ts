import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Mirror, type MirrorOptions } from './mirror.ts';
import { assertFault, never } from './testing/assert-fault.ts';
import { type CommitSpec, commitLine, fastImport } from './testing/fast-import.ts';
import { type GitHost, openRemote, openRepository, startGitHost } from './testing/git-host.ts';
import { diffTrees, listFiles } from './tree.ts';

const FILES = Object.fromEntries(
  Array.from({ length: 500 }, (_, i) => [
    `clusters/c-${i}.yaml`,
    `name: c-${i}\nkey: ${(i * 2654435761) % 4294967296}\n`,
  ]),
);

async function mirrored(
  t: TestContext,
  commits: readonly CommitSpec[],
  options: Partial<MirrorOptions> = {},
) {
  const host = await startGitHost(t);
  const tip = host.import(fastImport(commits));
  const remote = openRemote(t, host.url);
  const repository = options.repository ?? (await openRepository(t));
  const mirror = await Mirror.open({ remote, repository, branch: 'main', ...options });
  return { host, tip, remote, repository, mirror, at: (rev: string) => host.git('rev-parse', rev) };
}

/** Every file of a revision with its text, read from the mirror; and the same read by Git on the server. */
async function snapshotOf(mirror: Mirror, revision: string): Promise<Record<string, string>> {
  const { tree } = await mirror.objects.readCommit(revision, never);
  const files = await listFiles(mirror.objects, tree, '', never);
  const texts = files.map(async ({ path, oid }) => [
    path,
    Buffer.from(await mirror.objects.readBlob(oid, never)).toString(),
  ]);
  return Object.fromEntries(await Promise.all(texts)) as Record<string, string>;
}
function snapshotAtHost(host: GitHost, revision: string): Record<string, string> {
  const paths = host.git('ls-tree', '-r', '--name-only', revision).split('\n');
  const texts = execFileSync('git', ['-C', host.directory, 'cat-file', '--batch=%(objectsize)'], {
    input: paths.map((path) => `${revision}:${path}\n`).join(''),
    encoding: 'utf8',
  });
  let at = 0;
  return Object.fromEntries(
    paths.map((path) => {
      const start = texts.indexOf('\n', at) + 1;
      const size = Number(texts.slice(at, start));
      at = start + size + 1;
      return [path, texts.slice(start, start + size)];
    }),
  );
}
const append = (count: number, at: number) =>
  fastImport(commitLine(count, { from: 'refs/heads/main^0', at }));

test('the first time everything of the newest commits comes, and nothing older', async (t) => {
  const { host, tip, mirror, repository, at } = await mirrored(t, commitLine(60, { files: FILES }), {
    depth: 20,
  });
  assert.equal(mirror.tip, undefined);
  assert.deepEqual(await mirror.follow(never), { tip, previous: undefined, rewritten: false });
  assert.equal(mirror.tip, tip);
  assert.deepEqual(await snapshotOf(mirror, tip), snapshotAtHost(host, tip));
  assert.ok(repository.has(at('main~19')));
  await assertFault(mirror.objects.readCommit(at('main~20'), never), 'git-object-missing');
});

test('following costs one small request when nothing changed, and what is new when something did', async (t) => {
  const { host, tip, mirror, remote } = await mirrored(t, commitLine(60, { files: FILES }), { depth: 20 });
  await mirror.follow(never);
  const first = { ...remote.stats };
  assert.deepEqual(await mirror.follow(never), { tip, previous: tip, rewritten: false });
  assert.equal(remote.stats.requests - first.requests, 1);
  let previous = tip;
  for (let round = 0; round < 5; round++) {
    const before = remote.stats.receivedBytes;
    const next = host.import(append(3, 1_800_000_000 + round * 10));
    assert.deepEqual(await mirror.follow(never), { tip: next, previous, rewritten: false });
    assert.deepEqual(await snapshotOf(mirror, next), snapshotAtHost(host, next));
    assert.ok(remote.stats.receivedBytes - before < 6_000, `${remote.stats.receivedBytes - before} bytes`);
    previous = next;
  }
});

test('content that came back from before the cut is there', async (t) => {
  const lost = { 'lost.txt': 'this stood here long ago\n' };
  const { host, mirror } = await mirrored(
    t,
    [{ files: { ...FILES, ...lost } }, { files: { 'lost.txt': null } }, ...commitLine(50)],
    {
      depth: 10,
    },
  );
  await mirror.follow(never);
  host.git('repack', '-adb');
  const next = host.import(fastImport([{ files: lost, from: 'refs/heads/main^0' }]));
  await mirror.follow(never);
  assert.deepEqual(await snapshotOf(mirror, next), snapshotAtHost(host, next));
});

test('a rewritten branch is followed and said to be rewritten', async (t) => {
  const { host, tip, mirror, at } = await mirrored(t, commitLine(60, { files: FILES }), { depth: 20 });
  await mirror.follow(never);
  const rewritten = host.import(fastImport(commitLine(2, { from: at('main~3'), at: 1_900_000_000 })));
  assert.deepEqual(await mirror.follow(never), { tip: rewritten, previous: tip, rewritten: true });
  const unrelated = host.import(fastImport(commitLine(2, { files: FILES, at: 1_950_000_000 })));
  assert.deepEqual(await mirror.follow(never), { tip: unrelated, previous: rewritten, rewritten: true });
  assert.deepEqual(await snapshotOf(mirror, unrelated), snapshotAtHost(host, unrelated));
});

test('many commits at once, more than the depth, are no rewrite', async (t) => {
  for (const filter of ['true', 'false']) {
    const { host, tip, mirror } = await mirrored(t, commitLine(60, { files: FILES }), { depth: 20 });
    host.config('uploadpack.allowFilter', filter);
    await mirror.follow(never);
    const next = host.import(append(150, 1_800_000_000));
    assert.deepEqual(await mirror.follow(never), { tip: next, previous: tip, rewritten: false });
  }
});

test('after a restart it goes on where it was', async (t) => {
  const { host, tip, mirror, remote, repository } = await mirrored(t, commitLine(60, { files: FILES }), {
    depth: 20,
  });
  await mirror.follow(never);
  const again = await Mirror.open({ remote, repository, branch: 'main', depth: 20 });
  assert.equal(again.tip, tip);
  const before = remote.stats.receivedBytes;
  const next = host.import(append(1, 1_800_000_000));
  assert.deepEqual(await again.follow(never), { tip: next, previous: tip, rewritten: false });
  assert.ok(remote.stats.receivedBytes - before < 3_000);
});

test('damage and a full directory lead to a fresh copy, and readers find everything again', async (t) => {
  const { host, mirror, repository } = await mirrored(t, commitLine(30, { files: FILES }), { depth: 20 });
  const first = await mirror.follow(never);
  const directory = join(repository.directory, 'objects/pack');
  for (const name of readdirSync(directory).filter((one) => one.endsWith('.pack'))) {
    const bytes = readFileSync(join(directory, name));
    bytes.fill(0xaa, 14, bytes.length - 20);
    writeFileSync(join(directory, name), bytes);
  }
  const damaged = await openRepository(t, { directory: repository.directory });
  const remote = openRemote(t, host.url);
  const again = await Mirror.open({ remote, repository: damaged, branch: 'main', depth: 20 });
  await assertFault(again.objects.readCommit(first.tip, never), 'git-object-corrupt');
  assert.deepEqual(await again.follow(never), { tip: first.tip, previous: undefined, rewritten: false });
  assert.deepEqual(await snapshotOf(again, first.tip), snapshotAtHost(host, first.tip));

  const small = await openRepository(t, { maxBytes: 1_000 });
  const tight = await Mirror.open({ remote, repository: small, branch: 'main', depth: 20 });
  await tight.follow(never);
  const next = host.import(append(1, 1_800_000_000));
  assert.deepEqual(await tight.follow(never), { tip: next, previous: first.tip, rewritten: false });
  assert.deepEqual(await snapshotOf(tight, next), snapshotAtHost(host, next));
});

test('a process killed in the middle of a fetch leaves a directory that the next one uses', async (t) => {
  const { host, tip, mirror, remote, repository } = await mirrored(t, commitLine(30, { files: FILES }), {
    depth: 20,
  });
  await mirror.follow(never);
  const next = host.import(append(5, 1_800_000_000));
  const { promise: half, resolve: cut } = Promise.withResolvers<void>();
  host.cut = { afterBytes: 400, onCut: () => cut() };
  const script = `
    const { GitRemote } = await import('#git/remote.ts');
    const { Mirror } = await import('#git/mirror.ts');
    const { Repository } = await import('#git/repository.ts');
    const [url, directory] = process.argv.slice(1);
    const repository = await Repository.open({ directory });
    const mirror = await Mirror.open({ remote: new GitRemote({ url }), repository, branch: 'main', depth: 20 });
    await mirror.follow(new AbortController().signal);`;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, host.url, repository.directory],
    {
      cwd: join(import.meta.dirname, '..'),
      stdio: 'inherit',
    },
  );
  const exited = once(child, 'exit');
  await half;
  child.kill('SIGKILL');
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  host.cut = undefined;
  const log: string[] = [];
  const again = await openRepository(t, {
    directory: repository.directory,
    log: (message) => log.push(message),
  });
  const after = await Mirror.open({ remote, repository: again, branch: 'main', depth: 20 });
  assert.deepEqual(await after.follow(never), { tip: next, previous: tip, rewritten: false });
  assert.deepEqual(await snapshotOf(after, next), snapshotAtHost(host, next));
  assert.deepEqual(log, []);
});

test('a server that goes away leaves the tip as it was', async (t) => {
  const { host, tip, mirror } = await mirrored(t, commitLine(5));
  await mirror.follow(never);
  host.import(append(1, 1_800_000_000));
  host.cut = { afterBytes: 200, onCut: (response) => response.destroy() };
  await assertFault(mirror.follow(never), 'git-unreachable');
  assert.equal(mirror.tip, tip);
  host.cut = undefined;
  assert.equal((await mirror.follow(never)).previous, tip);
});

test('commits between two revisions are those of git log, by all parents and by first ones', async (t) => {
  const { host, mirror, at } = await mirrored(t, [
    ...commitLine(10, { at: 1_700_000_000 }),
    ...commitLine(5, { branch: 'side', from: ':4', at: 1_700_000_100 }),
    { files: { merged: '1' }, from: ':10', merge: [':15'], at: 1_700_000_200 },
    { files: { after: '1' }, from: ':16', at: 1_700_000_300 },
  ]);
  const { tip } = await mirror.follow(never);
  const log = async (query: Parameters<Mirror['commits']>[0]) => {
    const { commits, complete } = await mirror.commits(query, never);
    return { oids: commits.map((commit) => commit.oid), complete };
  };
  const git = (...args: string[]) => host.git('rev-list', '--date-order', ...args).split('\n');
  const from = at('main~4');
  assert.deepEqual(await log({ to: tip }), { oids: git('main'), complete: true });
  assert.deepEqual(await log({ to: tip, from }), { oids: git(`${from}..main`), complete: true });
  assert.deepEqual(await log({ to: tip, from, firstParent: true }), {
    oids: git('--first-parent', `${from}..main`),
    complete: true,
  });
  assert.deepEqual(await log({ to: tip, limit: 3 }), { oids: git('main').slice(0, 3), complete: false });
  assert.deepEqual(await log({ to: tip, from: tip }), { oids: [], complete: true });
});

test('commits end where history is cut, and the list says so', async (t) => {
  const { mirror, tip } = await mirrored(t, commitLine(30), { depth: 10 });
  await mirror.follow(never);
  const { commits, complete } = await mirror.commits({ to: tip }, never);
  assert.equal(commits.length, 10);
  assert.equal(complete, false);
});

test('what differs between two revisions is what git diff-tree says', async (t) => {
  const { host, mirror, tip } = await mirrored(t, [
    { files: { ...FILES, 'a/b': '1', c: '1', run: 'x' } },
    {
      files: {
        'clusters/c-7.yaml': 'changed',
        'a/b': null,
        a: 'file',
        c: null,
        'c/d': '2',
        run: { mode: '100755', text: 'x' },
      },
    },
  ]);
  await mirror.follow(never);
  const trees = [`${tip}~1`, tip].map((revision) => host.git('rev-parse', `${revision}^{tree}`));
  const changes = await diffTrees(mirror.objects, trees[0]!, trees[1]!, never);
  const git = host
    .git('diff-tree', '-r', '--no-renames', '--name-status', ...(trees as [string, string]))
    .split('\n');
  const letter = (change: (typeof changes)[number]) => (!change.before ? 'A' : !change.after ? 'D' : 'M');
  assert.deepEqual(new Set(changes.map((change) => `${letter(change)}\t${change.path}`)), new Set(git));
});
