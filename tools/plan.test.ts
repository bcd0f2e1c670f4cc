import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/laws.ts';
import { PINS } from './pins.ts';
import { cacheKey, compareVersions, goSuffices, parseVersion, platformOf, sourcesFor } from './plan.ts';

const kinds = (...args: Parameters<typeof sourcesFor>) => sourcesFor(...args).map(({ kind }) => kind);

test('the official release comes first, Go second, and the Debian package last and only on Linux', () => {
  const nats = PINS['nats-server'];
  assert.deepEqual(kinds(nats, 'linux-x64'), ['release', 'go', 'debian']);
  assert.deepEqual(kinds(nats, 'linux-arm64'), ['release', 'go', 'debian']);
  assert.deepEqual(kinds(nats, 'darwin-x64'), ['release', 'go']);
  assert.deepEqual(kinds(nats, 'darwin-arm64'), ['release', 'go']);
});

test('what is not published for a platform is built there', () => {
  assert.deepEqual(kinds(PINS['kube-apiserver'], 'linux-arm64'), ['release', 'go']);
  assert.deepEqual(kinds(PINS['kube-apiserver'], 'darwin-arm64'), ['go']);
  assert.deepEqual(kinds(PINS['nats-server'], undefined), ['go']);
});

test('a platform without pinned releases has no name', () => {
  assert.equal(platformOf('linux', 'x64'), 'linux-x64');
  assert.equal(platformOf('darwin', 'arm64'), 'darwin-arm64');
  assert.equal(platformOf('win32', 'x64'), undefined);
  assert.equal(platformOf('linux', 'riscv64'), undefined);
});

test('the cache key follows what decides the program and nothing else', () => {
  const pin = PINS.etcd;
  const key = cacheKey(pin, 'linux-x64', ['mod', 'sum']);
  assert.match(key, /^[0-9a-f]{16}$/);
  assert.equal(cacheKey({ ...pin, purpose: 'other words' }, 'linux-x64', ['mod', 'sum']), key);
  assert.equal(cacheKey({ ...pin, go: { ...pin.go, seconds: 1 } }, 'linux-x64', ['mod', 'sum']), key);
  const others = [
    cacheKey({ ...pin, version: '9.9.9' }, 'linux-x64', ['mod', 'sum']),
    cacheKey({ ...pin, go: { ...pin.go, variables: ['a=b'] } }, 'linux-x64', ['mod', 'sum']),
    cacheKey({ ...pin, releases: {} }, 'linux-x64', ['mod', 'sum']),
    cacheKey(pin, 'linux-arm64', ['mod', 'sum']),
    cacheKey(pin, 'linux-x64', ['mod', 'other']),
    cacheKey(pin, 'linux-x64', ['mods', 'um']),
  ];
  assert.equal(new Set([key, ...others]).size, others.length + 1);
});

test('versions are read from what the programs really say', () => {
  assert.equal(parseVersion('nats-server: v2.14.9\n'), '2.14.9');
  assert.equal(parseVersion('etcd Version: 3.6.16\nGit SHA: Not provided\nGo Version: go1.26.8\n'), '3.6.16');
  assert.equal(parseVersion('Kubernetes v1.36.3\n'), '1.36.3');
  assert.equal(parseVersion('kwok version v0.7.0 go1.26.8 (linux/amd64)\n'), '0.7.0');
  assert.equal(parseVersion('(devel)\n'), undefined);
});

test('versions are ordered by their numbers, not by their letters', () => {
  assert.ok(compareVersions('2.9.10', '2.14.9') < 0);
  assert.ok(compareVersions('2.10', '2.9.9') > 0);
  assert.equal(compareVersions('1.26', '1.26.0'), 0);
  const version = fc.array(fc.nat(99), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(version, version, (a, b) => {
      assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) || 0);
    }),
  );
});

test('an older Go suffices only where it may fetch a newer toolchain', () => {
  assert.ok(goSuffices('go1.26.8', 'local', '1.26'));
  assert.ok(!goSuffices('go1.25.9', 'local', '1.26'));
  assert.ok(goSuffices('go1.25.9', 'auto', '1.26'));
  assert.ok(!goSuffices('go1.25.9', 'go1.25.9', '1.26'));
  assert.ok(!goSuffices('go1.19.8', 'auto', '1.26'));
  assert.ok(goSuffices('devel go1.28-abc', 'local', '1.26'));
});
