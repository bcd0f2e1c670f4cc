import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNkey } from '#proto/nkey.ts';
import { startSim } from '#sim/server.ts';
import { startControlPlanes } from '#test/bed/control-planes.ts';
import { eventually } from '#test/bed/eventually.ts';
import { driftTold, untilCurrent } from '#test/bed/fleet-state.ts';
import { Line } from '#test/bed/line.ts';
import { makeScratch } from '#test/bed/scratch.ts';
import { writeFleetRepo } from '../demo/fleet-repo.ts';
import { BASE_FILES, entry, kustomization, writeFiles } from '../test/e2e/fleet.ts';
import { type Benchmark, quantile, type Row } from './benchmark.ts';

const COMMITS = 20;
const DRIFTS = 20;
const OBJECTS = 50;

/** The whole line: commit → six clusters Current (simulated API servers), drift on a real one, memory of hub and agent. */
const line: Benchmark = async (say, signal) => [
  ...(await convergence(say, signal)),
  ...(await driftAndMemory(say, signal)),
];
export default line;

async function convergence(say: (text: string) => void, signal: AbortSignal): Promise<Row[]> {
  await using scratch = await makeScratch('bench-line');
  const repository = join(scratch.dir, 'repository');
  const members = writeFleetRepo(repository, 6);
  await using sim = await startSim({ clusters: members.map(({ name }) => name) });
  const lineMembers = members.map((member) => {
    const kubeconfig = join(scratch.dir, `${member.name}.kubeconfig`);
    writeFileSync(kubeconfig, sim.kubeconfig(member.name), { mode: 0o600 });
    return { ...member, kubeconfig };
  });
  say('six simulated clusters: waiting until all are Current …');
  await using fleet = await Line.start(
    { dir: join(scratch.dir, 'line'), repository, members: lineMembers },
    signal,
  );
  await allCurrent(fleet, 'storefront', 6, undefined, signal);
  const times: number[] = [];
  for (let turn = 1; turn <= COMMITS; turn++) {
    await fleet.clone.write(
      'apps/storefront/base/shop.properties',
      `turn=${turn}\nshop.currency=\${currency}\n`,
    );
    const oid = await fleet.clone.commit(`Turn ${turn}`);
    const pushed = performance.now();
    await allCurrent(fleet, 'storefront', 6, oid, signal);
    times.push(performance.now() - pushed);
    say(`commit ${turn} of ${COMMITS}: all six Current after ${times.at(-1)!.toFixed(0)} ms`);
  }
  return [
    {
      key: 'converge_p50_ms',
      what: `commit → six clusters Current, p50 of ${COMMITS}`,
      value: quantile(times, 0.5),
      unit: 'ms',
    },
    {
      key: 'converge_p99_ms',
      what: `commit → six clusters Current, p99 of ${COMMITS}`,
      value: quantile(times, 0.99),
      unit: 'ms',
    },
    { key: 'hub_rss_mb', what: 'hub RSS after that', value: rssMb(fleet.hub.pid!), unit: 'MB' },
  ];
}

async function driftAndMemory(say: (text: string) => void, signal: AbortSignal): Promise<Row[]> {
  await using scratch = await makeScratch('bench-drift');
  say('one real control plane …');
  await using planes = await startControlPlanes(1, { dir: join(scratch.dir, 'planes') }, signal);
  const plane = planes.at(0);
  const key = createNkey('user');
  const repository = join(scratch.dir, 'repository');
  const settings = Array.from({ length: OBJECTS - 5 }, (_, index) => `settings-${index}`);
  writeFiles(repository, {
    ...BASE_FILES,
    ...Object.fromEntries(
      settings.map((name) => [
        `apps/web/${name}.yaml`,
        `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { a: b }\n`,
      ]),
    ),
    'apps/web/kustomization.yaml': kustomization(
      'deployment.yaml',
      'settings.yaml',
      ...settings.map((name) => `${name}.yaml`),
    ),
    'clusters/real.yaml': entry('real', 'prod', key),
  });
  const members = [{ name: 'real', key, kubeconfig: plane.kubeconfigPath }];
  await using fleet = await Line.start({ dir: join(scratch.dir, 'line'), repository, members }, signal);
  await allCurrent(fleet, 'web', 1, undefined, signal);
  const times: number[] = [];
  for (let turn = 1; turn <= DRIFTS; turn++) {
    const manager = `hand-${turn}`;
    // Another object each time: the same field again and again is a fight, which is left alone.
    const path = `/api/v1/namespaces/web/configmaps/settings-${turn}`;
    const started = performance.now();
    await plane.client.send(
      'PATCH',
      `${path}?fieldManager=${manager}`,
      { data: { a: manager } },
      { contentType: 'application/merge-patch+json' },
    );
    await driftToldBy(fleet, manager, signal);
    times.push(performance.now() - started);
    say(`drift ${turn} of ${DRIFTS}: in GraphQL after ${times.at(-1)!.toFixed(0)} ms`);
    await eventually(
      'the correction',
      async () =>
        (await plane.client.expect<{ data: { a: string } }>('GET', path)).data.a === 'b' ? true : undefined,
      60_000,
      signal,
    );
  }
  return [
    {
      key: 'drift_p50_ms',
      what: `edit on a real API server → drift in GraphQL, p50 of ${DRIFTS}`,
      value: quantile(times, 0.5),
      unit: 'ms',
    },
    {
      key: 'drift_p99_ms',
      what: `edit on a real API server → drift in GraphQL, p99 of ${DRIFTS}`,
      value: quantile(times, 0.99),
      unit: 'ms',
    },
    {
      key: 'agent_rss_mb',
      what: `agent RSS with ${OBJECTS} objects, from sources`,
      value: rssMb(fleet.agents.get('real')!.pid!),
      unit: 'MB',
    },
  ];
}

const allCurrent = (
  fleet: Line,
  placement: string,
  count: number,
  oid: string | undefined,
  signal: AbortSignal,
) =>
  untilCurrent(
    `${count} clusters Current`,
    fleet.graphql,
    {
      placements: [placement],
      count,
      also: (states) => oid === undefined || states.every(({ applied }) => applied?.revision.oid === oid),
    },
    120_000,
    signal,
  );

const driftToldBy = (fleet: Line, manager: string, signal: AbortSignal) =>
  eventually(
    `drift by ${manager} in GraphQL`,
    async (limit) =>
      (await driftTold(fleet.graphql, 'real', limit)).find((drift) => drift.manager === manager),
    60_000,
    signal,
  );

/** Resident memory of a process, MB of 10⁶ bytes. */
function rssMb(pid: number): number {
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return (Number(stdout.trim()) * 1024) / 1e6;
}
