import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '#proto/problems.ts';
import { BAD_FLEETS } from '../fixtures/bad-fleets.ts';
import { DIRECTORIES, KEYS, VALID } from '../fixtures/fleets.ts';
import { validateFleet } from './validate-fleet.ts';

const directories = {
  exists: (path: string) => DIRECTORIES.includes(path),
  below: (path: string) =>
    DIRECTORIES.filter((one) => one.startsWith(`${path}/`)).map(
      (one) => one.slice(path.length + 1).split('/', 1)[0]!,
    ),
};
const validate = (files: Readonly<Record<string, string>>) =>
  validateFleet(Object.entries(files), { directories });

/** The code, `file:line:column` as far as known, and the text at that place. */
const seen = ({ code, source: { file, line, column }, text }: Problem) =>
  `${code} ${[file, line, column].filter((part) => part !== undefined).join(':')} ${text ?? ''}`.trim();

test('the fleet that bad ones are made of is valid', () => {
  assert.deepEqual(validate(VALID).problems, []);
});

test('there are at least 80 bad fleets', () => {
  assert.ok(BAD_FLEETS.length >= 80, String(BAD_FLEETS.length));
});

for (const { title, says, files, expected } of BAD_FLEETS) {
  test(`${title} is told, and where`, () => {
    const { problems, model } = validate(files);
    const told = [...new Set(problems.map(seen))].sort();
    assert.deepEqual(told, expected.sort(), JSON.stringify(problems, null, 1));
    assert.ok(
      problems.some(({ message }) => says.test(message)),
      problems.map(({ message }) => message).join('\n'),
    );
    for (const { message, source } of problems) assert.ok(message.includes(source.file), message);
    for (const { seed } of KEYS)
      assert.ok(!JSON.stringify(problems).includes(seed), 'a seed must not be repeated');
    for (const name of ['a', 'b'])
      assert.ok(model.clusters.has(name) || model.invalid.clusters.has(name), `cluster ${name} is lost`);
    for (const name of ['web', 'base'])
      assert.ok(
        model.placements.has(name) || model.invalid.placements.has(name),
        `placement ${name} is lost`,
      );
  });
}
