import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { IndexSnapshot } from '#hub/core/types.ts';
import { overlay, until } from './hub-rig.ts';
import { type Fixture, fixture, head } from './index-rig.ts';

/** The versions of placements over a real Git server: what is kept, and what is read again because the hub still needs it. */
const versionsOf = (snapshot: IndexSnapshot) =>
  snapshot.placements.get('shop')?.versions.map(({ revision }) => revision);
const shop = (...revisions: string[]) => new Map([['shop', new Set(revisions)]]);

/** Commits that change the overlay, after the first one. */
async function changes(clone: Fixture['clone'], ...words: string[]): Promise<string[]> {
  const made: string[] = [];
  for (const word of words) {
    await clone.write('apps/shop/kustomization.yaml', overlay(word));
    made.push(await clone.commit(word));
  }
  return made;
}

test('versions outlive a restart; those that are needed outlive a lost cache, in the first snapshot or later', async (t) => {
  const { dir, clone, follow } = await fixture(t);
  const first = await clone.head();
  const steady = follow();
  await until('the first commit', head(steady, first));
  const [second, third] = (await changes(clone, 'b', 'c')) as [string, string];
  await until('the third commit', head(steady, third));
  assert.deepEqual(versionsOf(steady.snapshot!), [first, second, third]);
  await steady.stop();

  const again = follow();
  assert.deepEqual(versionsOf(await until('what was kept', head(again, third))), [first, second, third]);
  await again.stop();

  await rm(join(dir, 'index'), { recursive: true });
  const knowing = follow({ keep: shop(first, second) });
  const seen = await until('the head', head(knowing, third));
  assert.deepEqual(versionsOf(seen), [first, second, third]);
  const [a, b] = seen.placements.get('shop')!.versions;
  assert.notEqual(a!.contents.get('east')?.digest, b!.contents.get('east')?.digest);
  await knowing.stop();

  await rm(join(dir, 'index'), { recursive: true });
  const late = follow();
  assert.deepEqual(versionsOf(await until('the head', head(late, third))), [third]);
  late.follower.keep(shop(second, 'f'.repeat(40)));
  await until('the second', () => (versionsOf(late.snapshot!)?.length === 2 ? true : undefined));
  assert.deepEqual(versionsOf(late.snapshot!), [second, third]);
  const lost = await until('the warning', () => late.warned.find((said) => said.includes('read again')));
  assert.equal(lost, `version ${'f'.repeat(40)} of placement shop cannot be read again from the branch`);
  await clone.write('docs/more.md', 'more');
  const more = await until('a commit', head(late, await clone.commit('More')));
  assert.deepEqual(versionsOf(more), [second, third]);
  assert.equal(late.warned.filter((said) => said.includes('read again')).length, 1, 'said once');
});

test('what is needed is read again while Git is away, and the hub can tell that it is being read', async (t) => {
  const { git, clone, follow } = await fixture(t);
  const [second, third] = (await changes(clone, 'b', 'c')) as [string, string];
  const first = follow();
  await until('the head', head(first, third));
  await first.stop();
  await git.stop();
  const again = follow();
  await until('what was kept', () => again.snapshot);
  assert.equal(again.follower.isRecalling, false);
  again.follower.keep(shop(second));
  assert.equal(again.follower.isRecalling, true);
  await until('the end of it', () => (again.follower.isRecalling ? undefined : true));
  assert.deepEqual(versionsOf(again.snapshot!), [second, third]);
  again.follower.keep(shop(second, 'f'.repeat(40)));
  await until('the end without hope', () => (again.follower.isRecalling ? undefined : true));
  assert.equal(again.git?.ok, false);
});

