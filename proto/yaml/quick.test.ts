import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import fc from '#test/laws.ts';
import { readQuick } from './quick.ts';

const root = join(import.meta.dirname, '../..');
const documents = globSync(['fleet-repo-example/*.yaml', 'fleet-repo-example/{clusters,placements}/*.yaml'], {
  cwd: root,
}).map((file) => readFileSync(join(root, file), 'utf8'));

/** What the whole parser says; undefined where it finds anything wrong. */
function whole(text: string): { value: unknown } | undefined {
  const document = parseDocument(text, { version: '1.2', prettyErrors: false, logLevel: 'error' });
  return document.errors.length > 0 ? undefined : { value: document.toJS() };
}

function agree(text: string): void {
  const quick = readQuick(text);
  if (quick) assert.deepEqual(quick, whole(text), JSON.stringify(text));
}

test('the documents of the example fleet are read the quick way, and as YAML means them', () => {
  assert.ok(documents.length > 8);
  for (const text of documents) {
    assert.ok(readQuick(text), text);
    agree(text);
  }
});

test('what is not plain is left to the whole parser', () => {
  const unsure = [
    '',
    '# nothing',
    'a',
    '- ',
    'a: &x 1',
    'a: *x',
    'a: !!str 1',
    'a: |\n  x',
    'a: "\\n"',
    "a: 'it''s'",
    'a: 1\na: 2',
    'a: b\n  c',
    '\ta: 1',
    'a: 0x10',
    'a: 1.10',
    'a: 007',
    'a: -1',
    'a: ~',
    'a: .5',
    'a: {b}',
    'a: [b,]',
    'a: {b: }',
    'a: b: c',
    'a: b:',
    '---\na: 1\n---\nb: 2',
    'a: 1\n...',
    'true: 1',
    'a: 12345678901234567890',
    '? a\n: b',
    '%YAML 1.2\n---\na: 1',
    'a: [b\n  c]',
    'a: 1\r\n',
    'a:\n    b: 1\n  c: 2',
    'a:\n  b: 1\n c: 2',
    '- a\nb: 1',
    '__proto__: 1',
    '<<: {a: 1}',
  ];
  for (const text of unsure) assert.equal(readQuick(text), undefined, JSON.stringify(text));
});

test('plain documents are read with the types of the core schema', () => {
  const text =
    '---\n# c\na: 1 # one\nb: "x: #y"\nc:\nd: [x, {e: no, f: "1"}, [], {}]\ng:\n- h: 1\n  i:\n    - true\n- 10m\nj: a#b\nk: http://x:80/{env}\n';
  assert.deepEqual(readQuick(text)?.value, {
    a: 1,
    b: 'x: #y',
    c: null,
    d: ['x', { e: 'no', f: '1' }, [], {}],
    g: [{ h: 1, i: [true] }, '10m'],
    j: 'a#b',
    k: 'http://x:80/{env}',
  });
  agree(text);
});

const scalar = fc.constantFrom(
  'a',
  'x y',
  '1',
  '0',
  '10m',
  '1.5',
  'true',
  'Null',
  '~',
  '"q"',
  "'s'",
  '"a: b"',
  '{a: 1}',
  '[a, "b"]',
  '{}',
  '[ ]',
  'a#b',
  'a #b',
  'a:b',
  '{env}/x',
  '.x',
  '-1',
  '30%',
  '# c',
  '',
  '1e3',
  '0b1',
  'a, b',
  '2026-01-01',
  '&a',
  '*a',
  '!x',
  '|',
  '>-',
  '- a',
  '? a',
);
const line = fc
  .tuple(
    fc.nat(4),
    fc.constantFrom('', '- ', '-  ', '-'),
    fc.constantFrom('a: ', 'b: ', 'c:', 'a:  ', '"k": ', ''),
    scalar,
  )
  .map(([indent, dash, key, value]) => `${' '.repeat(indent)}${dash}${key}${value}`);

test('whatever is made of lines: the same value as the whole parser, or not sure', () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => agree(lines.join('\n'))),
    { numRuns: 6_000 },
  );
});

test('whatever becomes of a document when letters are put in or taken out: the same value, or not sure', () => {
  const edit = fc.record({
    at: fc.nat(2_000),
    drop: fc.nat(3),
    put: fc.constantFrom(...' \n\t:-#{}[],"\'&*!|>%@`?~.0a\\'.split(''), '', '  ', '\n  ', ': ', ' #'),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...documents),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (document, edits) => {
        let text = document;
        for (const { at, drop, put } of edits) {
          const from = at % (text.length + 1);
          text = text.slice(0, from) + put + text.slice(from + drop);
        }
        agree(text);
      },
    ),
    { numRuns: 3_000 },
  );
});
