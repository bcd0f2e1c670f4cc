import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { Tokens } from './tokens.ts';

const NOW = Date.parse('2026-05-03T10:00:00Z');
const ALICE = { name: 'alice', groups: ['ops'], emails: ['alice@acme.example'] };
let dir: string;
let tokens: Tokens;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'flotilla-tokens-'));
  tokens = new Tokens(dir);
});
afterEach(() => rmSync(dir, { recursive: true }));

const refused = (act: () => unknown, says: RegExp, code = 'token-invalid') =>
  assert.throws(act, (error) => {
    assert.ok(error instanceof FlotillaError);
    assert.equal(error.code, code);
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /flotilla_[a-z]+_[\w-]{20}/);
    return true;
  });

test('a token says who asks, until it expires or is revoked; a hub that runs sees that at once', () => {
  const token = tokens.create({ ...ALICE, expiresAt: NOW + 1_000 }, NOW);
  const running = new Tokens(dir);
  assert.deepEqual(running.whose(token, NOW), {
    subject: 'alice',
    groups: ['ops'],
    emails: ['alice@acme.example'],
  });
  refused(() => running.whose(token, NOW + 1_000), /token alice expired at 2026-05-03T10:00:01.000Z/);
  assert.equal(tokens.revoke('alice'), true);
  refused(() => running.whose(token, NOW), /unknown to this hub, or was revoked/);
  assert.equal(tokens.revoke('alice'), false);
});

test('nothing on disk holds a token, and nobody else can read what is there', () => {
  const token = tokens.create(ALICE, NOW);
  const access = join(dir, 'access');
  const files = readdirSync(access, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  assert.deepEqual(files.map(({ name }) => name).sort(), ['alice.json', 'key']);
  for (const { parentPath, name } of files) {
    const file = join(parentPath, name);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.ok(!readFileSync(file, 'utf8').includes(token.slice(-43)));
  }
  assert.equal(statSync(join(access, 'tokens')).mode & 0o777, 0o700);
});

test('a token with one letter changed, of another name, of another hub, or none at all lets nobody in', () => {
  const token = tokens.create(ALICE, NOW);
  tokens.create({ ...ALICE, name: 'bob' }, NOW);
  const last = token.at(-1) === 'A' ? 'B' : 'A';
  refused(() => tokens.whose(`${token.slice(0, -1)}${last}`, NOW), /unknown to this hub/);
  refused(() => tokens.whose(token.replace('alice', 'bob'), NOW), /unknown to this hub/);
  refused(() => tokens.whose(token.replace('alice', 'carol'), NOW), /unknown to this hub/);
  refused(() => tokens.whose(`${token}x`, NOW), /not one of a hub/);
  refused(() => tokens.whose('', NOW), /not one of a hub/);
  rmSync(join(dir, 'access', 'key'));
  tokens.create({ ...ALICE, name: 'carol' }, NOW);
  refused(() => tokens.whose(token, NOW), /unknown to this hub/);
});

test('a name is given once, and is no path', () => {
  tokens.create(ALICE, NOW);
  refused(() => tokens.create(ALICE, NOW), /token alice is there already: revoke it first/);
  assert.throws(() => tokens.create({ ...ALICE, name: '../x' }, NOW));
  assert.deepEqual(
    tokens.list().map(({ name }) => name),
    ['alice'],
  );
});

test('the first token is made once, in a file; without any other, revoking it lets init make a new one', () => {
  assert.equal(tokens.createAdmin(NOW), true);
  assert.equal(statSync(tokens.adminFile).mode & 0o777, 0o600);
  const first = readFileSync(tokens.adminFile, 'utf8').trim();
  assert.deepEqual(tokens.whose(first, NOW).groups, ['flotilla:admin']);
  assert.equal(tokens.createAdmin(NOW), false);
  assert.equal(readFileSync(tokens.adminFile, 'utf8').trim(), first);
  tokens.revoke('admin');
  refused(() => tokens.whose(first, NOW), /revoked/);
  assert.equal(tokens.createAdmin(NOW), true);
  assert.notEqual(readFileSync(tokens.adminFile, 'utf8').trim(), first);
});

test('a file that is no record is named, and lets nobody in', () => {
  const token = tokens.create(ALICE, NOW);
  const file = join(dir, 'access', 'tokens', 'alice.json');
  writeFileSync(file, '{"v":1');
  refused(() => tokens.whose(token, NOW), /alice.json is not the record of a token/, 'config-invalid');
  writeFileSync(file, ' '.repeat(70_000));
  refused(() => tokens.whose(token, NOW), /larger than 64000 bytes/, 'config-invalid');
});
