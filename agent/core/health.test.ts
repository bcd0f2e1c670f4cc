import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canAil, computeHealth, isToldWhole } from './health.ts';
import type { HealthOptions } from './health-words.ts';
import type { KubeObject } from './object.ts';
import { explainByEvents, explainByPods, podSelector, tellsByEvents } from './pods.ts';

type Case = [name: string, object: Partial<KubeObject>, expected: string, options?: HealthOptions];
const condition = (type: string, status: string, reason = '', message = '') => ({
  type,
  status,
  reason,
  message,
});
const of = (apiVersion: string, kind: string, spec: object, status: object, metadata = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', namespace: 'n', generation: 2, ...metadata },
  spec,
  status,
});
const deployment = (status: object) =>
  of('apps/v1', 'Deployment', { replicas: 3 }, { observedGeneration: 2, ...status });
const up = { replicas: 3, updatedReplicas: 3, availableReplicas: 3, readyReplicas: 3 };
const statefulSet = (spec: object, status: object) =>
  of('apps/v1', 'StatefulSet', { replicas: 3, ...spec }, { observedGeneration: 2, ...status });
const job = (conditions: object[], spec = {}) =>
  of('batch/v1', 'Job', { completions: 2, ...spec }, { conditions, succeeded: 1 });
const pod = (status: object) => of('v1', 'Pod', {}, status);
const waiting = (reason: string, message = '') => ({ name: 'app', state: { waiting: { reason, message } } });
const custom = (status: object, metadata = {}) => of('example.com/v1', 'Widget', {}, status, metadata);

const gateway = (conditions: object[]) => of('gateway.networking.k8s.io/v1', 'Gateway', {}, { conditions });
const NOW = Date.parse('2026-01-01T01:00:00Z');
const since = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

