import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { MarkOptions } from '#process/markers.ts';
import { readSettings } from '#process/settings.ts';
import { dnsLabel } from '#proto/documents/common.ts';
import { FlotillaError } from '#proto/faults.ts';
import type { NewToken } from './access/tokens.ts';
import { settingsOf } from './options.ts';
import { type Allowance, allowanceOf } from './webhooks/addresses.ts';

/** Everything the hub is told from outside, read once. Flags win over FLOTILLA_* variables. Durations are milliseconds. */
export type HubConfig = {
  gitUrl: string;
  branch: string;
  gitCredentialsFile: string | undefined;
  /** PEM text. */
  gitCa: string | undefined;
  natsUrls: readonly string[];
  /** What agents are told. */
  publicNatsUrls: readonly string[];
  dataDir: string;
  /** For what of the fleet repo is kept on disk; another one for every URL and branch. */
  indexDir: string;
  listen: { host: string; port: number };
  allowedHosts: readonly string[];
  pollMs: number;
  heartbeatMs: number;
  reconnectMs: number;
  /** How long a hub is not heard before another one takes over. */
  leaseMs: number;
  /** What this hub is called where there are several. */
  name: string;
  acceptRewrite: string | undefined;
  webhooks: {
    /** One file for each secret. */
    secretsDir: string | undefined;
    allowance: Allowance;
  };
  logLevel: string;
  /** For tests only: where to write the names of the steps passed, and where to die or halt. */
  markers: MarkOptions;
};

export type InitConfig = {
  dataDir: string;
  natsConfigFile: string;
  storeDir: string;
  listen: { host: string; port: number };
  monitor: { host: string; port: number } | undefined;
};

const TOKEN_VERBS = ['create', 'list', 'revoke'] as const;
/** What `token` is to do. */
export type TokenConfig = { dataDir: string } & (
  | { verb: 'create'; token: NewToken }
  | { verb: 'list' }
  | { verb: 'revoke'; name: string }
);

/** What `backup` and `restore` are told. */
export type BackupConfig = {
  file: string;
  dataDir: string;
  natsUrls: readonly string[];
  force: boolean;
  leaseMs: number;
};

/** @throws FlotillaError config-invalid naming every variable or flag that is wrong */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): HubConfig {
  const values = readSettings(settingsOf('run'), argv, env, ['git']);
  const dataDir = resolve(values.data!);
  const ca = values['git-ca'];
  const source = createHash('sha256').update(`${values.git}\n${values.branch}`).digest('hex').slice(0, 12);
  return {
    gitUrl: values.git!,
    branch: values.branch!,
    gitCredentialsFile: values['git-credentials'],
    gitCa: ca === undefined ? undefined : readText(ca, '--git-ca'),
    natsUrls: values.nats!,
    publicNatsUrls: values['public-nats'] ?? values.nats!,
    dataDir,
    indexDir: join(dataDir, 'index', source),
    listen: values.listen!,
    allowedHosts: values['allowed-hosts'] ?? [],
    pollMs: values.poll!,
    heartbeatMs: values.heartbeat!,
    reconnectMs: values.reconnect!,
    leaseMs: values.lease!,
    name: values.name ?? hostname(),
    acceptRewrite: values['accept-rewrite'],
    webhooks: {
      secretsDir: values['webhook-secrets'] && resolve(values['webhook-secrets']),
      allowance: values['webhook-allow'] ?? allowanceOf([]),
    },
    logLevel: values['log-level']!,
    markers: {
      file: values['test-markers'],
      stopAt: values['test-stop-at'],
      pauseAt: values['test-pause-at'],
    },
  };
}

/** @throws FlotillaError config-invalid */
export function readInit(argv: readonly string[], env: NodeJS.ProcessEnv): InitConfig {
  const values = readSettings(settingsOf('init'), argv, env, []);
  const dataDir = resolve(values.data!);
  const host = values['nats-host']!;
  const monitorPort = values['nats-monitor-port'];
  return {
    dataDir,
    natsConfigFile: join(dataDir, 'nats-server.conf'),
    storeDir: join(dataDir, 'jetstream'),
    listen: { host, port: values['nats-port']! },
    monitor: monitorPort === undefined ? undefined : { host, port: monitorPort },
  };
}

/**
 * `create NAME`, `list` or `revoke NAME`, with flags. Of variables only FLOTILLA_DATA counts here.
 * @throws FlotillaError config-invalid
 */
export function readToken(
  argv: readonly string[],
  { FLOTILLA_DATA }: NodeJS.ProcessEnv,
  now: number,
): TokenConfig {
  const at = argv.findIndex((word) => word.startsWith('-'));
  const words = at < 0 ? argv : argv.slice(0, at);
  const [verb, name, extra] = words;
  if (verb !== 'create' && verb !== 'list' && verb !== 'revoke')
    throw new FlotillaError('config-invalid', `token what? one of ${TOKEN_VERBS.join(', ')}`);
  const flags = argv.slice(words.length);
  const env = { ...(FLOTILLA_DATA && { FLOTILLA_DATA }) };
  const values = readSettings(settingsOf('token'), flags, env, []);
  const dataDir = resolve(values.data!);
  const foreign = Object.keys(values).find((flag) => flag !== 'data');
  if (verb !== 'create' && foreign !== undefined)
    throw new FlotillaError('config-invalid', `--${foreign} belongs to token create`);
  if (extra !== undefined || (verb === 'list' && name !== undefined))
    throw new FlotillaError('config-invalid', `unexpected word ${extra ?? name}`);
  if (verb === 'list') return { dataDir, verb };
  const wrong = dnsLabel.safeParse(name ?? '').error?.issues[0]?.message;
  if (name === undefined || wrong !== undefined)
    throw new FlotillaError('config-invalid', `token ${verb} NAME: ${name ?? 'nothing'} is ${wrong}`);
  if (verb === 'revoke') return { dataDir, verb, name };
  if (!values.groups)
    throw new FlotillaError('config-invalid', `token create ${name}: --groups is missing: who it stands for`);
  const { groups, emails = [], expires, permissions, clusters, placements } = values;
  const only = {
    ...(permissions && { permissions }),
    ...(clusters && { clusters }),
    ...(placements && { placements }),
  };
  const made = {
    name,
    groups,
    emails,
    ...(expires !== undefined && { expiresAt: now + expires }),
    ...(Object.keys(only).length > 0 && { only }),
  };
  return { dataDir, verb, token: made };
}

/** `FILE [--force]`, with flags. @throws FlotillaError config-invalid */
export function readBackup(argv: readonly string[], env: NodeJS.ProcessEnv): BackupConfig {
  const force = argv.includes('--force');
  const [file, ...flags] = argv.filter((word) => word !== '--force');
  if (file === undefined || file.startsWith('-'))
    throw new FlotillaError('config-invalid', 'which file? name it first, then the flags');
  const values = readSettings(settingsOf('backup'), flags, env, []);
  return {
    file: resolve(file),
    dataDir: resolve(values.data!),
    natsUrls: values.nats!,
    force,
    leaseMs: values.lease!,
  };
}

function readText(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FlotillaError(
      'config-invalid',
      `${flag}: ${path} cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}
