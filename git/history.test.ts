import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { BranchHistory, type BranchHistoryOptions } from './history.ts';
import { assertFault, never } from './testing/assert-fault.ts';
import { type CommitSpec, commitLine, fastImport } from './testing/fast-import.ts';
import { openRemote, openRepository, startGitHost } from './testing/git-host.ts';

const BALLAST = {
  'ballast.txt': Array.from({ length: 2_000 }, (_, i) => `${(i * 2654435761) % 4294967296}`).join('\n'),
};

async function branchOf(t: TestContext, commits: readonly CommitSpec[], options: BranchHistoryOptions = {}) {
  const host = await startGitHost(t);
  const tip = host.import(fastImport(commits));
  const remote = openRemote(t, host.url);
  const repository = await openRepository(t);
  const history = new BranchHistory(remote, repository, options);
  return { host, tip, remote, repository, history, at: (rev: string) => host.git('rev-parse', rev) };
}

test('an ancestor is met by fetching commits only as deep as it lies', async (t) => {
  const { tip, at, history, remote } = await branchOf(t, commitLine(1_500, { files: BALLAST }));
  assert.equal(await history.advanceTo(tip, [at('main~10')], never), true);
  const near = remote.stats.receivedBytes;
  assert.ok(near < 64 * 300, `${near} bytes for 64 commits`);
  assert.equal(await history.advanceTo(tip, [at('main~1200')], never), true);
  const far = remote.stats.receivedBytes;
  assert.ok(far < 1_500 * 300, `${far} bytes for 1,500 commits`);
  assert.ok(remote.stats.requests <= 6, `${remote.stats.requests} requests`);
  assert.equal(await history.advanceTo(tip, [at('main~700'), at('main~1100')], never), true);
  assert.equal(remote.stats.receivedBytes, far, 'what is known is not asked for again');
});

test('a commit of a pull request is on the server and no ancestor of the branch', async (t) => {
  const { host, tip, at, history, remote } = await branchOf(t, [
    ...commitLine(30),
    ...commitLine(2, { branch: 'feature', from: ':20', at: 1_800_000_000 }),
  ]);
  const head = at('feature');
  host.git('update-ref', 'refs/pull/1/head', head);
  host.git('update-ref', '-d', 'refs/heads/feature');
  assert.equal(
    (await remote.fetch({ wants: [head], deepen: 1 }, never)).pack.length > 32,
    true,
    'the server hands it out',
  );
  assert.equal(await history.advanceTo(tip, [head], never), false);
  assert.equal(history.isAncestor(head, tip), false);
  assert.equal(
    await history.advanceTo(tip, [at('refs/pull/1/head~2')], never),
    true,
    'where it branched off is',
  );
});

test('a commit that is here because somebody asked for it is still no ancestor', async (t) => {
  const { host, tip, at, history, remote, repository } = await branchOf(t, [
    ...commitLine(5),
    ...commitLine(1, { branch: 'feature', from: ':5', at: 1_800_000_000 }),
  ]);
  const stray = at('feature');
  await repository.addPack((await remote.fetch({ wants: [stray], deepen: 1 }, never)).pack, {}, never);
  host.git('update-ref', '-d', 'refs/heads/feature');
  assert.ok(repository.has(stray));
  assert.equal(await history.advanceTo(tip, [stray], never), false);
  assert.equal(history.isAncestor(tip, stray), true, 'the other way round it is');
});

test('side branches of merges are ancestors', async (t) => {
  const { tip, at, history } = await branchOf(
    t,
    [
      ...commitLine(200),
      ...commitLine(100, { branch: 'side', from: ':10', at: 1_600_000_000 }),
      { files: { merged: '1' }, from: ':200', merge: [':300'], at: 1_800_000_000 },
    ],
    { firstStep: 4 },
  );
  for (const rev of ['main^2', 'main^2~99', 'main~1', 'main~150', 'main~200']) {
    assert.equal(await history.advanceTo(tip, [at(rev)], never), true, rev);
  }
});

