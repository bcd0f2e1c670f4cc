import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createNkey } from '#proto/nkey.ts';
import { type ControlPlanes, startControlPlanes } from '../bed/control-planes.ts';
import { eventually, PATIENCE_MS } from '../bed/eventually.ts';
import { assignmentsOf, driftOpen, driftTold, untilCurrent } from '../bed/fleet-state.ts';
import { ask } from '../bed/graphql.ts';
import { Line, type LineMember } from '../bed/line.ts';
import { makeScratch, type Scratch } from '../bed/scratch.ts';
import { type LineRecorder, recordLine } from '../contract/recorded-line.ts';
import { BASE_FILES, entry, kustomization, writeFiles } from './fleet.ts';

/** The whole line on two real control planes, as a person would use it: commits and kubectl in, GraphQL out. */
const signal = new AbortController().signal;
const WEB = '/apis/apps/v1/namespaces/web/deployments/web';
const SETTINGS = '/api/v1/namespaces/web/configmaps/settings';
const EXTRA = '/api/v1/namespaces/web/configmaps/extra';
const LEDGER = '/api/v1/namespaces/books/configmaps/ledger';

let scratch: Scratch;
let planes: ControlPlanes;
let line: Line;
/** With `CONTRACT_RECORD=1`: writes down what is asked of south, for the contract to replay. */
let recording: LineRecorder | undefined;
const north = createNkey('user');
const south = createNkey('user');
const clientOf = (name: string) => planes.planes.find((plane) => plane.name === name)!.client;
const member = (name: string, index: number, key = north): LineMember => ({
  name,
  key,
  kubeconfig: (name === 'south' && recording?.kubeconfig) || planes.at(index).kubeconfigPath,
});

before(async () => {
  scratch = await makeScratch('e2e');
  planes = await startControlPlanes(2, { dir: join(scratch.dir, 'planes'), names: ['north', 'south'] });
  if (process.env.CONTRACT_RECORD === '1') recording = await recordLine(planes.at(1), scratch.dir);
  const repository = join(scratch.dir, 'repository');
  writeFiles(repository, { ...BASE_FILES, 'clusters/north.yaml': entry('north', 'prod', north) });
  line = await Line.start({
    dir: join(scratch.dir, 'line'),
    repository,
    members: [member('north', 0), member('south', 1, south)],
  });
});

after(async () => {
  await line?.[Symbol.asyncDispose]();
  recording?.save();
  await planes?.stop();
  await scratch?.[Symbol.asyncDispose]();
});

/** Waits until both assignments of the cluster are Current on what is desired. */
const converged = (cluster: string, oid?: string) =>
  untilCurrent(
    `${cluster} Current${oid ? ` at ${oid.slice(0, 7)}` : ''}`,
    line.graphql,
    {
      clusters: [cluster],
      count: 2,
      also: (states) => oid === undefined || states.some(({ applied }) => applied?.revision.oid === oid),
    },
    PATIENCE_MS,
    signal,
  );

type Live = {
  metadata: { uid: string; resourceVersion: string };
  data: Record<string, string>;
  spec: { replicas: number };
  status: { readyReplicas: number };
};
const live = (cluster: string, path: string) => clientOf(cluster).expect<Live>('GET', path);
const status = async (cluster: string, path: string) => (await clientOf(cluster).send('GET', path)).status;

/** An edit as kubectl makes it. */
async function edit(cluster: string, path: string, body: object, manager = 'kubectl-edit'): Promise<void> {
  const { status: code, body: answer } = await clientOf(cluster).send(
    'PATCH',
    `${path}?fieldManager=${manager}`,
    body,
    { contentType: 'application/merge-patch+json' },
  );
  assert.equal(code, 200, JSON.stringify(answer));
}

test('what is committed becomes Current on a real cluster, with its values, and GraphQL says so', async () => {
  await converged('north');
  const settings = await live('north', SETTINGS);
  assert.deepEqual(settings.data, { greeting: 'hello from north', colour: 'blue' });
  const deployment = await live('north', WEB);
  assert.deepEqual([deployment.spec.replicas, deployment.status.readyReplicas], [2, 2]);
});

test('committing an entry onboards the cluster whose agent was waiting, with no other step', async () => {
  assert.deepEqual(await assignmentsOf(line.graphql, { clusters: ['south'] }, signal), []);
  assert.equal(await status('south', SETTINGS), 404);
  await line.clone.write('clusters/south.yaml', entry('south', 'staging', south));
  await line.clone.commit('Onboard south');
  await converged('south');
  assert.equal((await live('south', SETTINGS)).data.greeting, 'hello from south');
});

test('one commit reaches both clusters', async () => {
  await line.clone.write(
    'apps/web/settings.yaml',
    (await line.clone.read('apps/web/settings.yaml')).replace('blue', 'green'),
  );
  const oid = await line.clone.commit('Paint it green');
  await Promise.all([converged('north', oid), converged('south', oid)]);
  for (const cluster of ['north', 'south'])
    assert.equal((await live(cluster, SETTINGS)).data.colour, 'green');
});

/** Of so many tries one has to be in time: the others may be what else the machine does. */
const TRIES = 5;

test('an edit of an applied field is told with pointer, values and manager within 2 s, and corrected', async () => {
  let ms = await toldAndCorrected(5);
  for (let tries = 1; tries < TRIES && ms >= 2_000; tries++) ms = await toldAndCorrected(5 + tries);
  assert.ok(ms < 2_000, `told after ${ms.toFixed(0)} ms`);
});

