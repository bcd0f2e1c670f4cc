import type { JsonObject } from '../json.ts';
import { numberAt, objectAt, objectsAt, stringAt } from '../json.ts';
import type { StatusOf } from './workload-status.ts';
import { observed, replicasOf } from './workload-status.ts';

/** Statuses of the workloads other than Deployment, as their controllers write them. */

export const statefulSetStatus: StatusOf = (object, phase) => {
  const wanted = replicasOf(object);
  const revision = `${stringAt(object, 'metadata', 'name')}-${numberAt(object, 'metadata', 'generation') ?? 1}`;
  const before = stringAt(object, 'status', 'currentRevision') ?? revision;
  if (phase === 'ready') {
    return {
      ...observed(object),
      replicas: wanted,
      readyReplicas: wanted,
      currentReplicas: wanted,
      updatedReplicas: wanted,
      availableReplicas: wanted,
      currentRevision: revision,
      updateRevision: revision,
      collisionCount: 0,
    };
  }
  const ready = Math.min(numberAt(object, 'status', 'readyReplicas') ?? 0, wanted);
  return {
    ...observed(object),
    replicas: wanted === 0 ? 0 : Math.max(ready, 1),
    readyReplicas: ready,
    currentReplicas: ready,
    availableReplicas: ready,
    currentRevision: before,
    updateRevision: revision,
    collisionCount: 0,
  };
};

/** A simulated cluster has one node. */
export const daemonSetStatus: StatusOf = (object, phase) => {
  const counts = { currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 1 };
  if (phase === 'ready') {
    return { ...observed(object), ...counts, numberReady: 1, updatedNumberScheduled: 1, numberAvailable: 1 };
  }
  const ready = numberAt(object, 'status', 'numberReady') ?? 0;
  return {
    ...observed(object),
    ...counts,
    numberReady: ready,
    ...(ready > 0 ? { numberAvailable: ready } : { updatedNumberScheduled: 1, numberUnavailable: 1 }),
  };
};

export const replicaSetStatus: StatusOf = (object, phase) => {
  const wanted = replicasOf(object);
  const ready = phase === 'ready' ? wanted : (numberAt(object, 'status', 'readyReplicas') ?? 0);
  return {
    ...observed(object),
    replicas: wanted,
    fullyLabeledReplicas: wanted,
    readyReplicas: ready,
    availableReplicas: ready,
  };
};

export const jobStatus: StatusOf = (object, phase, now) => {
  if (objectAt(object, 'status')?.completionTime !== undefined) return undefined;
  if (objectAt(object, 'spec')?.suspend === true) {
    return { conditions: [condition('Suspended', 'True', 'JobSuspended', 'Job suspended', now)] };
  }
  const startTime = stringAt(object, 'status', 'startTime') ?? now;
  const common = { startTime, ready: 0, terminating: 0, uncountedTerminatedPods: {} };
  if (phase === 'started') return { ...common, active: numberAt(object, 'spec', 'parallelism') ?? 1 };
  if (phase === 'ready') {
    const done = ['CompletionsReached', 'Reached expected number of succeeded pods', now] as const;
    return {
      ...common,
      conditions: [condition('SuccessCriteriaMet', 'True', ...done), condition('Complete', 'True', ...done)],
      completionTime: now,
      succeeded: numberAt(object, 'spec', 'completions') ?? 1,
    };
  }
  const failure = ['BackoffLimitExceeded', 'Job has reached the specified backoff limit', now] as const;
  return {
    ...common,
    conditions: [condition('FailureTarget', 'True', ...failure), condition('Failed', 'True', ...failure)],
    failed: (numberAt(object, 'spec', 'backoffLimit') ?? 6) + 1,
  };
};

export const podStatus: StatusOf = (object, phase, now) => {
  const isReady = phase === 'ready';
  const qosClass = stringAt(object, 'status', 'qosClass') ?? 'BestEffort';
  const containers = objectsAt(object, 'spec', 'containers');
  const states = containers.map((container) => ({
    name: container.name ?? '',
    image: container.image ?? '',
    imageID: '',
    ready: isReady,
    started: isReady,
    restartCount: 0,
    state: isReady
      ? { running: { startedAt: now } }
      : { waiting: { reason: phase === 'failed' ? 'ImagePullBackOff' : 'ContainerCreating' } },
  }));
  const why = isReady ? [] : ['ContainersNotReady', `containers with unready status`];
  const status = isReady ? 'True' : 'False';
  return {
    phase: isReady ? 'Running' : 'Pending',
    qosClass,
    startTime: stringAt(object, 'status', 'startTime') ?? now,
    conditions: [
      condition('PodScheduled', 'True', '', '', now),
      condition('Initialized', 'True', '', '', now),
      condition('ContainersReady', status, why[0] ?? '', why[1] ?? '', now),
      condition('Ready', status, why[0] ?? '', why[1] ?? '', now),
    ],
    containerStatuses: states,
  };
};

export const claimStatus: StatusOf = (object, phase) => {
  if (phase !== 'ready') return undefined;
  const spec = objectAt(object, 'spec') ?? {};
  return {
    phase: 'Bound',
    accessModes: spec.accessModes ?? [],
    capacity: objectAt(spec, 'resources', 'requests') ?? {},
  };
};

export const budgetStatus: StatusOf = (object, phase, now) => {
  if (phase !== 'ready') return undefined;
  const why = ['SufficientPods', '', now] as const;
  return {
    ...observed(object),
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 2,
    conditions: [{ ...condition('DisruptionAllowed', 'True', ...why), message: '', ...observed(object) }],
  };
};

export const autoscalerStatus: StatusOf = (object, phase, now) => {
  if (phase !== 'ready') return undefined;
  const replicas = numberAt(object, 'spec', 'minReplicas') ?? 1;
  return {
    currentReplicas: replicas,
    desiredReplicas: replicas,
    conditions: [
      condition('AbleToScale', 'True', 'ReadyForNewScale', 'recommended size matches current size', now),
      condition(
        'ScalingActive',
        'True',
        'ValidMetricFound',
        'the HPA was able to compute the replica count',
        now,
      ),
    ],
  };
};

function condition(type: string, status: string, reason: string, message: string, now: string): JsonObject {
  return {
    type,
    status,
    lastTransitionTime: now,
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  };
}
