import type { JsonObject } from '../json.ts';
import { numberAt, objectsAt, stringAt } from '../json.ts';
import { child } from '../kinds/pod-defaults.ts';
import type { Phase } from './workload-status.ts';
import { observed, replicasOf } from './workload-status.ts';

const REVISION = 'deployment.kubernetes.io/revision';

/**
 * The status of a Deployment as its controller writes it. While a new revision rolls out, what was available stays
 * available; a revision that fails keeps it and says ProgressDeadlineExceeded.
 */
export function deploymentStatus(
  object: JsonObject,
  phase: Phase,
  now: string,
  isNewRevision: boolean,
): JsonObject {
  const wanted = replicasOf(object);
  const before = Math.min(numberAt(object, 'status', 'availableReplicas') ?? 0, wanted);
  if (isNewRevision) countRevision(object);
  if (phase === 'ready' || wanted === 0) {
    const counts = {
      replicas: wanted,
      updatedReplicas: wanted,
      readyReplicas: wanted,
      availableReplicas: wanted,
    };
    return {
      ...observed(object),
      ...counts,
      conditions: conditions(object, now, true, 'NewReplicaSetAvailable', 'has successfully progressed.'),
    };
  }
  const surge = before > 0 ? 1 : wanted;
  const counts = {
    replicas: before + surge,
    updatedReplicas: surge,
    readyReplicas: before,
    availableReplicas: before,
    unavailableReplicas: surge,
  };
  const isAvailable = before >= wanted - Math.floor(wanted / 4);
  const [reason, what] =
    phase === 'failed'
      ? (['ProgressDeadlineExceeded', 'has timed out progressing.'] as const)
      : (['ReplicaSetUpdated', 'is progressing.'] as const);
  return { ...observed(object), ...counts, conditions: conditions(object, now, isAvailable, reason, what) };
}

function conditions(
  object: JsonObject,
  now: string,
  isAvailable: boolean,
  reason: string,
  what: string,
): JsonObject[] {
  const replicaSet = `${stringAt(object, 'metadata', 'name')}-${revisionOf(object)}`;
  const available = {
    type: 'Available',
    status: isAvailable ? 'True' : 'False',
    reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: isAvailable
      ? 'Deployment has minimum availability.'
      : 'Deployment does not have minimum availability.',
  };
  const progressing = {
    type: 'Progressing',
    status: reason === 'ProgressDeadlineExceeded' ? 'False' : 'True',
    reason,
    message: `ReplicaSet "${replicaSet}" ${what}`,
  };
  return [available, progressing].map((condition) => {
    const before = objectsAt(object, 'status', 'conditions').find((c) => c.type === condition.type);
    const isSame = before?.status === condition.status;
    return {
      type: condition.type,
      status: condition.status,
      lastUpdateTime: now,
      lastTransitionTime: isSame ? (before.lastTransitionTime ?? now) : now,
      reason: condition.reason,
      message: condition.message,
    };
  });
}

function revisionOf(object: JsonObject): string {
  return stringAt(object, 'metadata', 'annotations', REVISION) ?? '1';
}

/** The annotation that `kubectl rollout` reads: set when a rollout starts. */
function countRevision(object: JsonObject): void {
  const before = stringAt(object, 'metadata', 'annotations', REVISION) ?? '0';
  child(child(object, 'metadata'), 'annotations')[REVISION] = String(Number(before) + 1);
}
