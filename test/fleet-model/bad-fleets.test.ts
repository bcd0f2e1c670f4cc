import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatLocation } from '#proto/faults.ts';
import { validateFleet } from '#proto/fleet-checks/validate.ts';
import type { Problem } from '#proto/problems.ts';
import { DIRECTORIES, KEYS, VALID } from '../fixtures/fleets.ts';

const directories = {
  exists: (path: string) => DIRECTORIES.includes(path),
  below: (path: string) =>
    DIRECTORIES.filter((one) => one.startsWith(`${path}/`)).map(
      (one) => one.slice(path.length + 1).split('/', 1)[0]!,
    ),
};
const validate = (files: Readonly<Record<string, string>>) =>
  validateFleet(Object.entries(files), { directories });

/** A bad repository of the table: its files without marks, in order, and what must be told. */
type BadFleet = { title: string; says: RegExp; files: Record<string, string>; expected: string[] };

function readTable(table: string): BadFleet[] {
  return table
    .split(/\n+(?=# )/)
    .slice(1)
    .map((block) => {
      const [title, told, ...edits] = block.trimEnd().split('\n');
      const [, codes, at, says] = /^! ([a-z, -]+?)(?: @ (\S+))?: (.*)$/.exec(told!)!;
      const files: Record<string, string> = { ...VALID };
      for (const edit of edits) apply(files, edit);
      const { clean, marks } = withoutMarks(files);
      const every = codes!.split(', ');
      const expected = marks.map(({ place, token }, index) =>
        `${every[index] ?? every[0]} ${place} ${/\bS[UN][A-Z2-7]/.test(token) ? '' : token}`.trim(),
      );
      if (at !== undefined) expected.push(`${codes} ${at}`);
      return { title: title!.slice(2), says: new RegExp(says!), files: clean, expected };
    });
}

function apply(files: Record<string, string>, edit: string): void {
  const [, file, how, rest] = /^([^ :]+)(:| =| <| gone) ?(.*)$/.exec(edit)!;
  const [find, put = ''] = unescaped(rest!).split(/ =>(?: |$)/);
  const text = files[file!] ?? '';
  if (how === ' gone') delete files[file!];
  else if (how === ' <') files[file!] = files[find!]!;
  else if (how === ' =') files[file!] = unescaped(rest!);
  else {
    assert.ok(text.includes(find!), `${file} does not hold ${find}`);
    files[file!] = text.replace(find!, () => put);
  }
}

const unescaped = (text: string) =>
  text
    .replaceAll('\\n', '\n')
    .replaceAll('\\t', '\t')
    .replace(
      /\$(KEY|SEED)([0-3])/g,
      (_, what, index) => KEYS[Number(index)]![what === 'KEY' ? 'publicKey' : 'seed'],
    );

function withoutMarks(files: Readonly<Record<string, string>>) {
  const marks: { place: string; token: string }[] = [];
  const clean: Record<string, string> = {};
  for (const file of Object.keys(files).sort()) {
    const text = files[file]!;
    clean[file] = text.replace(/‹([^›]*)›/g, '$1');
    let removed = 0;
    for (const found of text.matchAll(/‹([^›]*)›/g)) {
      const before = clean[file].slice(0, found.index - removed).split('\n');
      const place = `${file}:${before.length}:${before.at(-1)!.length + 1}`;
      marks.push({ place, token: found[1]!.slice(0, 80) });
      removed += 2;
    }
  }
  return { clean, marks };
}

const BAD_FLEETS = readTable(readFileSync(join(import.meta.dirname, '../fixtures/bad-fleets.txt'), 'utf8'));

const seen = ({ code, source, text }: Problem) => `${code} ${formatLocation(source)} ${text ?? ''}`.trim();

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