/** Milliseconds from the edit until it is told. */
async function toldAndCorrected(replicas: number): Promise<number> {
  const started = performance.now();
  await edit('north', WEB, { spec: { replicas } });
  const seen = await eventually(
    'the drift event',
    async (limit) =>
      (await driftTold(line.graphql, 'north', limit)).find(
        ({ path, live }) => path === '/spec/replicas' && live === replicas,
      ),
    PATIENCE_MS,
    signal,
  );
  const told = performance.now() - started;
  assert.deepEqual(seen, {
    path: '/spec/replicas',
    kind: 'CHANGED',
    desired: 2,
    live: replicas,
    manager: 'kubectl-edit',
    resource: { kind: 'Deployment', name: 'web' },
  });
  await eventually(
    'the correction',
    async () => ((await live('north', WEB)).spec.replicas === 2 ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await eventually(
    'drift closed',
    async (limit) => ((await driftOpen(line.graphql, 'north', limit)).length === 0 ? true : undefined),
    PATIENCE_MS,
    signal,
  );
  await converged('north');
  return told;
}

test('a deleted object comes back', async () => {
  const { uid } = (await live('south', SETTINGS)).metadata;
  if (recording) await recording.remove(SETTINGS);
  else await clientOf('south').expect('DELETE', SETTINGS);
  await eventually(
    'settings again',
    async () =>
      (await status('south', SETTINGS)) === 200 && (await live('south', SETTINGS)).metadata.uid !== uid
        ? true
        : undefined,
    PATIENCE_MS,
    signal,
  );
});

test('in report mode drift is told and stays, also after a restart of the agent', async () => {
  await edit('north', LEDGER, { data: { state: 'closed' } }, 'accountant');
  const look = async (limit: AbortSignal) =>
    (await driftOpen(line.graphql, 'north', limit)).find((one) => one.path === '/data/state');
  const seen = await eventually('open drift', look, PATIENCE_MS, signal);
  assert.deepEqual([seen.desired, seen.live, seen.manager], ['open', 'closed', 'accountant']);
  const before = (await live('north', LEDGER)).metadata.resourceVersion;
  const agent = line.agents.get('north')!;
  await agent.kill9();
  await agent.start();
  await line.clone.write(
    'apps/web/settings.yaml',
    (await line.clone.read('apps/web/settings.yaml')).replace('green', 'red'),
  );
  await converged('north', await line.clone.commit('Paint it red'));
  assert.ok(await eventually('open drift again', look, PATIENCE_MS, signal));
  assert.deepEqual(
    [(await live('north', LEDGER)).data.state, (await live('north', LEDGER)).metadata.resourceVersion],
    ['closed', before],
  );
});

test('taking an object out of the overlay prunes exactly it, and git revert restores the earlier state', async () => {
  const names = async (cluster: string) => {
    const { items } = await clientOf(cluster).expect<{ items: { metadata: { name: string } }[] }>(
      'GET',
      '/api/v1/namespaces/web/configmaps',
    );
    return items.map((item) => item.metadata.name).sort();
  };
  await clientOf('north').expect('POST', '/api/v1/namespaces/web/configmaps', {
    metadata: { name: 'somebody-elses' },
  });
  const all = await names('north');
  await line.clone.write('apps/web/kustomization.yaml', kustomization('deployment.yaml', 'settings.yaml'));
  const oid = await line.clone.commit('Take extra out');
  await Promise.all([converged('north', oid), converged('south', oid)]);
  assert.deepEqual(
    await names('north'),
    all.filter((name) => name !== 'extra'),
  );
  assert.equal(await status('south', EXTRA), 404);
  const back = await line.clone.revert(oid);
  await Promise.all([converged('north', back), converged('south', back)]);
  assert.deepEqual(await names('north'), all);
  assert.equal(await status('south', EXTRA), 200);
});

test('a restart of everything writes nothing: every resourceVersion stays', async () => {
  const versions = async () => {
    const found: Record<string, string> = {};
    for (const cluster of ['north', 'south']) {
      for (const path of [WEB, SETTINGS, EXTRA, LEDGER])
        found[`${cluster}${path}`] = (await live(cluster, path)).metadata.resourceVersion;
    }
    return found;
  };
  const before = await versions();
  const processes = [line.hub, line.nats, ...line.agents.values()];
  for (const one of processes) await one.kill9();
  await line.nats.start();
  await line.hub.start();
  for (const agent of line.agents.values()) await agent.start();
  const connected = async (limit: AbortSignal) => {
    const query = '{ clusters(first: 10) { nodes { status { connectivity observedAt } } } }';
    const { clusters } = await ask<{ clusters: { nodes: { status: { connectivity: string } }[] } }>(
      line.graphql,
      query,
      {},
      limit,
    );
    return clusters.nodes.every((node) => node.status.connectivity === 'CONNECTED') ? true : undefined;
  };
  await eventually('both agents connected again', connected, PATIENCE_MS, signal);
  await Promise.all([converged('north'), converged('south')]);
  assert.deepEqual(await versions(), before);
});

test('an entry that is deleted stops the agent from writing, and prunes nothing', async () => {
  await line.clone.remove('clusters/south.yaml');
  await line.clone.commit('Let south go');
  await eventually(
    'south gone from the API',
    async (limit) =>
      (await assignmentsOf(line.graphql, { clusters: ['south'] }, limit)).length === 0 ? true : undefined,
    PATIENCE_MS,
    signal,
  );
  for (const path of [WEB, SETTINGS, EXTRA, LEDGER]) assert.equal(await status('south', path), 200);
});
