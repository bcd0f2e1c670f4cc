import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createNkey } from '#proto/nkey.ts';
import { startSim } from '#sim/server.ts';
import { BRISK_AGENT, BRISK_HUB, Line } from '#test/bed/line.ts';
import { freePort, isFree } from '#test/bed/ports.ts';
import { obtainTools } from '#tools/obtain.ts';
import { reportTo } from '#tools/report.ts';
import { entryOf, writeFleetRepo } from './fleet-repo.ts';
import { type DemoOptions, readOptions, USAGE } from './options.ts';
import type { Stage } from './stage.ts';
import { STEPS } from './tour.ts';
import { showFleet, untilAllCurrent } from './watch.ts';

const DEFAULT_PORT = 8080;
const NEWCOMER = 'dev-us-1';
const say = (text: string) => process.stdout.write(`${text}\n`);

const interrupted = new AbortController();
let interruptedAt = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait; what runs ends with this process.
    if (interrupted.signal.aborted && performance.now() - interruptedAt > 1_000) process.exit(130);
    interruptedAt = performance.now();
    interrupted.abort(new Error(`ended by ${signal}`));
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else process.exitCode = await demo(options, interrupted.signal);
} catch (error) {
  if (!interrupted.signal.aborted) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function demo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const started = performance.now();
  const port = await choosePort(options.port);
  const tools = performance.now();
  await obtainTools(['nats-server', 'kustomize'], { progress: reportTo(process.stderr) }, signal);
  if (performance.now() - tools > 1_000) say('');
  const dir = makeDirectory(options.dir);
  try {
    return await play(options, dir, port, started, signal);
  } finally {
    if (options.keep) say(`everything is kept in ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

async function play(
  options: DemoOptions,
  dir: string,
  port: number,
  started: number,
  signal: AbortSignal,
): Promise<number> {
  const repository = join(dir, 'first-commit');
  const kubeconfigs = join(dir, 'kubeconfigs');
  mkdirSync(kubeconfigs);
  const members = writeFleetRepo(repository, options.clusters);
  const newcomer = { name: NEWCOMER, key: createNkey('user') };
  writeFileSync(join(dir, `${NEWCOMER}.yaml`), entryOf(NEWCOMER, newcomer.key.publicKey));

  say(
    `starting ${options.clusters} simulated clusters, Git, NATS, the hub and ${options.clusters + 1} agents …`,
  );
  await using sim = await startSim({ clusters: [...members, newcomer].map(({ name }) => name) });
  const kubeconfigOf = (name: string) => join(kubeconfigs, `${name}.yaml`);
  for (const { name } of [...members, newcomer])
    writeFileSync(kubeconfigOf(name), sim.kubeconfig(name), { mode: 0o600 });
  const lineMembers = [...members, newcomer].map((member) => ({
    ...member,
    kubeconfig: kubeconfigOf(member.name),
  }));
  await using line = await Line.start(
    { dir, repository, members: lineMembers, port, hubFlags: BRISK_HUB, agentFlags: BRISK_AGENT },
    signal,
  );
  await untilAllCurrent(line.graphql, options.clusters, say, signal);
  say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s\n`);

  if (options.tour) {
    const stage: Stage = {
      graphql: line.graphql,
      directory: line.clone.dir,
      commit: (message) => line.clone.commit(message),
      newcomer,
      say,
      patch: (cluster, path, body, manager) =>
        request(sim, cluster, 'PATCH', `${path}?fieldManager=${manager}`, body).then(() => undefined),
      read: (cluster, path) => request(sim, cluster, 'GET', path),
    };
    return await tour(stage, signal);
  }
  introduce(line, dir, kubeconfigOf);
  await showFleet(line.graphql, process.stdout, Boolean(process.env.NO_COLOR), signal);
  say('\nending …');
  return 0;
}

/** One line per step with its latency; 1 when something did not happen. */
async function tour(stage: Stage, signal: AbortSignal): Promise<number> {
  for (const { title, play: playStep } of STEPS) {
    const started = performance.now();
    const took = () => `${(performance.now() - started).toFixed(0)} ms`;
    try {
      const result = await playStep(stage, signal);
      say(`✔ ${title}: ${result} (${took()})`);
    } catch (error) {
      signal.throwIfAborted();
      say(`✖ ${title}: ${(error as Error).message} (${took()})`);
      return 1;
    }
  }
  say('the tour is over: everything happened');
  return 0;
}

function introduce(line: Line, dir: string, kubeconfigOf: (name: string) => string): void {
  const clone = line.clone.dir;
  say(`GraphQL        ${line.graphql}   (open it in a browser: the useful questions are there as tabs)
command line   npm run -s flotilla -- status --hub ${line.hubUrl}
working clone  ${clone}
kubeconfigs    ${join(dir, 'kubeconfigs')}
logs           ${join(dir, 'logs')}
orders         export FLOTILLA_TOKEN=$(cat ${join(dir, 'hub/access/admin.token')}), or --token-file

Things to try, in another terminal:
  1. Onboard a cluster by a commit; its agent is waiting:
       cd ${clone} && cp ${join(dir, `${NEWCOMER}.yaml`)} clusters/ && git add -A && git commit -qm 'Onboard ${NEWCOMER}' && git push -q
  2. Change an application on the clusters of one label, env=prod:
       cd ${clone} && sed -i.bak 's/cpu: 500m/cpu: 750m/' apps/storefront/overlays/prod/production-sized.yaml && rm -f apps/storefront/overlays/prod/*.bak && git commit -qam 'More CPU in production' && git push -q
  3. Make drift and see it corrected (storefront), or only told (ledger):
       kubectl --kubeconfig ${kubeconfigOf('prod-eu-1')} -n storefront scale deployment storefront --replicas 9
       kubectl --kubeconfig ${kubeconfigOf('prod-eu-1')} -n ledger set image deployment/ledger ledger=nobody/knows:1
       npm run -s flotilla -- drift --hub ${line.hubUrl}
  4. Follow a change through canary, early and broad, then ship an image that does not start and see it taken back:
       cd ${clone} && sed -i.bak 's/search.results=.*/search.results=48/' apps/storefront/base/shop.properties && rm -f apps/storefront/base/*.bak && git commit -qam 'Show more results' && git push -q
       npm run -s flotilla -- get rollouts --hub ${line.hubUrl}
       cd ${clone} && sed -i.bak 's#shop/storefront#shop/broken#' apps/storefront/base/kustomization.yaml && rm -f apps/storefront/base/*.bak && git commit -qam 'Ship an image that does not start' && git push -q
Ctrl-C ends everything.
`);
}

async function request(
  sim: Awaited<ReturnType<typeof startSim>>,
  cluster: string,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(`${sim.serverUrl(cluster)}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${sim.token(cluster)}`,
      'content-type': 'application/merge-patch+json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as { message?: string };
  if (!response.ok) throw new Error(`${method} ${path} on ${cluster}: ${answer.message}`);
  return answer;
}

async function choosePort(wanted: number | undefined): Promise<number> {
  const port = wanted ?? DEFAULT_PORT;
  if (await isFree(port)) return port;
  if (wanted !== undefined)
    throw new Error(`port ${port} is taken by another process; choose another one with --port`);
  const free = await freePort();
  say(`port ${port} is taken by another process; using ${free}`);
  return free;
}

function makeDirectory(wanted: string | undefined): string {
  if (wanted === undefined) return mkdtempSync(join(tmpdir(), 'flotilla-demo-'));
  const dir = resolve(wanted);
  mkdirSync(dir, { recursive: true });
  if (readdirSync(dir).length > 0)
    throw new Error(`--dir ${dir} is not empty; name an empty or a new directory`);
  return dir;
}