test('of more commits than are looked at one by one, those that are needed are put in their place', async (t) => {
  const { clone, follow } = await fixture(t);
  const first = await clone.head();
  const before = follow();
  await until('the first commit', head(before, first));
  await before.stop();
  const [second] = (await changes(clone, 'b')) as [string];
  for (let i = 0; i < 55; i++) await clone.git('commit', '--quiet', '--allow-empty', '-m', `Nothing ${i}`);
  const [last] = (await changes(clone, 'c')) as [string];
  const jumping = follow({ keep: shop(second) });
  const { placements } = await until('the last commit', head(jumping, last));
  const { versions } = placements.get('shop')!;
  assert.deepEqual(
    versions.map(({ revision }) => revision),
    [first, second, last],
  );
  const places = versions.map(({ at }) => at);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

test('after an acknowledged rewrite no version of the old line is left, needed or not', async (t) => {
  const { clone, follow } = await fixture(t);
  const first = await clone.head();
  const steady = follow();
  await until('the first commit', head(steady, first));
  const [old] = (await changes(clone, 'b')) as [string];
  await until('the second commit', head(steady, old));
  await steady.stop();
  await clone.git('reset', '-q', '--hard', 'HEAD~1');
  await clone.write('apps/shop/kustomization.yaml', overlay('c'));
  await clone.git('commit', '-q', '-a', '-m', 'Another second');
  await clone.pushRef('refs/heads/main');
  const rewritten = await clone.head();
  const after = follow({ acceptRewrite: rewritten, keep: shop(first, old) });
  assert.deepEqual(versionsOf(await until('the new line', head(after, rewritten))), [first, rewritten]);
});

test('authors of a version are all who wrote since the one before, on merged branches too', async (t) => {
  const { clone, follow } = await fixture(t);
  const followed = follow();
  await until('the first commit', head(followed, await clone.head()));
  const commit = (who: string) =>
    clone.git('commit', '-q', '--allow-empty', '-a', '-m', who, '--author', `${who} <${who}@example.com>`);
  await clone.git('checkout', '-q', '-b', 'feature');
  await commit('grace');
  await clone.git('checkout', '-q', 'main');
  await commit('linus');
  await clone.git('push', '-q', 'origin', 'main');
  await until('a commit that changes nothing', head(followed, await clone.head()));
  await clone.git('checkout', '-q', 'feature');
  await clone.write('apps/shop/kustomization.yaml', overlay('b'));
  await commit('edsger');
  await clone.git('checkout', '-q', 'main');
  await clone.git('merge', '-q', '--no-ff', '-m', 'Merge', 'feature');
  await clone.git('push', '-q', 'origin', 'main');
  const merge = await until('the merge', head(followed, await clone.head()));
  const [, last] = merge.placements.get('shop')!.versions;
  const named = last!.authors.filter((author) => author.includes('@example.com'));
  assert.deepEqual(named.toSorted().slice(-3), [
    'edsger@example.com',
    'grace@example.com',
    'linus@example.com',
  ]);
});

test('a placement that is deleted keeps its versions and its strategy while they are needed', async (t) => {
  const { dir, clone, follow } = await fixture(t);
  await clone.write(
    'rollouts/standard.yaml',
    'apiVersion: flotilla.dev/v1alpha1\nkind: RolloutStrategy\nmetadata: { name: standard }\nspec: { stages: [{ name: early, selector: {} }] }\n',
  );
  const text = await clone.read('placements/shop.yaml');
  await clone.write('placements/shop.yaml', text.replace('path:', 'strategy: standard, path:'));
  const first = await clone.commit('With a strategy');
  const followed = follow();
  const before = await until('the first commit', head(followed, first));
  await clone.remove('placements/shop.yaml');
  await clone.remove('rollouts/standard.yaml');
  const gone = await clone.commit('Without');
  const check = ({ placements, retired }: IndexSnapshot) => {
    assert.equal(placements.size, 0);
    const { versions, strategy } = retired.get('shop')!;
    assert.deepEqual(
      versions.map(({ revision, contents }) => [revision, [...contents.keys()]]),
      [
        [first, ['east']],
        [gone, []],
      ],
    );
    assert.deepEqual(
      strategy.stages.map(({ name }) => name),
      ['early'],
    );
  };
  const after = await until('the deletion', head(followed, gone));
  check(after);
  assert.equal(after.retired.get('shop')!.versions[0], before.placements.get('shop')!.versions[0]);
  await followed.stop();
  await rm(join(dir, 'index'), { recursive: true });
  check(await until('the deletion again', head(follow({ keep: shop(first) }), gone)));
});
