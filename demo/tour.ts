import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '#test/bed/eventually.ts';
import { type AssignmentState, assignmentsOf, driftTold, isCurrent } from '#test/bed/fleet-state.ts';
import { ask } from '#test/bed/graphql.ts';
import { entryOf } from './fleet-repo.ts';
import { failCanary, rollThrough } from './rolling.ts';
import type { Stage, Step } from './stage.ts';

const PATIENCE_MS = 60_000;

/** What is played, in order; each step asserts what it did through GraphQL. */
export const STEPS: readonly Step[] = [
  { title: 'onboard a cluster by a commit', play: onboard },
  { title: 'change an application on the clusters of one label', play: changeByLabel },
  { title: 'see drift, who made it, and see it corrected', play: drift },
  { title: 'roll a change through the stages', play: rollThrough },
  { title: 'fail the canaries on purpose, and see the change taken back', play: failCanary },
];

async function onboard(stage: Stage, signal: AbortSignal): Promise<string> {
  const { name, key } = stage.newcomer;
  const before = await ask<{ cluster: unknown }>(
    stage.graphql,
    'query($name: String!) { cluster(name: $name) { name } }',
    { name },
    signal,
  );
  if (before.cluster) throw new Error(`cluster ${name} is there before it was committed`);
  writeFileSync(join(stage.directory, 'clusters', `${name}.yaml`), entryOf(name, key.publicKey));
  await stage.commit(`Onboard ${name}`);
  const placements = await eventually(
    `cluster ${name} Current`,
    async (limit) => {
      const states = await assignmentsOf(stage.graphql, { clusters: [name] }, limit);
      return states.length > 0 && states.every(isCurrent) ? states.length : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  return `${name} runs ${placements} placements`;
}

async function changeByLabel(stage: Stage, signal: AbortSignal): Promise<string> {
  const filter = { placements: ['storefront'] };
  const before = new Map(
    (await assignmentsOf(stage.graphql, filter, signal)).map((one) => [
      one.cluster.name,
      one.applied?.digest,
    ]),
  );
  const file = join(stage.directory, 'apps/storefront/overlays/prod/production-sized.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('cpu: 500m', 'cpu: 750m'));
  const oid = await stage.commit('Give the shop more CPU in production');
  let last: AssignmentState[] = [];
  const changed = await eventually(
    'the change on every cluster with env=prod',
    async (limit) => {
      last = await assignmentsOf(stage.graphql, filter, limit);
      const concerned = last.filter(isProduction);
      const there = concerned.every(
        (one) =>
          isCurrent(one) &&
          one.applied!.revision.oid === oid &&
          one.applied!.digest !== before.get(one.cluster.name),
      );
      return there ? concerned.length : undefined;
    },
    PATIENCE_MS,
    signal,
    () => last.map((one) => `${one.cluster.name} ${one.status.sync}`).join(', '),
  );
  const others = last.filter((one) => !isProduction(one));
  const moved = others.filter((one) => one.applied?.digest !== before.get(one.cluster.name));
  if (moved.length > 0)
    throw new Error(
      `the change reached ${moved.map((one) => one.cluster.name).join(', ')}, which is not production`,
    );
  return `${changed} production clusters run ${oid.slice(0, 7)}, ${others.length} others run what they ran`;
}

async function drift(stage: Stage, signal: AbortSignal): Promise<string> {
  const cluster = 'prod-eu-1';
  const deployment = '/apis/apps/v1/namespaces/storefront/deployments/storefront';
  const manager = 'night-shift';
  const started = performance.now();
  await stage.patch(cluster, deployment, { spec: { replicas: 9 } }, manager);
  const seen = await eventually(
    `drift of /spec/replicas by ${manager} on ${cluster}`,
    async (limit) => {
      const told = await driftTold(stage.graphql, cluster, limit);
      return told.find((one) => one.manager === manager && one.path === '/spec/replicas');
    },
    PATIENCE_MS,
    signal,
  );
  if (seen.live !== 9)
    throw new Error(`the API tells the live value ${JSON.stringify(seen.live)} instead of 9`);
  const seenAfter = performance.now() - started;
  await eventually(
    `/spec/replicas of ${cluster} back at ${JSON.stringify(seen.desired)}`,
    async (limit) => {
      const live = (await stage.read(cluster, deployment)) as { spec: { replicas: number } };
      const states = await assignmentsOf(
        stage.graphql,
        { clusters: [cluster], placements: ['storefront'] },
        limit,
      );
      return live.spec.replicas === seen.desired && states.every((one) => one.status.drift === 'NONE')
        ? true
        : undefined;
    },
    PATIENCE_MS,
    signal,
  );
  return `/spec/replicas ${JSON.stringify(seen.desired)} → 9 by ${manager}, told after ${seenAfter.toFixed(0)} ms, corrected`;
}

const isProduction = (one: AssignmentState) =>
  one.cluster.labels.some(({ key, value }) => key === 'env' && value === 'prod');
