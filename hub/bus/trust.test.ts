import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { createNkey, verifyNkey } from '#proto/nkey.ts';
import { serverConfig } from './server-config.ts';
import { agentJwt, hubUserJwt, initTrust, loadTrust, serverTokens } from './trust.ts';

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'flotilla-trust-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function claimsOf(jwt: string): Record<string, unknown> & { nats: Record<string, unknown> } {
  return JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString('utf8'));
}

function isSignedBy(jwt: string, publicKey: string): boolean {
  const [header, body, signature] = jwt.split('.');
  return verifyNkey(publicKey, Buffer.from(`${header}.${body}`), Buffer.from(signature!, 'base64url'));
}

const NOW = 1_800_000_000_000;

test('keys are made once, each in a file that only its owner can read', (t) => {
  const dir = scratch(t);
  const first = initTrust(dir, NOW);
  const second = initTrust(dir, NOW + 1_000_000);
  assert.deepEqual([first.created, second.created], [true, false]);
  assert.equal(second.trust.hub.seed, first.trust.hub.seed);
  assert.deepEqual(serverTokens(second.trust), serverTokens(first.trust));
  const files = readdirSync(join(dir, 'keys'));
  assert.deepEqual(files.sort(), [
    'account.seed',
    'agents.seed',
    'hub.seed',
    'hubUser.seed',
    'issued-at',
    'operator.seed',
    'system.seed',
  ]);
  for (const file of files) assert.equal(statSync(join(dir, 'keys', file)).mode & 0o777, 0o600, file);
  assert.equal(statSync(join(dir, 'keys')).mode & 0o777, 0o700);
});

test('a missing, damaged or exchanged key is named by its file, without its content', (t) => {
  const dir = scratch(t);
  const { trust } = initTrust(dir, NOW);
  const file = join(dir, 'keys', 'hub.seed');
  for (const [content, says] of [
    [`${trust.hub.seed.slice(0, -1)}x`, /hub\.seed/],
    [trust.account.seed, /hub\.seed holds a seed of role account/],
    [undefined, /hub\.seed is missing; run `init`/],
  ] as const) {
    if (content === undefined) rmSync(file);
    else writeFileSync(file, content);
    assert.throws(
      () => loadTrust(dir),
      (error) => {
        assert.ok(error instanceof FlotillaError);
        assert.equal(error.code, 'config-invalid');
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /S[ANU][A-Z2-7]{20}/);
        return true;
      },
    );
  }
});

test('the operator signs the accounts, and the account knows the agents’ key by its scope', (t) => {
  const { trust } = initTrust(scratch(t), NOW);
  const tokens = serverTokens(trust);
  assert.ok(isSignedBy(tokens.operator, trust.operator.publicKey));
  const account = tokens.accounts[trust.account.publicKey]!;
  assert.ok(isSignedBy(account, trust.operator.publicKey));
  assert.deepEqual(claimsOf(account).nats.signing_keys, [
    {
      kind: 'user_scope',
      key: trust.agents.publicKey,
      role: 'agent',
      template: {
        pub: { allow: ['up.{{name()}}.>'] },
        sub: { allow: ['down.{{name()}}.>'] },
        subs: -1,
        data: -1,
        payload: -1,
      },
    },
  ]);
});

test('the token of an agent names its cluster, carries no right of its own and lives 14 days', (t) => {
  const { trust } = initTrust(scratch(t), NOW);
  const { publicKey } = createNkey('user');
  const jwt = agentJwt(trust, 'prod-eu-7', publicKey, NOW);
  assert.ok(isSignedBy(jwt, trust.agents.publicKey));
  const { jti, ...claims } = claimsOf(jwt);
  assert.match(String(jti), /^[A-Z2-7]{52}$/);
  assert.deepEqual(claims, {
    iat: NOW / 1000,
    exp: NOW / 1000 + 14 * 86_400,
    iss: trust.agents.publicKey,
    name: 'prod-eu-7',
    sub: publicKey,
    nats: { type: 'user', issuer_account: trust.account.publicKey, pub: {}, sub: {}, version: 2 },
  });
  assert.throws(() => agentJwt(trust, 'x', 'not a key', NOW), /not a public key/);
});

test('the configuration of nats-server quotes paths and holds no secret', (t) => {
  const dir = scratch(t);
  const { trust } = initTrust(dir, NOW);
  const config = serverConfig(serverTokens(trust), {
    listen: { host: '127.0.0.1', port: 4222 },
    storeDir: '/srv/with space/js',
  });
  assert.match(config, /^ {2}store_dir: "\/srv\/with space\/js"$/m);
  assert.match(config, /^listen: "127\.0\.0\.1:4222"$/m);
  assert.doesNotMatch(config, /^http/m);
  assert.doesNotMatch(config + hubUserJwt(trust), /S[ANUO][A-Z2-7]{55}/);
  for (const file of readdirSync(join(dir, 'keys'))) {
    assert.ok(!config.includes(readFileSync(join(dir, 'keys', file), 'utf8').trim()) || file === 'issued-at');
  }
});
