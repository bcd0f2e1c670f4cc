import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { readToolsConfig } from './config.ts';

test('the cache is below the home directory unless the environment says otherwise', () => {
  assert.equal(readToolsConfig({}).cacheDir, join(homedir(), '.cache', 'flotilla'));
  assert.equal(readToolsConfig({ FLOTILLA_CACHE_DIR: '' }).cacheDir, join(homedir(), '.cache', 'flotilla'));
  assert.equal(readToolsConfig({ FLOTILLA_CACHE_DIR: 'here' }).cacheDir, resolve('here'));
});

test('what is built does not depend on the current directory or on the habits of a user', () => {
  const config = readToolsConfig({
    PATH: 'bin:/usr/bin::/bin',
    GOFLAGS: '-mod=mod',
    GOOS: 'plan9',
    GOPROXY: 'p',
  });
  assert.deepEqual(config.searchPath, ['/usr/bin', '/bin']);
  assert.deepEqual(config.environment, { PATH: 'bin:/usr/bin::/bin', GOPROXY: 'p' });
});
