import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNkey } from '#proto/nkey.ts';
import { WorkingClone } from '../bed/git-repository.ts';
import type { GitServer } from '../bed/git-server.ts';
import { entry, FLEET, overlay, until } from './hub-rig.ts';
import { fixture, head, trouble } from './index-rig.ts';

/** The index over a real Git server: what it says when the server or the branch misbehaves, and that it takes nothing away. */
test('the first look indexes the head, and every commit after it is followed', async (t) => {
  const { clone, follow } = await fixture(t);
  const followed = follow();
  const first = await until('the first snapshot', head(followed, await clone.head()));
  assert.equal(first.fleetName, 'acme');
  assert.deepEqual([...first.assignments.keys()], ['east/shop']);
  assert.deepEqual(first.problems, []);
  await clone.write('clusters/west.yaml', entry('west', createNkey('user')));
  const joined = await clone.commit('West joins');
  const second = await until('the commit', head(followed, joined));
  assert.equal(second.clusters.get('west')?.enrolledBy.oid, joined);
  assert.equal(second.commitsById.get(joined)?.message.trim(), 'West joins');
  assert.deepEqual(
    second.commits.map(({ oid }) => oid),
    [joined, first.head.oid],
  );
});

for (const [what, break_, code] of [
  ['is away', (git: GitServer) => git.stop(), 'git-unreachable'],
  ['hangs', async (git: GitServer) => git.pause(), 'git-timeout'],
  ['fails', async (git: GitServer) => git.refuse(503), 'git-unreachable'],
] as const) {
  test(`a Git server that ${what} is said in words, and what was indexed stays until it is back`, async (t) => {
    const { git, clone, follow } = await fixture(t);
    const followed = follow();
    const before = await until('the first snapshot', head(followed, await clone.head()));
    await break_(git);
    const said = await until('the trouble', trouble(followed, code));
    assert.ok(said.message);
    assert.ok((said.lastOkAt ?? 0) > 0);
    assert.equal(followed.snapshot?.assignments, before.assignments);
    await until('the problem', () => {
      const codes = followed.snapshot?.problems.map((problem) => problem.code);
      return codes?.join() === code || undefined;
    });
    await git.stop();
    git.resume();
    git.refuse(undefined);
    await git.start();
    await until('the server is back', () => (followed.git?.ok ? true : undefined));
    await until('no problem is left', () => (followed.snapshot?.problems.length === 0 ? true : undefined));
  });
}

test('a wrong URL, refused credentials and a missing branch each say what is wrong before there is any snapshot', async (t) => {
  const { git, follow } = await fixture(t, { auth: { user: 'ada', password: 'pw' } });
  for (const [options, code] of [
    [{ url: git.repositoryUrl('nothing', true) }, 'git-repository-not-found'],
    [{ url: git.repositoryUrl('fleet') }, 'git-credentials-refused'],
    [{ branch: 'nowhere' }, 'git-branch-not-found'],
  ] as const) {
    const followed = follow(options);
    const said = await until(code, trouble(followed, code));
    assert.doesNotMatch(said.message ?? '', /pw/);
    assert.equal(followed.snapshot, undefined);
    await followed.stop();
  }
});

test('an empty repository has no branch; the first commit ends the trouble', async (t) => {
  const { dir, git, follow } = await fixture(t);
  const { url } = await git.createRepository('empty');
  const followed = follow({ url });
  await until('the trouble', trouble(followed, 'git-branch-not-found'));
  const clone = await WorkingClone.clone(url, join(dir, 'other'));
  await clone.git('checkout', '-q', '-B', 'main');
  await clone.write('flotilla.yaml', FLEET);
  await until('the commit', head(followed, await clone.commit('First')));
});

test('a rewritten history changes nothing until it is acknowledged, over restarts too', async (t) => {
  const { clone, follow } = await fixture(t);
  await clone.write('apps/shop/kustomization.yaml', overlay('b'));
  const old = await clone.commit('Second');
  const first = follow();
  const before = await until('the second commit', head(first, old));

  await clone.git('reset', '-q', '--hard', 'HEAD~1');
  await clone.write('apps/shop/kustomization.yaml', overlay('c'));
  await clone.git('commit', '-q', '-a', '-m', 'Another second');
  await clone.pushRef('refs/heads/main');
  const rewritten = await clone.head();
  const said = await until('the rewrite', () =>
    first.git?.code === 'history-rewritten' ? first.git : undefined,
  );
  assert.match(said.message ?? '', new RegExp(`--accept-rewrite ${rewritten}`));
  assert.equal(first.snapshot?.head.oid, old);
  assert.deepEqual(
    first.snapshot?.assignments.get('east/shop')?.version,
    before.assignments.get('east/shop')?.version,
  );
  assert.equal(first.snapshot?.problems[0]?.code, 'history-rewritten');

  await clone.write('docs/more.md', 'more');
  await clone.commit('On top of it');
  await until('the next refusal', () => (first.warned.length > 1 ? true : undefined));
  assert.equal(first.snapshot?.head.oid, old);
  await first.stop();

  const again = follow();
  await until('the refusal after a restart', () =>
    again.git?.code === 'history-rewritten' ? true : undefined,
  );
  assert.equal(again.snapshot?.head.oid, old);
  await again.stop();

  const accepting = follow({ acceptRewrite: rewritten });
  const after = await until('the new history', head(accepting, await clone.head()));
  assert.ok(after.abandoned?.has(old));
  assert.ok(!after.abandoned?.has(after.head.oid));
  assert.notEqual(
    after.assignments.get('east/shop')?.version?.digest,
    before.assignments.get('east/shop')?.version?.digest,
  );
  await accepting.stop();
  await until('no acknowledgement is needed twice', head(follow(), await clone.head()));
});

