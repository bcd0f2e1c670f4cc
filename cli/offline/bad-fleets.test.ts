import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { BAD_FLEETS } from '#test/fixtures/bad-fleets.ts';
import { DIRECTORIES, VALID } from '#test/fixtures/fleets.ts';
import { told } from './report/told.ts';
import { validateTree } from './validation.ts';

/** Overlays for the directories of the valid fleet. */
const OVERLAYS = Object.fromEntries(
  DIRECTORIES.map((directory) => [
    `${directory}/kustomization.yaml`,
    directory.includes('/components/') ? 'kind: Component\n' : 'resources: []\n',
  ]),
);

async function validate(files: Readonly<Record<string, string>>) {
  const objects = new MemoryObjects();
  const tree = objects.snapshot({ ...OVERLAYS, ...files });
  return (await validateTree(objects, tree, new AbortController().signal)).problems;
}

test('the fleet that bad ones are made of is valid with its overlays', async () => {
  assert.deepEqual(await validate(VALID), []);
});

test('every bad fleet is told the same from a tree, each problem with a place of its own', async () => {
  for (const { title, files, expected } of BAD_FLEETS) {
    const problems = await validate(files);
    const seen = problems.map(({ code, source, text }) => {
      const { file, line, column } = source;
      return `${code} ${[file, line, column].filter((part) => part !== undefined).join(':')} ${text ?? ''}`.trim();
    });
    assert.deepEqual([...new Set(seen)].sort(), [...expected].sort(), title);
    for (const problem of problems) {
      const { code, file, line, column, message, ...rest } = told(problem);
      assert.ok(code && file && line >= 1 && column >= 1 && message, title);
      assert.ok(
        Object.keys(rest).every((key) => key === 'suggestion'),
        title,
      );
      assert.ok(!message.startsWith(`${file}:`), `${title}: ${message}`);
    }
  }
});
