import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startControlPlanes } from './control-planes.ts';
import { eventually, PATIENCE_MS } from './eventually.ts';
import { KubeClient } from './kube-client.ts';
import { assertNoSurvivors, survivorsOf } from './leaks.ts';
import { makeScratch } from './scratch.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

const deployment = {
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'example.com/web:1' }] },
    },
  },
};

test('two control planes share an etcd and nothing else, and run Deployments to readiness', async ({
  signal,
}) => {
  await using scratch = await makeScratch('planes');
  await using planes = await startControlPlanes(2, { dir: scratch.dir });
  const [one, two] = [planes.at(0), planes.at(1)];
  await one.client.expect('POST', DEPLOYMENTS, deployment);
  const ready = async () => {
    const live = await one.client.expect<{ status?: { readyReplicas?: number } }>(
      'GET',
      `${DEPLOYMENTS}/web`,
    );
    return live.status?.readyReplicas === 3 || undefined;
  };
  await eventually('a Deployment with three ready replicas', ready, PATIENCE_MS, signal);
  assert.equal((await two.client.send('GET', `${DEPLOYMENTS}/web`)).status, 404);

  // An identity with a role sees what the role allows, by RBAC and not by default.
  const viewer = await one.createServiceAccount('viewer', { clusterRole: 'view' });
  using seen = new KubeClient({ server: one.server, ca: one.ca, token: viewer.token });
  assert.equal((await seen.send('GET', `${DEPLOYMENTS}/web`)).status, 200);
  assert.equal((await seen.send('DELETE', `${DEPLOYMENTS}/web`)).status, 403);
  const kubeconfig = JSON.parse(await readFile(viewer.kubeconfigPath, 'utf8'));
  assert.equal(kubeconfig.clusters[0].cluster.server, one.server);
  assert.equal(kubeconfig.clusters[0].cluster['certificate-authority-data'], one.caData);

  // An API server that was killed comes back on its port with its certificate, its tokens and its objects.
  await one.apiServer.kill9();
  await assert.rejects(one.client.send('GET', '/readyz'));
  await one.apiServer.start();
  assert.equal((await seen.send('GET', `${DEPLOYMENTS}/web`)).status, 200);

  // Deletion is seen through by the garbage collector: the pods of the Deployment go too.
  await one.client.expect('DELETE', `${DEPLOYMENTS}/web`);
  const collected = async () => {
    const pods = await one.client.expect<{ items: unknown[] }>('GET', '/api/v1/namespaces/default/pods');
    return pods.items.length === 0 || undefined;
  };
  await eventually('the end of all pods', collected, PATIENCE_MS, signal);
});

test('a control plane whose owner is killed with -9 leaves no process', async () => {
  await using scratch = await makeScratch('planes');
  const code = `
    import { startControlPlanes } from ${JSON.stringify(join(import.meta.dirname, 'control-planes.ts'))};
    await startControlPlanes(1, { dir: ${JSON.stringify(scratch.dir)} });
    console.log('up');
    setTimeout(() => {}, 600_000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(owner.stdout, 'data');
  assert.ok((await survivorsOf(scratch.dir)).length >= 5);
  owner.kill('SIGKILL');
  await assertNoSurvivors(scratch.dir);
});
