import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import fc from '#test/laws.ts';
import { hashObject, parseCommit, parseTree } from './parse.ts';

const A = 'a'.repeat(40);
const entry = (mode: string, name: string) =>
  Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(A, 'hex')]);
const corrupt = (action: () => unknown, message: RegExp) =>
  assert.throws(
    action,
    (error) =>
      error instanceof FlotillaError && error.code === 'git-object-corrupt' && message.test(error.message),
  );
const commit = (...lines: string[]) => Buffer.from(`tree ${A}\n${lines.join('\n')}`);
const AUTHOR = 'author Ada Lovelace <ada@example.com> 1700000000 +0100';
const COMMITTER = 'committer CI <> 1700000060 -0800';

test('object ids are those of git hash-object', () => {
  assert.equal(hashObject('blob', Buffer.from('hello\n')), 'ce013625030ba8dba906f756967f9e9ca394464a');
  assert.equal(hashObject('tree', Buffer.alloc(0)), '4b825dc642cb6eb9a060e54bf8d69288fbee4904');
});

test('every mode of a tree is told apart', () => {
  const modes = ['40000 d', '100644 f', '100664 g', '040000 old', '100755 x', '120000 l', '160000 m'];
  const tree = Buffer.concat(modes.map((text) => entry(...(text.split(' ') as [string, string]))));
  assert.deepEqual(
    parseTree(A, tree).map(({ name, mode }) => `${name} ${mode}`),
    ['d tree', 'f file', 'g file', 'old tree', 'x executable', 'l symlink', 'm gitlink'],
  );
});

test('names that could lead a path astray are refused', () => {
  for (const name of ['', '.', '..', 'a/b'])
    corrupt(() => parseTree(A, entry('100644', name)), /not allowed/);
  corrupt(() => parseTree(A, Buffer.concat([entry('100644', 'a'), entry('40000', 'a')])), /not allowed/);
  corrupt(() => parseTree(A, entry('600', 'a')), /unknown mode/);
});

test('a tree that is cut off anywhere inside an entry is refused', () => {
  const tree = entry('100644', 'name');
  for (let length = 1; length < tree.length; length++)
    corrupt(() => parseTree(A, tree.subarray(0, length)), /cut off/);
});

test('a commit is read with its parents, people, times in seconds and message', () => {
  const B = 'b'.repeat(40);
  assert.deepEqual(
    parseCommit(B, commit(`parent ${A}`, `parent ${B}`, AUTHOR, COMMITTER, '', 'subject\n\nbody\n')),
    {
      oid: B,
      tree: A,
      parents: [A, B],
      author: { name: 'Ada Lovelace', email: 'ada@example.com', at: 1_700_000_000 },
      committer: { name: 'CI', email: '', at: 1_700_000_060 },
      message: 'subject\n\nbody\n',
    },
  );
});

test('a signature is given without the marks of its continuation lines', () => {
  const signed = commit(
    AUTHOR,
    COMMITTER,
    'gpgsig -----BEGIN SSH SIGNATURE-----',
    ' abc',
    ' -----END SSH SIGNATURE-----',
    '',
    'x',
  );
  const { signature, message } = parseCommit(A, signed);
  assert.equal(signature, '-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----');
  assert.equal(message, 'x');
});

test('a header in the message is not a header', () => {
  assert.equal(
    parseCommit(A, commit(AUTHOR, COMMITTER, '', 'gpgsig forged\nencoding latin1')).signature,
    undefined,
  );
});

test('a commit says in which encoding it was written', () => {
  const bytes = Buffer.from(`tree ${A}\n${AUTHOR}\n${COMMITTER}\nencoding ISO-8859-1\n\ncaf\xe9`, 'latin1');
  assert.equal(parseCommit(A, bytes).message, 'café');
  const unknown = commit(AUTHOR, COMMITTER, 'encoding klingon', '', 'plain');
  assert.equal(parseCommit(A, unknown).message, 'plain');
});

test('a commit without tree or with a malformed parent is refused, one with an odd author is not', () => {
  corrupt(() => parseCommit(A, Buffer.from('tree x\n')), /no tree/);
  corrupt(() => parseCommit(A, commit('parent zzz', AUTHOR, COMMITTER, '', '')), /malformed parent/);
  assert.deepEqual(parseCommit(A, commit('author nobody', '', '')).author, {
    name: 'nobody',
    email: '',
    at: 0,
  });
});

test('arbitrary bytes end in a value or a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, tree) => {
      const data = Buffer.from(bytes);
      try {
        if (tree) parseTree(A, data);
        else parseCommit(A, Buffer.concat([Buffer.from(`tree ${A}\n`), data]));
      } catch (error) {
        assert.ok(error instanceof FlotillaError, String(error));
      }
    }),
  );
});
