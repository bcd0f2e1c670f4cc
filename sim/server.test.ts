import assert from 'node:assert/strict';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { StatusError } from './errors.ts';
import type { JsonObject } from './json.ts';
import { objectAt, objectsAt } from './json.ts';
import type { Sim } from './server.ts';
import { startSim } from './server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

function send(sim: Sim, cluster: string, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(sim.serverUrl(cluster) + path, {
    method,
    headers: { authorization: `Bearer ${sim.token(cluster)}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function read(sim: Sim, cluster: string, path: string): Promise<JsonObject> {
  return (await (await send(sim, cluster, 'GET', path)).json()) as JsonObject;
}

/** Resolves with the object as soon as it fits; a watch tells, nothing polls. */
function until(sim: Sim, cluster: string, fits: (object: JsonObject) => boolean): Promise<JsonObject> {
  return new Promise((resolve) => {
    const stop = sim.cluster(cluster).store.subscribe(undefined, ({ object }) => {
      const whole = JSON.parse(`{"metadata":${object.metadata}${object.rest ? `,${object.rest}` : ''}}`);
      if (!fits(whole)) return;
      stop();
      resolve(whole);
    });
  });
}

const deployment = (image: string) => ({
  metadata: { name: 'web' },
  spec: {
    replicas: 4,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
  },
});

const reasonOf = (object: JsonObject, type: string) =>
  objectsAt(object, 'status', 'conditions').find((condition) => condition.type === type)?.reason;

test('clusters on one port are apart, and the token of one is nothing to another', async () => {
  await using sim = await startSim({ clusters: ['a', 'b'] });
  assert.equal((await send(sim, 'a', 'POST', CONFIG_MAPS, { metadata: { name: 'x' } })).status, 201);
  assert.equal((await send(sim, 'b', 'GET', `${CONFIG_MAPS}/x`)).status, 404);
  const crossed = await fetch(sim.serverUrl('b'), { headers: { authorization: `Bearer ${sim.token('a')}` } });
  assert.equal(crossed.status, 401);
  assert.equal((await fetch(`http://127.0.0.1:${sim.port}/clusters/none/api`)).status, 404);
});

test('the same port speaks TLS with the certificate it publishes', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request(
      `${sim.secureUrl('a')}/version`,
      { ca: sim.ca, headers: { authorization: `Bearer ${sim.token('a')}` } },
      (response) => text(response).then(resolve, reject),
    );
    sent.on('error', reject).end();
  });
  assert.match(answer, /"minor":"36"/);
  assert.ok(sim.kubeconfig('a').includes(Buffer.from(sim.ca).toString('base64')));
});

test('an unreachable cluster cuts requests and watches until it is reachable again', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  const watch = await send(sim, 'a', 'GET', `${CONFIG_MAPS}?watch=true`);
  sim.cluster('a').faults.setUnreachable(true);
  await assert.rejects(watch.text());
  await assert.rejects(send(sim, 'a', 'GET', CONFIG_MAPS));
  sim.cluster('a').faults.setUnreachable(false);
  assert.equal((await send(sim, 'a', 'GET', CONFIG_MAPS)).status, 200);
});

test('a slow cluster answers late', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  sim.cluster('a').faults.delay = 80;
  const started = performance.now();
  await send(sim, 'a', 'GET', CONFIG_MAPS);
  assert.ok(performance.now() - started >= 79);
});

test('a rule refuses the writes it is asked about, and only them, until it is taken back', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  const takeBack = sim
    .cluster('a')
    .faults.refuse(({ name }, object) =>
      name === 'no' ? new StatusError(403, 'Forbidden', object ? 'not this one' : 'nor its end') : undefined,
    );
  const create = async (name: string) =>
    (await send(sim, 'a', 'POST', CONFIG_MAPS, { metadata: { name } })).status;
  assert.equal(await create('no'), 403);
  assert.equal(await create('yes'), 201);
  takeBack();
  assert.equal(await create('no'), 201);
});

test('controllers whose writes are refused try again', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  const { store, faults } = sim.cluster('a');
  const refused = Promise.withResolvers<void>();
  const takeBack = faults.refuse(({ kind, manager }) => {
    if (kind.kind !== 'ServiceAccount' || manager !== 'kube-controller-manager') return undefined;
    refused.resolve();
    return new StatusError(500, 'InternalError', 'not now');
  });
  const created = new Promise((resolve) => {
    store.subscribe(
      undefined,
      ({ object }) => object.namespace === 'new' && object.name === 'default' && resolve(true),
    );
  });
  assert.equal(
    (await send(sim, 'a', 'POST', '/api/v1/namespaces', { metadata: { name: 'new' } })).status,
    201,
  );
  await refused.promise;
  takeBack();
  assert.ok(await created);
});

test('requests are counted by verb', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  await send(sim, 'a', 'GET', CONFIG_MAPS);
  await send(sim, 'a', 'POST', CONFIG_MAPS, { metadata: { name: 'x' } });
  await send(sim, 'a', 'GET', `${CONFIG_MAPS}/x`);
  await send(sim, 'a', 'DELETE', `${CONFIG_MAPS}/x`);
  const counted = Object.fromEntries(sim.cluster('a').requests);
  assert.deepEqual(counted, { list: 1, create: 1, get: 1, delete: 1 });
});

test('an image that says broken never gets ready; what ran before goes on', async () => {
  await using sim = await startSim({ clusters: ['a'], readyDelay: 20 });
  const ready = until(sim, 'a', (object) => reasonOf(object, 'Progressing') === 'NewReplicaSetAvailable');
  await send(sim, 'a', 'POST', DEPLOYMENTS, deployment('web:1'));
  await ready;
  const failed = until(sim, 'a', (object) => reasonOf(object, 'Progressing') === 'ProgressDeadlineExceeded');
  await send(sim, 'a', 'PUT', `${DEPLOYMENTS}/web`, deployment('web:broken'));
  const { status } = await failed;
  assert.equal((status as JsonObject).availableReplicas, 4);
  assert.equal((status as JsonObject).updatedReplicas, 1);
  const mended = until(sim, 'a', (object) => reasonOf(object, 'Progressing') === 'NewReplicaSetAvailable');
  await send(sim, 'a', 'PUT', `${DEPLOYMENTS}/web`, deployment('web:2'));
  assert.equal(objectAt(await mended, 'status')?.updatedReplicas, 4);
});

test('a cluster that forgot its history answers an old watch with 410', async () => {
  await using sim = await startSim({ clusters: ['a'] });
  const { metadata } = await read(sim, 'a', CONFIG_MAPS);
  await send(sim, 'a', 'POST', CONFIG_MAPS, { metadata: { name: 'x' } });
  sim.cluster('a').store.forget();
  const { resourceVersion } = metadata as { resourceVersion: string };
  const watch = await send(sim, 'a', 'GET', `${CONFIG_MAPS}?watch=true&resourceVersion=${resourceVersion}`);
  assert.match(await watch.text(), /"type":"ERROR".*"code":410/);
});

test('clusters come and go while the server runs', async () => {
  await using sim = await startSim();
  sim.createCluster('later');
  assert.equal((await send(sim, 'later', 'GET', '/readyz')).status, 200);
  const url = sim.serverUrl('later');
  sim.deleteCluster('later');
  assert.equal((await fetch(url)).status, 404);
  assert.throws(() => sim.cluster('later'), /no simulated cluster later/);
});
