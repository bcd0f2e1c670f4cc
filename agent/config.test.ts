import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlotillaError } from '#proto/faults.ts';
import { createNkey } from '#proto/nkey.ts';
import { readConfig, usage } from './config.ts';

const hub = createNkey('server');
const least = {
  FLOTILLA_CLUSTER: 'prod-eu-1',
  FLOTILLA_HUB: 'https://hub.example, https://hub2.example',
  FLOTILLA_HUB_KEYS: hub.publicKey,
  FLOTILLA_GIT: 'https://git.example/fleet.git',
};
const wrong = (argv: string[], env: NodeJS.ProcessEnv) => {
  try {
    readConfig(argv, env);
  } catch (error) {
    assert.ok(error instanceof FlotillaError && error.code === 'config-invalid');
    return error.message;
  }
  throw new Error('accepted');
};

test('what is not said has the defaults of the protocol', () => {
  const config = readConfig([], least);
  assert.deepEqual(config.hubUrls, ['https://hub.example', 'https://hub2.example']);
  assert.deepEqual(
    [config.branch, config.namespace, config.seedFile],
    ['main', 'flotilla-system', 'flotilla-agent/agent.seed'],
  );
  const { heartbeatMs, helloMs, tipMs, reconnectMs } = config.intervals;
  assert.deepEqual([heartbeatMs, helloMs, tipMs, reconnectMs], [30_000, 450_000, 600_000, 10_000]);
});

test('a flag wins over its variable', () => {
  const config = readConfig(['--cluster', 'other', '--data', '/d', '--heartbeat', '250ms'], least);
  assert.deepEqual(
    [config.cluster, config.seedFile, config.intervals.heartbeatMs],
    ['other', '/d/agent.seed', 250],
  );
});

test('everything that is wrong is named at once, each by its variable or flag', () => {
  const message = wrong(['--git', 'ssh://git.example/x'], {
    FLOTILLA_CLUSTER: 'Not A Name',
    FLOTILLA_HEARTBEAT: 'often',
    FLOTILLA_HUB_KEYS: hub.publicKey,
  });
  assert.match(message, /FLOTILLA_CLUSTER: not a DNS-1123 label/);
  assert.match(message, /--git: not an http or https URL/);
  assert.match(message, /FLOTILLA_HEARTBEAT: not a duration/);
  assert.match(message, /FLOTILLA_HUB \(--hub\) is missing/);
});

test('a seed where a public key belongs is refused and not repeated', () => {
  const message = wrong([], { ...least, FLOTILLA_HUB_KEYS: hub.seed });
  assert.match(message, /FLOTILLA_HUB_KEYS: not a public key of a hub/);
  assert.ok(!message.includes(hub.seed));
});

test('an unknown flag is refused, and the help names every public one', () => {
  assert.match(wrong(['--clutser', 'x'], least), /clutser/);
  for (const flag of ['cluster', 'hub', 'hub-keys', 'git', 'accepted-rewrite', 'log-level'])
    assert.ok(usage().includes(`--${flag}`));
  assert.ok(!usage().includes('test-markers'));
});