const CASES: Case[] = [
  [
    'deleted',
    { ...deployment(up), metadata: { name: 'x', deletionTimestamp: 'now', finalizers: ['f'] } },
    'TERMINATING being deleted, held by finalizers f',
  ],
  ['Deployment up', deployment(up), 'CURRENT'],
  [
    'Deployment never seen',
    of('apps/v1', 'Deployment', {}, {}),
    'IN_PROGRESS the controller has not seen it yet',
  ],
  [
    'Deployment of an older generation',
    deployment({ ...up, observedGeneration: 1 }),
    'IN_PROGRESS the controller has seen generation 1 of 2',
  ],
  ['Deployment updating', deployment({ ...up, updatedReplicas: 1 }), 'IN_PROGRESS 1 of 3 replicas updated'],
  ['Deployment with old pods', deployment({ ...up, replicas: 4 }), 'IN_PROGRESS 1 old replicas still run'],
  [
    'Deployment without zeros',
    deployment({ replicas: 3, updatedReplicas: 3 }),
    'IN_PROGRESS 0 of 3 replicas available',
  ],
  [
    'Deployment over quota',
    deployment({ conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', 'exceeded quota')] }),
    'FAILED FailedCreate: exceeded quota',
  ],
  [
    'Deployment past its deadline',
    deployment({
      ...up,
      conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'late')],
    }),
    'FAILED ProgressDeadlineExceeded: late',
  ],
  ['StatefulSet up', statefulSet({}, { ...up, currentRevision: 'a', updateRevision: 'a' }), 'CURRENT'],
  [
    'StatefulSet rolling',
    statefulSet({}, { ...up, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' }),
    'IN_PROGRESS 1 of 3 replicas updated',
  ],
  [
    'StatefulSet OnDelete',
    statefulSet(
      { updateStrategy: { type: 'OnDelete' } },
      { ...up, currentRevision: 'a', updateRevision: 'b' },
    ),
    'CURRENT',
  ],
  [
    'StatefulSet above its partition',
    statefulSet(
      { updateStrategy: { rollingUpdate: { partition: 2 } } },
      { ...up, updatedReplicas: 1, currentRevision: 'a', updateRevision: 'b' },
    ),
    'CURRENT',
  ],
  [
    'DaemonSet of no node',
    of('apps/v1', 'DaemonSet', {}, { observedGeneration: 2, desiredNumberScheduled: 0 }),
    'CURRENT',
  ],
  [
    'DaemonSet coming',
    of(
      'apps/v1',
      'DaemonSet',
      {},
      { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 },
    ),
    'IN_PROGRESS 1 of 2 pods available',
  ],
  ['Job running', job([]), 'IN_PROGRESS 1 of 2 completions'],
  ['Job complete', job([condition('Complete', 'True')]), 'CURRENT'],
  ['Job failed', job([condition('Failed', 'True', 'BackoffLimitExceeded')]), 'FAILED BackoffLimitExceeded'],
  ['Job that has not failed', job([condition('Failed', 'False')]), 'IN_PROGRESS 1 of 2 completions'],
  [
    'Job about to fail',
    job([condition('FailureTarget', 'True', 'PodFailurePolicy')]),
    'FAILED PodFailurePolicy',
  ],
  ['Job resumed', job([condition('Suspended', 'False')]), 'IN_PROGRESS 1 of 2 completions'],
  ['Job suspended', job([condition('Suspended', 'True')], { suspend: true }), 'CURRENT suspended'],
  ['CronJob before its first run', of('batch/v1', 'CronJob', {}, {}), 'CURRENT'],
  [
    'CronJob whose last run failed',
    of(
      'batch/v1',
      'CronJob',
      {},
      { lastScheduleTime: '2026-01-02T00:00:00Z', lastSuccessfulTime: '2026-01-01T00:00:00Z' },
    ),
    'FAILED the run scheduled at 2026-01-02T00:00:00Z did not succeed',
  ],
  [
    'CronJob running',
    of('batch/v1', 'CronJob', {}, { lastScheduleTime: '2026-01-02T00:00:00Z', active: [{}] }),
    'CURRENT',
  ],
  ['Pod running and ready', pod({ phase: 'Running', conditions: [condition('Ready', 'True')] }), 'CURRENT'],
  ['Pod that succeeded', pod({ phase: 'Succeeded' }), 'CURRENT'],
  ['Pod that failed', pod({ phase: 'Failed', message: 'evicted' }), 'FAILED evicted'],
  [
    'Pod in a crash loop',
    pod({
      phase: 'Running',
      containerStatuses: [
        { ...waiting('CrashLoopBackOff'), lastState: { terminated: { exitCode: 3, reason: 'Error' } } },
      ],
    }),
    'FAILED container app: CrashLoopBackOff: exit code 3 (Error)',
  ],
  [
    'Pod whose init container cannot be pulled',
    pod({ phase: 'Pending', initContainerStatuses: [waiting('ImagePullBackOff', 'no such image')] }),
    'FAILED container app: ImagePullBackOff: no such image',
  ],
  [
    'Pod without a node',
    pod({ phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable', '0/1 nodes')] }),
    'IN_PROGRESS Unschedulable: 0/1 nodes',
  ],
  ['Service without address', of('v1', 'Service', { type: 'LoadBalancer' }, {}), 'CURRENT'],
  [
    'Service that must have one',
    of('v1', 'Service', { type: 'LoadBalancer' }, {}),
    'IN_PROGRESS no load balancer address yet',
    { requireAddress: true },
  ],
  [
    'Service of another type',
    of('v1', 'Service', { type: 'ClusterIP' }, {}),
    'CURRENT',
    { requireAddress: true },
  ],
  ['Ingress without address', of('networking.k8s.io/v1', 'Ingress', {}, {}), 'CURRENT'],
  [
    'Ingress that has one',
    of('networking.k8s.io/v1', 'Ingress', {}, { loadBalancer: { ingress: [{}] } }),
    'CURRENT',
    { requireAddress: true },
  ],
  ['claim bound', of('v1', 'PersistentVolumeClaim', {}, { phase: 'Bound' }), 'CURRENT'],
  ['claim pending', of('v1', 'PersistentVolumeClaim', {}, { phase: 'Pending' }), 'IN_PROGRESS not bound yet'],
  [
    'claim that waits for a pod',
    of('v1', 'PersistentVolumeClaim', {}, { phase: 'Pending' }),
    'CURRENT waits for its first consumer',
    { bindingMode: 'WaitForFirstConsumer' },
  ],
  [
    'claim lost',
    of('v1', 'PersistentVolumeClaim', {}, { phase: 'Lost' }),
    'FAILED the volume behind the claim is lost',
  ],
  [
    'HPA without metrics',
    of(
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {},
      {
        conditions: [
          condition('AbleToScale', 'True'),
          condition('ScalingActive', 'False', 'FailedGetResourceMetric'),
        ],
      },
    ),
    'CURRENT FailedGetResourceMetric',
  ],
  [
    'HPA without target',
    of(
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      {},
      { conditions: [condition('AbleToScale', 'False', 'FailedGetScale')] },
    ),
    'FAILED FailedGetScale',
  ],
  [
    'PDB short of pods',
    of(
      'policy/v1',
      'PodDisruptionBudget',
      {},
      { observedGeneration: 2, conditions: [condition('DisruptionAllowed', 'False', 'InsufficientPods')] },
    ),
    'CURRENT',
  ],
  [
    'PDB that cannot be computed',
    of(
      'policy/v1',
      'PodDisruptionBudget',
      {},
      { observedGeneration: 2, conditions: [condition('DisruptionAllowed', 'False', 'SyncFailed')] },
    ),
    'FAILED SyncFailed',
  ],
  [
    'CRD established',
    of(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { conditions: [condition('NamesAccepted', 'True'), condition('Established', 'True')] },
    ),
    'CURRENT',
  ],
  [
    'CRD installing',
    of(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { conditions: [condition('Established', 'False', 'Installing')] },
    ),
    'IN_PROGRESS not established yet',
  ],
  [
    'CRD with taken names',
    of(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { conditions: [condition('NamesAccepted', 'False', 'ListKindConflict')] },
    ),
    'FAILED ListKindConflict',
  ],
  [
    'APIService not there',
    of(
      'apiregistration.k8s.io/v1',
      'APIService',
      {},
      { conditions: [condition('Available', 'False', 'MissingEndpoints')] },
    ),
    'IN_PROGRESS MissingEndpoints',
  ],
  ['Namespace', of('v1', 'Namespace', {}, { phase: 'Active' }), 'CURRENT'],
  ['ConfigMap', of('v1', 'ConfigMap', {}, {}), 'CURRENT'],
  ['custom, ready', custom({ conditions: [condition('Ready', 'True')] }), 'CURRENT'],
  [
    'custom, not ready',
    custom({ conditions: [condition('Ready', 'False', 'NoLuck', 'today')] }),
    'IN_PROGRESS NoLuck: today',
  ],
  [
    'custom, not ready for less than the grace',
    custom({ conditions: [{ ...condition('Ready', 'False', 'NoLuck'), lastTransitionTime: since(119) }] }),
    'IN_PROGRESS NoLuck',
    { now: NOW },
  ],
  [
    'custom, not ready for longer than the grace',
    custom({ conditions: [{ ...condition('Ready', 'False', 'NoLuck'), lastTransitionTime: since(120) }] }),
    'FAILED NoLuck',
    { now: NOW },
  ],
  [
    'custom, of which nobody knows for however long',
    custom({ conditions: [{ ...condition('Ready', 'Unknown', 'Asking'), lastTransitionTime: since(999) }] }),
    'IN_PROGRESS Asking',
    { now: NOW },
  ],
  [
    'Certificate that is being issued',
    of(
      'cert-manager.io/v1',
      'Certificate',
      {},
      {
        conditions: [condition('Ready', 'True'), condition('Issuing', 'True', 'Renewing')],
      },
    ),
    'IN_PROGRESS Renewing',
  ],
  ['Gateway not programmed', gateway([condition('Accepted', 'True')]), 'IN_PROGRESS not programmed yet'],
  ['Gateway up', gateway([condition('Accepted', 'True'), condition('Programmed', 'True')]), 'CURRENT'],
  [
    'Gateway with a bad reference',
    gateway([condition('ResolvedRefs', 'False', 'InvalidCertificateRef'), condition('Programmed', 'True')]),
    'FAILED InvalidCertificateRef',
  ],
  [
    'custom, ready in an older generation',
    custom({ conditions: [{ ...condition('Ready', 'True'), observedGeneration: 1 }] }),
    'IN_PROGRESS Ready is of generation 1, not 2',
  ],
  [
    'custom, stalled',
    custom({ conditions: [condition('Stalled', 'True', 'Broken'), condition('Ready', 'True')] }),
    'FAILED Broken',
  ],
  [
    'custom, reconciling',
    custom({ conditions: [condition('Reconciling', 'True', 'Busy'), condition('Ready', 'True')] }),
    'IN_PROGRESS Busy',
  ],
  ['custom, with nothing to say', custom({}), 'CURRENT unassessed'],
  [
    'custom, with conditions that nobody knows',
    custom({ conditions: [condition('Shiny', 'False')] }),
    'CURRENT unassessed',
  ],
];

test('health is what the object says, kind by kind', () => {
  for (const [name, object, expected, options] of CASES) {
    const { health, reason, assessed } = computeHealth(object as KubeObject, options);
    assert.equal(
      [health, reason, ...(assessed ? [] : ['unassessed'])].filter(Boolean).join(' '),
      expected,
      name,
    );
  }
});

test('only objects whose health can change are looked at again', () => {
  const ails = (apiVersion: string, kind: string, requireAddress = false) =>
    canAil({ apiVersion, kind }, { requireAddress });
  assert.ok(ails('apps/v1', 'Deployment') && ails('example.com/v1', 'Widget'));
  assert.ok(ails('example.com/v1', 'Secret') && ails('example.com/v1', 'Service'));
  assert.ok(!ails('v1', 'Secret') && !ails('rbac.authorization.k8s.io/v1', 'Role'));
  assert.ok(!ails('v1', 'Service') && !ails('networking.k8s.io/v1', 'Ingress'));
  assert.ok(ails('v1', 'Service', true) && ails('networking.k8s.io/v1', 'Ingress', true));
});

test('workloads are told whole, and nothing that may hold a secret is', () => {
  assert.ok(isToldWhole({ apiVersion: 'apps/v1', kind: 'Deployment' }));
  for (const apiVersion of ['v1', 'apps/v1', 'example.com/v1'])
    assert.ok(!isToldWhole({ apiVersion, kind: 'Secret' }));
  assert.ok(!isToldWhole({ apiVersion: 'example.com/v1', kind: 'Deployment' }));
});

test('the reason why comes from the pods; without a sign of failure of its own a workload takes theirs', () => {
  const broken = pod({ phase: 'Running', containerStatuses: [waiting('ImagePullBackOff', 'gone')] });
  const late = pod({ conditions: [condition('PodScheduled', 'False', 'Unschedulable')] });
  const rolling = { health: 'IN_PROGRESS', reason: '0 of 3', assessed: true } as const;
  const explained = explainByPods(deployment({}), rolling, [late, broken]);
  assert.deepEqual(
    [explained.health, explained.reason],
    ['IN_PROGRESS', '0 of 3; container app: ImagePullBackOff: gone'],
  );
  assert.equal(explainByPods(statefulSet({}, {}), rolling, [late, broken]).health, 'FAILED');
  assert.equal(explainByPods(statefulSet({}, {}), rolling, [late]).health, 'IN_PROGRESS');
  assert.deepEqual(explainByPods(deployment({}), rolling, [pod({ phase: 'Running' })]), rolling);
});

test('the pods of a workload are found by its selector', () => {
  const selector = {
    matchLabels: { app: 'a', x: 'y' },
    matchExpressions: [{ key: 'z', operator: 'NotIn', values: ['1', '2'] }],
  };
  assert.equal(podSelector(of('apps/v1', 'Deployment', { selector }, {})), 'app=a,x=y,z notin (1,2)');
  assert.equal(podSelector(of('v1', 'ConfigMap', { selector }, {})), undefined);
  assert.equal(podSelector(of('batch/v1', 'Job', {}, {})), undefined);
});

test('where no pod knows, the newest warning about the object does, and only if something is missing', () => {
  const event = (type: string, message: string, lastTimestamp: string) => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: message },
    type,
    reason: 'FailedCreate',
    message,
    lastTimestamp,
  });
  const waiting = { health: 'IN_PROGRESS', reason: '0 of 1 replicas ready', assessed: true } as const;
  const events = [
    event('Warning', 'exceeded quota: a', '2026-01-01T00:00:01Z'),
    event('Warning', 'exceeded quota: b', '2026-01-01T00:00:02Z'),
    event('Normal', 'fine', '2026-01-01T00:00:03Z'),
  ];
  assert.equal(
    explainByEvents(waiting, events).reason,
    '0 of 1 replicas ready; FailedCreate: exceeded quota: b',
  );
  assert.deepEqual(explainByEvents(waiting, []), waiting);
  const set = (kind: string, replicas: number) => ({
    apiVersion: kind === 'ConfigMap' ? 'v1' : 'apps/v1',
    kind,
    metadata: { name: 'a' },
    spec: { replicas },
  });
  assert.equal(tellsByEvents(set('StatefulSet', 2), 1), true);
  assert.equal(tellsByEvents(set('StatefulSet', 2), 2), false);
  assert.equal(tellsByEvents(set('Deployment', 2), 0), false);
  assert.equal(tellsByEvents(set('ConfigMap', 2), 0), false);
});
