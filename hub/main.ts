import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { pino } from 'pino';
import { fileCredentials } from '#git/credentials.ts';
import { createMark } from '#process/markers.ts';
import { FlotillaError } from '#proto/faults.ts';
import { carryOut } from './access/token-command.ts';
import { Tokens } from './access/tokens.ts';
import { startApi } from './api/server.ts';
import type { Counts } from './backup/archive.ts';
import { backUp } from './backup/backup.ts';
import { restore } from './backup/restore.ts';
import { serverConfig } from './bus/server-config.ts';
import { initTrust, loadTrust, serverTokens } from './bus/trust.ts';
import { type HubConfig, readBackup, readConfig, readInit, readToken } from './config.ts';
import { DEFAULT_PATIENCE } from './core/view/connectivity.ts';
import { ReadModel } from './core/view.ts';
import { Hub } from './hub.ts';
import { usage } from './options.ts';
import { keysIn } from './webhooks/secrets.ts';

/** Wires the hub and nothing else. Data goes to stdout, everything else to stderr. */
const EXIT = { no: 1, internal: 70, unavailable: 69, config: 78, usage: 64, interrupted: 130 } as const;
/** How long connections may take to end. */
const GRACE_MS = 5_000;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const [first = 'run', ...rest] = argv;
  if (argv.includes('--help') || argv.includes('-h') || first === 'help') {
    process.stdout.write(usage());
    return 0;
  }
  try {
    if (first === 'init') return init(rest);
    if (first === 'token') return token(rest);
    if (first === 'backup') return await backup(rest);
    if (first === 'restore') return await putBack(rest);
    if (first === 'run') return await run(readConfig(rest, process.env));
    if (first.startsWith('-')) return await run(readConfig(argv, process.env));
    process.stderr.write(`flotilla-hub: unknown command ${first}\n\n${usage()}`);
    return EXIT.usage;
  } catch (error) {
    if ((error as { name?: unknown }).name === 'AbortError') return EXIT.interrupted;
    if (!(error instanceof FlotillaError)) throw error;
    process.stderr.write(`flotilla-hub: ${error.code}: ${error.message}\n`);
    return error.code === 'config-invalid' ? EXIT.config : EXIT.unavailable;
  }
}

function init(argv: readonly string[]): number {
  const { dataDir, natsConfigFile, storeDir, listen, monitor } = readInit(argv, process.env);
  const { trust, created } = initTrust(dataDir, Date.now());
  const config = serverConfig(serverTokens(trust), { listen, storeDir, ...(monitor && { monitor }) });
  try {
    writeFileSync(natsConfigFile, config);
  } catch (cause) {
    const message = `${natsConfigFile} cannot be written: ${(cause as Error).message}`;
    throw new FlotillaError('config-invalid', message, { cause });
  }
  const keys = created ? 'made new keys in' : 'kept the keys in';
  process.stderr.write(`${keys} ${dataDir}/keys\nwrote ${natsConfigFile}: start nats-server -c with it\n`);
  const tokens = new Tokens(dataDir);
  if (tokens.createAdmin(Date.now()))
    process.stderr.write(`made a token that may everything: ${tokens.adminFile} (flotilla --token-file)\n`);
  process.stderr.write('the public key of this hub, for agents (--hub-keys) and flotilla.yaml:\n');
  process.stdout.write(`${trust.hub.publicKey}\n`);
  return 0;
}

function token(argv: readonly string[]): number {
  const now = Date.now();
  const { out, talk, found } = carryOut(readToken(argv, process.env, now), now);
  process.stdout.write(out);
  process.stderr.write(talk);
  return found ? 0 : EXIT.no;
}

async function backup(argv: readonly string[]): Promise<number> {
  const { file: target, dataDir, natsUrls, force } = readBackup(argv, process.env);
  const options = { target, dataDir, natsUrls, force, version: readVersion(), now: Date.now() };
  const { file, counts } = await backUp(options, interrupted());
  talk(`wrote ${file}: ${inWords(counts)}`);
  talk('it holds the keys of this hub: keep it as secret as they are');
  return 0;
}

async function putBack(argv: readonly string[]): Promise<number> {
  const { header, counts } = await restore(
    { ...readBackup(argv, process.env), now: Date.now, talk },
    interrupted(),
  );
  talk(`restored the backup of ${header.at}: ${inWords(counts)}`);
  talk('start the hub; nothing moves before `flotilla hub resume`');
  return 0;
}

// Functions, not constants: `main` is called above them.
function talk(line: string): void {
  process.stderr.write(`${line}\n`);
}
function inWords({ file, state, message }: Counts): string {
  return `${file} secret files, ${state} entries of state, ${message} messages`;
}

function interrupted(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}

async function run(config: HubConfig): Promise<number> {
  // V8 by itself keeps the garbage of every large commit for long: twice the memory of a hub of 10,000 clusters (docs/performance.md).
  setFlagsFromString('--optimize-for-size');
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
  const trust = loadTrust(config.dataDir);
  const tokens = new Tokens(config.dataDir);
  const version = readVersion();
  const view = new ReadModel({
    startedAt: Date.now(),
    patience: { ...DEFAULT_PATIENCE, heartbeatMs: config.heartbeatMs },
  });
  const hub = new Hub({
    trust,
    view,
    log,
    follower: {
      remote: {
        url: config.gitUrl,
        ...(config.gitCredentialsFile !== undefined && {
          credentials: fileCredentials(config.gitCredentialsFile),
        }),
        ...(config.gitCa !== undefined && { ca: config.gitCa }),
      },
      branch: config.branch,
      directory: config.indexDir,
      pollMs: config.pollMs,
      acceptRewrite: config.acceptRewrite,
    },
    nats: {
      servers: config.natsUrls,
      publicUrls: config.publicNatsUrls,
      reconnectMs: config.reconnectMs,
    },
    heartbeatMs: config.heartbeatMs,
    lease: { name: config.name, durationMs: config.leaseMs },
    webhooks: { allowance: config.webhooks.allowance, readKey: keysIn(config.webhooks.secretsDir) },
    countsOf: (placement, cluster, attempt) => view.countsOf(placement, cluster, attempt),
    marker: createMark(config.markers),
  });
  const api = await startApi({
    view,
    audit: hub.audit,
    bootstrap: (publicKey) => hub.bootstrap(publicKey),
    version,
    operations: hub,
    authenticate: (given) => tokens.whose(given, Date.now()),
    log: log.child({ part: 'api' }),
    listen: config.listen,
    allowedHosts: config.allowedHosts,
  });
  log.info({ version, url: api.url, key: trust.hub.publicKey }, 'hub started');

  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info({ signal: name }, 'ending');
      stop.abort();
      setTimeout(() => process.exit(EXIT.internal), GRACE_MS).unref();
    });
  }
  try {
    await hub.run(stop.signal);
    return 0;
  } catch (error) {
    log.fatal({ err: error }, 'something that should not happen did; ending');
    stop.abort();
    return EXIT.internal;
  } finally {
    await api.stop();
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
