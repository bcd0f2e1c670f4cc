/** `npm run bed`: everything that the tests run against, for playing by hand. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ToolsError } from '#tools/errors.ts';
import { obtainTools } from '#tools/obtain.ts';
import { ALL_TOOLS } from '#tools/pins.ts';
import { startControlPlanes } from './control-planes.ts';
import { startGitServer } from './git-server.ts';
import { startNatsServer } from './nats-server.ts';

const HELP = `usage: npm run bed -- [--clusters N] [--dir DIR]

Starts a nats-server with JetStream, a Git server (with fleet-repo-example as repository "fleet") and N real Kubernetes
control planes with fake nodes, all on 127.0.0.1, and prints how to reach them. Ctrl-C ends and removes everything.

  --clusters N   number of control planes, 0 to 20 (default 2); each takes about 450 MB
  --dir DIR      an empty directory to run in, kept afterwards (default: a temporary one, removed)
  --help         this text
`;

const EXAMPLE = join(import.meta.dirname, '..', '..', 'fleet-repo-example');

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
process.exitCode = await main();

async function main(): Promise<number> {
  let options: { clusters: number; dir: string | undefined };
  try {
    const { values } = parseArgs({
      options: {
        clusters: { type: 'string', default: '2' },
        dir: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    options = { clusters: parseCount(values.clusters), dir: values.dir && resolve(values.dir) };
    if (options.dir !== undefined) await requireEmpty(options.dir);
  } catch (error) {
    process.stderr.write(`bed: ${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 64;
  }
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'flotilla-bed-')));
  try {
    await play(dir, options.clusters);
  } catch (error) {
    if (!interrupted.signal.aborted) {
      process.stderr.write(`bed: ${error instanceof Error ? error.message : error}\n`);
      return error instanceof ToolsError ? 69 : 1;
    }
  } finally {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  }
  process.stderr.write('\nbed: everything has ended\n');
  return 0;
}

/** Runs until it is interrupted; what was started ends in any case. */
async function play(dir: string, clusters: number): Promise<void> {
  const { signal } = interrupted;
  const started = Date.now();
  const needed =
    clusters > 0
      ? ALL_TOOLS.filter((name) => name !== 'kustomize' && name !== 'helm')
      : (['nats-server'] as const);
  await obtainTools(needed, {}, signal);
  process.stderr.write(`bed: starting in ${dir} …\n`);
  await using nats = await startNatsServer({ dir: join(dir, 'nats') }, signal);
  await using git = await startGitServer({ dir: join(dir, 'git') });
  const { url } = await git.createRepository('fleet', existsSync(EXAMPLE) ? { from: EXAMPLE } : {});
  const lines = [`NATS        ${nats.url}`, `Git         ${url}`];
  await using stack = new AsyncDisposableStack();
  if (clusters > 0) {
    const { planes } = stack.use(await startControlPlanes(clusters, { dir: join(dir, 'clusters') }, signal));
    for (const plane of planes)
      lines.push(
        `${plane.name.padEnd(11)} ${plane.server}`,
        `${' '.repeat(12)}kubectl --kubeconfig ${plane.kubeconfigPath} get nodes`,
      );
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `\n${lines.join('\n')}\n\nready after ${seconds} s; logs are in ${dir}; Ctrl-C ends it\n`,
  );
  await untilAborted(signal);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  // An abort signal does not keep the process alive; the servers' pipes do not either.
  const alive = setInterval(() => undefined, 60_000);
  const aborted = new Promise<void>((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
  return aborted.finally(() => clearInterval(alive));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0 || count > 20) {
    throw new Error(`--clusters wants a number from 0 to 20, not "${text}"`);
  }
  return count;
}

async function requireEmpty(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) throw new Error(`--dir ${dir} is not empty`);
}