test('a branch that is put back to where it was needs no acknowledgement', async (t) => {
  const { clone, follow } = await fixture(t);
  const first = await clone.head();
  await clone.write('docs/x.md', 'x');
  const second = await clone.commit('Second');
  const followed = follow();
  await until('the second commit', head(followed, second));
  await clone.pushRef('refs/heads/main', first);
  await until('the rewrite', () => (followed.git?.code === 'history-rewritten' ? true : undefined));
  await clone.pushRef('refs/heads/main', second);
  const back = await until('all is well', head(followed, second));
  assert.deepEqual(back.problems, []);
});

test('after a restart an invalid head leaves in force what was valid before it', async (t) => {
  const { clone, follow } = await fixture(t);
  const valid = await clone.head();
  await clone.write('placements/shop.yaml', 'kind: [');
  const invalid = await clone.commit('Break it');
  const followed = follow();
  const snapshot = await until('the head', head(followed, invalid));
  assert.equal(snapshot.placements.get('shop')?.invalid, true);
  const row = snapshot.assignments.get('east/shop');
  assert.equal(row?.version?.revision, valid);
  assert.equal(row?.problem?.code, 'document-syntax');
  assert.ok(snapshot.problems.includes(row.problem));
});

test('a merge is one step of the first-parent line', async (t) => {
  const { clone, follow } = await fixture(t);
  const followed = follow();
  await until('the first snapshot', head(followed, await clone.head()));
  await clone.git('checkout', '-q', '-b', 'feature');
  await clone.write('apps/shop/kustomization.yaml', overlay('b'));
  await clone.git('commit', '-q', '-a', '-m', 'On a branch');
  await clone.git('checkout', '-q', 'main');
  await clone.git('merge', '-q', '--no-ff', '-m', 'Merge', 'feature');
  await clone.git('push', '-q', 'origin', 'main');
  const merge = await clone.head();
  const snapshot = await until('the merge', head(followed, merge));
  assert.equal(snapshot.placements.get('shop')?.versions.at(-1)?.revision, merge);
  assert.equal(snapshot.commits.length, 2);
});

test('a hub that starts again goes on from what it kept, even while Git is away', async (t) => {
  const { git, clone, follow } = await fixture(t);
  const first = follow();
  const before = await until('the first snapshot', head(first, await clone.head()));
  await first.stop();
  await git.stop();
  const again = follow();
  const kept = await until('what was kept', () => again.snapshot);
  assert.equal(kept.head.oid, before.head.oid);
  await until('the trouble', trouble(again, 'git-unreachable'));
  assert.deepEqual([...kept.assignments], [...before.assignments]);
  await git.start();
  await clone.write('apps/shop/kustomization.yaml', overlay('b'));
  const changed = await clone.commit('Second');
  const after = await until('the commit', head(again, changed));
  assert.equal(after.assignments.get('east/shop')?.version?.revision, changed);
  assert.deepEqual(
    again.warned.filter((message) => message.includes('read anew')),
    [],
  );
});

for (const [what, damage] of [
  ['is damaged', (bytes: Buffer) => bytes.fill(7, 40, 60)],
  ['is cut off', (bytes: Buffer) => bytes.subarray(0, 100)],
  ['is empty', () => Buffer.alloc(0)],
] as const) {
  test(`an index on disk that ${what} is read anew, and the log says so`, async (t) => {
    const { dir, clone, follow } = await fixture(t);
    const first = follow();
    const before = await until('the first snapshot', head(first, await clone.head()));
    await first.stop();
    const file = join(dir, 'index', 'index.cache');
    await writeFile(file, damage(await readFile(file)));
    const again = follow();
    const after = await until('the snapshot', head(again, before.head.oid));
    assert.deepEqual([...after.assignments], [...before.assignments]);
    assert.match(again.warned.join(), /is not used, all is read anew: it is damaged/);
  });
}

test('what was kept of a history that is here no more is read anew', async (t) => {
  const { dir, clone, follow } = await fixture(t);
  const first = follow();
  const before = await until('the first snapshot', head(first, await clone.head()));
  await first.stop();
  await rm(join(dir, 'index', 'mirror.git'), { recursive: true });
  const after = await until('the snapshot', head(follow(), before.head.oid));
  assert.deepEqual([...after.assignments], [...before.assignments]);
});
