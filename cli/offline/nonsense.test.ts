import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryObjects } from '#git/testing/memory-objects.ts';
import { FlotillaError } from '#proto/faults.ts';
import { openEngine } from '#render/engine.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import fc from '#test/laws.ts';
import { readFlags } from '../args.ts';
import { readMachine } from '../config.ts';
import { hubAt } from '../hub.ts';
import { VERBS } from '../verbs.ts';
import { diffFleet } from './diff/differ.ts';
import { diffMarkdown } from './diff/markdown.ts';
import { diffText } from './diff/text.ts';
import { makePlan } from './plan/planner.ts';
import { ReadsStore } from './plan/store.ts';
import { planText } from './plan/text.ts';
import { problemText } from './report/text.ts';
import { exampleRepository } from './testing/example.ts';
import { validateTree, withRendered } from './validation.ts';

const { signal } = new AbortController();
const EXAMPLE = join(import.meta.dirname, '../../fleet-repo-example');
const FILES: Readonly<Record<string, string>> = Object.fromEntries(
  globSync('**/*.{yaml,properties}', { cwd: EXAMPLE }).map((path) => [
    path,
    readFileSync(join(EXAMPLE, path), 'utf8'),
  ]),
);

/** One file of the example with a piece of it gone, doubled, or something else in its place. */
const mutation = fc.record({
  file: fc.constantFrom(...Object.keys(FILES)),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(40),
  put: fc.oneof(
    fc.constantFrom(
      '',
      '\n',
      ': ',
      '- ',
      '{',
      '[',
      '"',
      '*a',
      '&a ',
      '../',
      '{name}',
      '${domain}',
      '\u0000',
      'null',
      '---\n',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  ),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

function mutated(mutations: readonly Mutation[]): Record<string, string> {
  const files = { ...FILES };
  for (const { file, at, length, put } of mutations) {
    const text = files[file]!;
    const start = Math.floor(at * text.length);
    files[file] = text.slice(0, start) + put + text.slice(start + length);
  }
  return files;
}

test('a fleet that was damaged anywhere is validated, planned and compared without a crash, every problem in a file', async () => {
  const engine = openEngine();
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
      const objects = new MemoryObjects();
      const files = mutated(mutations);
      const [from, to] = [objects.snapshot(FILES), objects.snapshot(files)];
      const validation = await validateTree(objects, to, signal);
      const rendering = { renderer: engine, progress: () => undefined };
      const problems = await withRendered(objects, to, validation, rendering, signal);
      for (const problem of problems) {
        assert.ok(problem.source.file in files || problem.source.line === undefined, JSON.stringify(problem));
        const text = problemText(problem, (file, line) => files[file]?.split('\n')[line - 1], false);
        assert.ok(!text.includes('\u0000') && text.includes(problem.code));
      }
      const side = (tree: string) => ({ name: tree, tree, root: '' });
      const range = { from: side(from), to: side(to) };
      const planning = { store: new ReadsStore(undefined), progress: () => undefined, now: 0 };
      const made = await makePlan(objects, range, planning, signal);
      const diff = await diffFleet(objects, range, made.plan, made, engine, () => undefined, signal);
      for (const text of [planText(made.plan, true), diffText(diff, true), diffMarkdown(diff)])
        assert.ok(text.includes('→') || text.includes('What changes'));
      if (JSON.stringify(files) === JSON.stringify(FILES)) assert.deepEqual(diff.placements, []);
    }),
    { numRuns: 60 },
  );
});

test('whatever the command line says, a verb answers or says what is wrong with it', async () => {
  await using scratch = await makeScratch('nonsense');
  const dir = await exampleRepository(scratch);
  const offline = ['validate', 'plan', 'diff', 'render', 'describe', 'why', 'schema', 'cluster'];
  const word = fc.constantFrom(
    ...[
      'prod-eu-1',
      'ledger',
      'cluster',
      'placement',
      'add',
      'HEAD',
      'HEAD..',
      '..',
      '...',
      'HEAD~9',
      '',
      ' ',
      '--',
    ],
    ...[
      '-o',
      'json',
      'text',
      '-C',
      '--rev',
      '--path',
      '--explain',
      '--render',
      '--dry-run',
      '-l',
      'env=prod',
      'ä',
      '-1',
      '{}',
      '\u0007',
    ],
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...offline), fc.array(word, { maxLength: 4 }), async (name, words) => {
      const verb = await VERBS[name]!.load();
      try {
        const parsed = readFlags([...words, ...(name === 'validate' ? [] : ['-C', dir])], verb.flags);
        const told: string[] = [];
        const code = await verb.run(parsed, {
          hub: hubAt('http://127.0.0.1:9'),
          machine: { ...readMachine({ PATH: process.env.PATH }), scratch: join(scratch.dir, 'scratch') },
          out: (text) => told.push(text),
          talk: (line) => told.push(line),
          progress: () => undefined,
          color: false,
          terminal: false,
          screen: () => ({ columns: 80, rows: 24 }),
          now: Date.now,
          signal,
        });
        assert.ok(code === 0 || told.length > 0, `${name} ${words.join(' ')} says no, and not why`);
      } catch (error) {
        assert.ok(error instanceof FlotillaError, `${name} ${words.join(' ')}: ${(error as Error).stack}`);
      }
    }),
    { numRuns: 50 },
  );
});
