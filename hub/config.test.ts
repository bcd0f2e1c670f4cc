import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { readConfig, readInit, readToken } from './config.ts';
import { usage } from './options.ts';

const GIT = ['--git', 'https://git.example/fleet.git'];

test('defaults are those of the help', () => {
  const config = readConfig(GIT, {});
  assert.deepEqual(
    [config.branch, config.pollMs, config.heartbeatMs, config.listen, config.natsUrls, config.publicNatsUrls],
    [
      'main',
      10_000,
      30_000,
      { host: '127.0.0.1', port: 8080 },
      ['nats://127.0.0.1:4222'],
      ['nats://127.0.0.1:4222'],
    ],
  );
  assert.match(usage(), /--poll +between two looks at the branch \[10s\]/);
  assert.doesNotMatch(usage(), /test-/);
});

test('a flag wins over its variable', () => {
  const env = {
    FLOTILLA_GIT: 'https://env.example/a.git',
    FLOTILLA_POLL: '1m',
    FLOTILLA_NATS: 'nats://a:1,tls://b:2',
  };
  const config = readConfig([...GIT, '--poll', '200ms'], env);
  assert.deepEqual(
    [config.gitUrl, config.pollMs, config.natsUrls],
    ['https://git.example/fleet.git', 200, ['nats://a:1', 'tls://b:2']],
  );
});

test('everything that is wrong is named at once, by the flag or variable that it came from', () => {
  const env = {
    FLOTILLA_POLL: 'often',
    FLOTILLA_LISTEN: 'nowhere',
    FLOTILLA_ACCEPT_REWRITE: 'HEAD',
    FLOTILLA_WEBHOOK_ALLOW: 'a.b,10.0.0.0/99',
  };
  assert.throws(
    () => readConfig(['--nats', 'http://x'], env),
    (error) => {
      assert.ok(error instanceof FlotillaError);
      assert.equal(error.code, 'config-invalid');
      for (const named of [
        'FLOTILLA_GIT (--git) is missing',
        'FLOTILLA_POLL: not a duration',
        'FLOTILLA_LISTEN: not HOST:PORT',
        'FLOTILLA_ACCEPT_REWRITE: not a full commit id',
        'FLOTILLA_WEBHOOK_ALLOW: 10.0.0.0/99 is no address, CIDR range or host name to be allowed',
        '--nats: not a nats:// or tls:// URL',
      ])
        assert.ok(error.message.includes(named), `${named} in ${error.message}`);
      return true;
    },
  );
});

for (const [text, expected] of [
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  [':9000', { host: '127.0.0.1', port: 9000 }],
  ['[::1]:80', { host: '::1', port: 80 }],
  ['hub.internal:443', { host: 'hub.internal', port: 443 }],
  ['host:70000', undefined],
  ['8080', undefined],
] as const) {
  test(`--listen ${text} ${expected ? 'is read' : 'is refused'}`, () => {
    const read = () => readConfig([...GIT, '--listen', text], {}).listen;
    if (expected) assert.deepEqual(read(), expected);
    else assert.throws(read, /--listen/);
  });
}

test('an unknown flag, and a flag of the other command, are refused', () => {
  assert.throws(() => readConfig([...GIT, '--polls', '1s'], {}), /--polls/);
  assert.throws(() => readInit(GIT, {}), /--git/);
});

test('another URL or branch has another directory for what is kept of it', () => {
  const dirs = [GIT, [...GIT, '--branch', 'next'], ['--git', 'https://git.example/other.git']].map(
    (argv) => readConfig(argv, {}).indexDir,
  );
  assert.equal(new Set(dirs).size, 3);
});

test('token create takes a name and groups, and narrows what they may', () => {
  const { token } = readToken(
    ['create', 'alice', '--groups', 'ops, dev', '--expires', '1d', '--clusters', 'env=dev'],
    { FLOTILLA_GROUPS: 'root' },
    1_000,
  ) as Extract<ReturnType<typeof readToken>, { verb: 'create' }>;
  assert.deepEqual(token, {
    name: 'alice',
    groups: ['ops', 'dev'],
    emails: [],
    expiresAt: 86_401_000,
    only: { clusters: { matchExpressions: [{ key: 'env', operator: 'In', values: ['dev'] }] } },
  });
});

for (const [line, says] of [
  ['', /token what\? one of create, list, revoke/],
  ['make x', /token what\?/],
  ['create --groups a', /token create NAME: nothing is/],
  ['create ../x --groups a', /\.\.\/x is not a DNS-1123 label/],
  ['create x', /--groups is missing/],
  ['create x --groups a --permissions fly', /--permissions: /],
  ['create x --groups a --clusters a=(', /--clusters: selector/],
  ['create x --groups a --expires 0s', /--expires: must be longer than nothing/],
  ['create x --groups a --emails alice', /--emails: not an address/],
  ['list --groups a', /--groups belongs to token create/],
  ['list x', /unexpected word x/],
  ['revoke x y', /unexpected word y/],
] as const) {
  test(`token ${line}: ${says.source}`, () => {
    const argv = line.split(' ').filter(Boolean);
    assert.throws(() => readToken(argv, {}, 0), { code: 'config-invalid', message: says });
  });
}
