import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remoteTarget } from './remote.ts';

const REMOTE = [
  'https://example.com/a.yaml',
  'HTTP://example.com/a.yaml',
  'http:a',
  'ssh://git@example.com/acme/base',
  'file:///srv/base',
  'oci://example.com/acme/base',
  'git::https://example.com/acme/base',
  'git::git@example.com:acme/base',
  'git@example.com:acme/base.git',
  'git@example.com/acme/base',
  'github.com/acme/base',
  'github.com/acme/base//overlay?ref=v1',
  'GitHub.com:acme/base',
];
const LOCAL = [
  'a.yaml',
  '../base',
  './github.com/acme/base',
  'me@home',
  'a@b/c',
  'x/git@y.yaml',
  'C:',
  'a:b.yaml',
  '',
];

for (const text of REMOTE) test(`${text} is remote`, () => assert.notEqual(remoteTarget(text), undefined));
for (const text of LOCAL)
  test(`${JSON.stringify(text)} is local`, () => assert.equal(remoteTarget(text), undefined));
