import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kindAt, looksMeant, stemOf } from '#proto/documents/kinds.ts';
import { overlaysOf } from '#proto/fleet-checks/overlays.ts';
import { assembleFleet, type FleetModel } from '#proto/fleet-model.ts';
import type { Problem } from '#proto/problems.ts';
import fc from '#test/laws.ts';
import { VALID } from '../fixtures/fleets.ts';
import { repositoryRoot } from '../house/sources.ts';
import { validateFleet } from './validate-fleet.ts';

type Files = Readonly<Record<string, string>>;
const example = join(repositoryRoot, 'fleet-repo-example');
const EXAMPLE: Files = Object.fromEntries(
  globSync(['*.yaml', '{access,clusters,placements,rollouts,values}/**/*.yaml'], { cwd: example }).map(
    (file) => [file, readFileSync(join(example, file), 'utf8')],
  ),
);
const FLEETS = [VALID, EXAMPLE];

/** What people and merges do to files; `which`, `at` and `put` pick where and what. */
const PUTS = [
  '',
  ' ',
  '\n',
  ':',
  ': ',
  '- ',
  '#',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ',',
  '&x ',
  '*x',
  '!x ',
  '|',
  '---\n',
  '\t',
  '~',
  '0x1F',
  '1.10',
  'null',
  '../',
  '{ring}',
  'sops:\n',
  'prod',
  'SU',
  '\u00e9',
  '\u2028',
  '<<<<<<< HEAD\n',
  'kind: Placement\n',
  '__proto__: 1\n',
];
const edit = fc.record({
  how: fc.constantFrom('put', 'cut', 'line', 'twice', 'swap', 'remove', 'rename', 'ending', 'copy', 'value'),
  which: fc.nat(1_000),
  at: fc.nat(5_000),
  long: fc.nat(30),
  put: fc.constantFrom(...PUTS),
});
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

function mutate(files: Files, edits: readonly Edit[]): Record<string, string> {
  const result: Record<string, string> = { ...files };
  for (const { how, which, at, long, put } of edits) {
    const names = Object.keys(result);
    const name = names[which % names.length];
    if (name === undefined) continue;
    const text = result[name]!;
    const lines = text.split('\n');
    const [line, from] = [at % lines.length, at % (text.length + 1)];
    const folder = ['clusters', 'placements', 'values', 'rollouts', 'access', 'clusters/x'][at % 6];
    if (how === 'put') result[name] = text.slice(0, from) + put + text.slice(from);
    else if (how === 'cut') result[name] = text.slice(0, from) + text.slice(from + long);
    else if (how === 'line') result[name] = lines.toSpliced(line, 1).join('\n');
    else if (how === 'twice') result[name] = lines.toSpliced(line, 0, lines[line]!).join('\n');
    else if (how === 'swap')
      result[name] = lines.toSpliced(line, 2, lines[line + 1] ?? '', lines[line]!).join('\n');
    else if (how === 'value') {
      const values = [...text.matchAll(/(?<=[:[,] )[^\s,\]}]+/g)];
      const found = values[at % Math.max(1, values.length)];
      if (found) result[name] = text.slice(0, found.index) + put + text.slice(found.index + found[0].length);
    } else if (how === 'copy') result[`${folder}/${stemOf(name)}.yaml`] = text;
    else delete result[name];
    if (how === 'rename') result[`${folder}/${stemOf(name)}${at % 2 === 0 ? '' : '2'}.yaml`] = text;
    if (how === 'ending') result[name.replace(/\.[a-z]*$/, '.yml')] = text;
  }
  return result;
}

type Named = readonly [kind: string, names: Iterable<string>];
const present = (model: FleetModel): Named[] => [
  ['clusters', model.clusters.keys()],
  ['placements', model.placements.keys()],
  ['values', model.values.keys()],
  ['strategies', model.strategies.keys()],
  ['access', model.access.keys()],
];

function assertLocated(files: Files, { source, text, message }: Problem): void {
  const content = files[source.file];
  if (source.line === undefined) {
    assert.equal(content, undefined, `${message}: a file that is there has a place`);
    return;
  }
  assert.ok(content !== undefined, `${source.file} is no file: ${message}`);
  const line = content.split('\n')[source.line - 1];
  assert.ok(line !== undefined, `line ${source.line} is outside: ${message}`);
  assert.ok(
    source.column! >= 1 && source.column! <= line.length + 1,
    `column ${source.column} is outside: ${message}`,
  );
  if (text !== undefined)
    assert.ok(line.slice(source.column! - 1).startsWith(text), `${text} is not there: ${message}`);
}

function assertNothingLost(files: Files, model: FleetModel, problems: readonly Problem[]): void {
  const read = new Set<string>();
  for (const documents of [model.clusters, model.placements, model.values, model.strategies, model.access])
    for (const { file } of documents.values()) read.add(file);
  if (model.fleet) read.add(model.fleet.file);
  const refused = new Set(
    problems.filter(({ severity }) => severity === 'error').map(({ source }) => source.file),
  );
  const { fleet, ...sets } = model.invalid;
  const invalid = new Set(Object.values(sets).flatMap((names) => [...names]));
  for (const file of Object.keys(files)) {
    if (kindAt(file) === undefined && looksMeant(file) === undefined) continue;
    const held = file === 'flotilla.yaml' ? fleet : invalid.has(stemOf(file));
    assert.ok(read.has(file) || refused.has(file) || held, `${file} is lost`);
  }
}

test('the example fleet is valid', () => {
  assert.deepEqual(validateFleet(Object.entries(EXAMPLE)).problems, []);
});

test('whatever happens to a valid fleet: no crash, every problem located, no document lost', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...FLEETS),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (valid, edits, knowing) => {
        const files = mutate(valid, edits);
        const before = assembleFleet(Object.entries(valid));
        const { model, problems } = validateFleet(Object.entries(files), knowing ? { before } : {});
        overlaysOf(model);
        for (const problem of problems) assertLocated(files, problem);
        assertNothingLost(files, model, problems);
        const { fleet, ...sets } = model.invalid;
        assert.equal(model.fleet === undefined, fleet, 'the fleet is there or invalid');
        const now = new Map(present(model).map(([kind, names]) => [kind, new Set(names)]));
        const texts = new Set(Object.values(files));
        for (const [kind, names] of present(before)) {
          for (const name of names) {
            const { file } = (before[kind as 'clusters'] as FleetModel['clusters']).get(name)!;
            const there =
              files[file] !== undefined || (texts.has(valid[file]!) && looksRead(files, valid[file]!));
            const known = now.get(kind)!.has(name) || sets[kind as 'clusters'].has(name);
            assert.ok(!there || known, `${kind} ${name} is lost`);
          }
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

/** Whether a text still stands where documents are looked for. */
function looksRead(files: Files, text: string): boolean {
  return Object.entries(files).some(
    ([file, content]) => content === text && (kindAt(file) ?? looksMeant(file)) !== undefined,
  );
}
