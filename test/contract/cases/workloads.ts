import assert from 'node:assert/strict';
import type { Loose } from '../api.ts';
import { MERGE_PATCH } from '../api.ts';
import type { Case } from '../case.ts';
import { law, until } from '../case.ts';
import { deployment } from '../objects.ts';
import { owners } from '../ownership.ts';

const condition = (object: Loose, type: string) => {
  const found = object.status?.conditions?.find((c: Loose) => c.type === type);
  return found && [found.status, found.reason];
};

/** What controllers make of workloads, as far as health is read from it. */
export const WORKLOADS: readonly Case[] = [
  law('a Deployment becomes available, and a new revision of it too', async ({ api, path, signal }) => {
    const at = path('apps/v1', 'deployments', 'web');
    const read = async () => (await api.get(at)).body;
    const isDone = (object: Loose) =>
      object.status?.observedGeneration === object.metadata.generation &&
      object.status.updatedReplicas === object.spec.replicas &&
      object.status.replicas === object.spec.replicas &&
      object.status.availableReplicas === object.spec.replicas &&
      condition(object, 'Progressing')?.[1] === 'NewReplicaSetAvailable';
    await api.apply(
      at,
      'ours',
      deployment('web', (spec) => {
        spec.replicas = 2;
      }),
    );
    const ready = await until('the rollout', read, isDone, signal);
    assert.equal(ready.status.readyReplicas, 2);
    assert.equal(ready.status.unavailableReplicas, undefined);
    assert.deepEqual(condition(ready, 'Available'), ['True', 'MinimumReplicasAvailable']);
    assert.deepEqual(condition(ready, 'Progressing'), ['True', 'NewReplicaSetAvailable']);
    assert.equal(ready.metadata.annotations['deployment.kubernetes.io/revision'], '1');
    const status = owners(ready, []).find((line) => line.includes('kube-controller-manager'));
    assert.match(status ?? '', /^kube-controller-manager Update\/status apps\/v1: metadata.annotations /);

    await api.patch(at, MERGE_PATCH, { spec: { template: { metadata: { annotations: { v: '2' } } } } });
    const rolled = await until('the second rollout', read, isDone, signal);
    assert.equal(rolled.metadata.annotations['deployment.kubernetes.io/revision'], '2');
    assert.ok(rolled.metadata.generation > ready.metadata.generation);
  }),
  law('a Deployment of no replicas is available at once', async ({ api, path, signal }) => {
    const at = path('apps/v1', 'deployments', 'none');
    await api.apply(
      at,
      'ours',
      deployment('none', (spec) => {
        spec.replicas = 0;
      }),
    );
    const seen = await until(
      'the controller',
      async () => (await api.get(at)).body,
      (object) => condition(object, 'Progressing')?.[1] === 'NewReplicaSetAvailable',
      signal,
    );
    assert.equal(seen.status.replicas, undefined);
    assert.deepEqual(condition(seen, 'Available'), ['True', 'MinimumReplicasAvailable']);
  }),
  law('a Job completes', async ({ api, path, signal }) => {
    const at = path('batch/v1', 'jobs', 'once');
    await api.post(path('batch/v1', 'jobs'), {
      metadata: { name: 'once' },
      spec: {
        template: {
          spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.example/j:1' }] },
        },
      },
    });
    const done = await until(
      'the job',
      async () => (await api.get(at)).body,
      (object) => condition(object, 'Complete') !== undefined,
      signal,
    );
    assert.deepEqual(condition(done, 'Complete'), ['True', 'CompletionsReached']);
    assert.equal(done.status.succeeded, 1);
    assert.ok(done.status.completionTime);
  }),
  law('a StatefulSet becomes ready, at one revision', async ({ api, path, signal }) => {
    const at = path('apps/v1', 'statefulsets', 'db');
    const { selector, template } = deployment('db').spec;
    const spec = { replicas: 2, serviceName: 'db', podManagementPolicy: 'Parallel', selector, template };
    await api.post(path('apps/v1', 'statefulsets'), { metadata: { name: 'db' }, spec });
    const isReady = ({ status }: Loose) =>
      status?.readyReplicas === 2 && status.updatedReplicas === 2 && status.availableReplicas === 2;
    const { metadata, status } = await until('it', async () => (await api.get(at)).body, isReady, signal);
    assert.deepEqual(
      [status.observedGeneration, status.replicas, status.currentReplicas],
      [metadata.generation, 2, 2],
    );
    assert.equal(status.currentRevision, status.updateRevision);
  }),
  law('a DaemonSet becomes ready on every node', async ({ api, path, signal }) => {
    const at = path('apps/v1', 'daemonsets', 'agent');
    const { selector, template } = deployment('agent').spec;
    await api.post(path('apps/v1', 'daemonsets'), {
      metadata: { name: 'agent' },
      spec: { selector, template },
    });
    const isReady = ({ status }: Loose) =>
      status.desiredNumberScheduled > 0 && status.numberAvailable === status.desiredNumberScheduled;
    const { metadata, status } = await until('it', async () => (await api.get(at)).body, isReady, signal);
    const { desiredNumberScheduled: wanted } = status;
    assert.deepEqual(
      [
        status.observedGeneration,
        status.numberReady,
        status.updatedNumberScheduled,
        status.numberMisscheduled,
      ],
      [metadata.generation, wanted, wanted, 0],
    );
    assert.equal(status.currentNumberScheduled, wanted);
  }),
  law('a Pod runs and is ready', async ({ api, path, signal }) => {
    const at = path('v1', 'pods', 'one');
    const { containers } = deployment('one').spec.template.spec;
    await api.post(path('v1', 'pods'), { metadata: { name: 'one' }, spec: { containers } });
    const isReady = (pod: Loose) => condition(pod, 'Ready')?.[0] === 'True';
    const { status } = await until('it', async () => (await api.get(at)).body, isReady, signal);
    assert.equal(status.phase, 'Running');
    assert.deepEqual(
      status.containerStatuses.map((c: Loose) => [c.name, c.ready, Object.keys(c.state)]),
      [['web', true, ['running']]],
    );
  }),
];