test('what was not seen is unknown, not false, until the root was reached', async (t) => {
  const { tip, at, history } = await branchOf(t, commitLine(300));
  await history.advanceTo(tip, [], never);
  assert.equal(history.isAncestor(at('main~200'), tip), 'unknown');
  assert.equal(history.isAncestor('0'.repeat(40), tip), 'unknown');
  assert.equal(await history.advanceTo(tip, ['0'.repeat(40)], never), false);
  assert.equal(history.isAncestor('0'.repeat(40), tip), false);
  assert.equal(await history.advanceTo(tip, ['HEAD'], never), false, 'only full ids are looked for');
});

test('a branch that goes on costs only its new commits', async (t) => {
  const { host, tip, history, remote } = await branchOf(t, commitLine(300, { files: BALLAST }));
  await history.advanceTo(tip, [], never);
  const before = remote.stats.receivedBytes;
  const next = host.import(fastImport(commitLine(2, { from: 'refs/heads/main^0', at: 1_800_000_000 })));
  assert.equal(await history.advanceTo(next, [tip], never), true);
  assert.ok(remote.stats.receivedBytes - before < 1_000, `${remote.stats.receivedBytes - before} bytes`);
  assert.equal(history.isAncestor(next, tip), 'unknown');
});

test('a rewritten branch does not descend from its old tip', async (t) => {
  const { host, tip, at, history } = await branchOf(t, commitLine(150));
  await history.advanceTo(tip, [], never);
  const rewritten = host.import(fastImport(commitLine(3, { from: at('main~2'), at: 1_900_000_000 })));
  assert.equal(await history.advanceTo(rewritten, [tip], never), false);
  assert.equal(await history.advanceTo(rewritten, [at(`${tip}~2`)], never), true, 'what both have in common');
  const fresh = host.import(fastImport(commitLine(3, { at: 1_950_000_000 })));
  assert.equal(await history.advanceTo(fresh, [tip], never), false, 'nothing in common');
});

test('after a restart the commits on disk are known and nothing is fetched again', async (t) => {
  const { host, tip, at, remote, repository, history } = await branchOf(t, commitLine(100));
  assert.equal(await history.advanceTo(tip, [at('main~90')], never), true);
  const { requests } = remote.stats;
  const again = new BranchHistory(remote, repository);
  assert.equal(await again.advanceTo(tip, [host.git('rev-parse', 'main~90')], never), true);
  assert.equal(remote.stats.requests, requests);
});

test('more commits than the limit are not looked through', async (t) => {
  const { tip, at, history } = await branchOf(t, commitLine(400), { maxCommits: 100, firstStep: 16 });
  assert.equal(await history.advanceTo(tip, [at('main~60')], never), true);
  await assertFault(
    history.advanceTo(tip, [at('main~399')], never),
    'git-history-limit',
    /more than 100 commits/,
  );
});

test('a server without filters serves history too, content and all', async (t) => {
  const { host, tip, at, history, remote } = await branchOf(t, commitLine(200, { files: BALLAST }), {
    firstStep: 8,
  });
  host.config('uploadpack.allowFilter', 'false');
  assert.equal(await history.advanceTo(tip, [at('main~150')], never), true);
  assert.equal(await history.advanceTo(tip, ['0'.repeat(40)], never), false);
  const ballast = BALLAST['ballast.txt'].length;
  assert.ok(
    remote.stats.receivedBytes < 2 * ballast + 200 * 600,
    `${remote.stats.receivedBytes}, the ballast is ${ballast}`,
  );
});

test('a tip that is not on the server, or is no commit, is a clear fault', async (t) => {
  const { at, history } = await branchOf(t, commitLine(2));
  await assertFault(history.advanceTo('1'.repeat(40), [], never), 'git-object-missing', /1{40}/);
  await assertFault(
    history.advanceTo(at('main^{tree}'), [at('main')], never),
    'git-object-missing',
    /it is a tree/,
  );
});
