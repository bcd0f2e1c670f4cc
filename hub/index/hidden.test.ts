import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from './indexer.ts';
import { BASE, follow, history, never, versionOf } from './testing/commits.ts';

test('a symlink in the place of an entry is refused, and removes nothing', async () => {
  const linked = { ...BASE, 'clusters/west.yaml': { link: 'east.yaml' } };
  const { seen } = await follow(BASE, linked);
  assert.equal(versionOf(seen[1], 'west')?.revision, versionOf(seen[0], 'west')?.revision);
  assert.match(
    problemsOf(seen[1]!)
      .map(({ message }) => message)
      .join(),
    /west\.yaml.*is a symlink/,
  );
});

test('a link in the place of a whole directory is refused, and removes nothing, also at a first start', async () => {
  for (const folder of ['clusters', 'placements']) {
    const others = Object.entries(BASE).filter(([path]) => !path.startsWith(`${folder}/`));
    const hidden = { ...Object.fromEntries(others), [folder]: { link: 'elsewhere' } };
    const { seen } = await follow(BASE, hidden, BASE);
    const { commits, indexer } = await history(BASE, hidden);
    for (const now of [seen[1]!, await indexer.begin(commits.toReversed(), never)]) {
      for (const cluster of ['east', 'west'])
        assert.equal(versionOf(now, cluster)?.digest, versionOf(seen[0], cluster)?.digest, folder);
      const [problem] = problemsOf(now);
      assert.deepEqual([problem?.source.file, problem?.source.line], [folder, 1]);
      assert.match(problem!.message, /is a symlink: .* what was read from below it stays as it was/);
    }
    assert.deepEqual(problemsOf(seen[2]!), problemsOf(seen[0]!));
    assert.equal(versionOf(seen[2], 'west')?.digest, versionOf(seen[0], 'west')?.digest);
  }
});
