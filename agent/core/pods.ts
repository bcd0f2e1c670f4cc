import { conditionOf, isCondition, wordsOf } from './conditions.ts';
import { current, failed, type Health, inProgress } from './health-words.ts';
import { at, isRecord, type KubeObject, listAt, numberAt, textAt } from './object.ts';

/** Waiting reasons that do not go away by waiting. */
const BROKEN =
  /^(CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError)$/;

/**
 * Why a pod does not run: the first container (init containers first) that waits for a broken reason, else scheduling.
 * Undefined when nothing is known to be wrong. `broken` is false for what may pass by itself.
 */
export function podTrouble(pod: KubeObject): { reason: string; broken: boolean } | undefined {
  const containers = [
    ...listAt(pod, 'status', 'initContainerStatuses'),
    ...listAt(pod, 'status', 'containerStatuses'),
  ];
  for (const container of containers.filter(isRecord)) {
    const reason = textAt(container, 'state', 'waiting', 'reason');
    if (reason === undefined || !BROKEN.test(reason)) continue;
    const message =
      reason === 'CrashLoopBackOff' ? lastExit(container) : textAt(container, 'state', 'waiting', 'message');
    const words = [`container ${String(container.name)}: ${reason}`, message].filter(Boolean).join(': ');
    return { reason: words, broken: true };
  }
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') return { reason: wordsOf(scheduled), broken: false };
  return undefined;
}

function lastExit(container: Record<string, unknown>): string | undefined {
  const code = numberAt(container, 'lastState', 'terminated', 'exitCode');
  const reason = textAt(container, 'lastState', 'terminated', 'reason');
  return code === undefined ? undefined : `exit code ${code}${reason ? ` (${reason})` : ''}`;
}

export function podHealth(pod: KubeObject): Health {
  const phase = textAt(pod, 'status', 'phase');
  if (phase === 'Succeeded') return current();
  if (phase === 'Failed')
    return failed(textAt(pod, 'status', 'message') ?? textAt(pod, 'status', 'reason') ?? 'the pod failed');
  const trouble = podTrouble(pod);
  if (trouble?.broken) return failed(trouble.reason);
  if (phase === 'Running' && isCondition(pod, 'Ready')) return current();
  return inProgress(
    trouble?.reason ?? (phase === 'Running' ? 'not ready yet' : `phase ${phase ?? 'unknown'}`),
  );
}

/** Kinds that stand for pods: where they are not Current, the pods know why. */
const WORKLOADS = new Set([
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
]);
/** Kinds whose API has no sign of failure of its own: broken pods are theirs. */
const WITHOUT_SIGN = new Set(['apps/StatefulSet', 'apps/DaemonSet']);

const kindOf = (object: KubeObject): string => `${object.apiVersion.split('/')[0]}/${object.kind}`;

/** The label selector (kubectl syntax) of a workload's pods; undefined for what has none. */
export function podSelector(object: KubeObject): string | undefined {
  if (!WORKLOADS.has(kindOf(object))) return undefined;
  const labels = at(object, 'spec', 'selector', 'matchLabels');
  const plain = isRecord(labels)
    ? Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`)
    : [];
  const expressions = listAt(object, 'spec', 'selector', 'matchExpressions')
    .filter(isRecord)
    .map(expressionText);
  const all = [...plain, ...expressions];
  return all.length > 0 ? all.join(',') : undefined;
}

function expressionText(expression: Record<string, unknown>): string {
  const key = String(expression.key);
  const values = listAt(expression, 'values').join(',');
  switch (expression.operator) {
    case 'In':
      return `${key} in (${values})`;
    case 'NotIn':
      return `${key} notin (${values})`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}

/** The health of a workload with the reason that its pods give; pods that are well say nothing. */
export function explainByPods(object: KubeObject, health: Health, pods: readonly KubeObject[]): Health {
  const troubles = pods
    .filter((pod) => !pod.metadata.deletionTimestamp)
    .flatMap((pod) => podTrouble(pod) ?? [])
    .sort((a, b) => Number(b.broken) - Number(a.broken));
  const worst = troubles[0];
  if (worst === undefined || health.health === 'CURRENT') return health;
  const reason = health.reason ? `${health.reason}; ${worst.reason}` : worst.reason;
  const isFailed = health.health === 'FAILED' || (worst.broken && WITHOUT_SIGN.has(kindOf(object)));
  return { health: isFailed ? 'FAILED' : health.health, reason, assessed: true };
}

/** Kinds that say in events alone why something that they need does not come: pods beyond a quota, a volume. */
const TELL_BY_EVENTS = new Set([
  'apps/StatefulSet',
  'apps/DaemonSet',
  'batch/Job',
  'v1/PersistentVolumeClaim',
]);

/** Whether events are worth a request: fewer pods exist than are wanted, or a claim is not bound. */
export function tellsByEvents(object: KubeObject, pods: number): boolean {
  if (!TELL_BY_EVENTS.has(kindOf(object))) return false;
  if (object.kind === 'PersistentVolumeClaim') return true;
  const wanted = numberAt(object, 'spec', 'replicas') ?? numberAt(object, 'status', 'desiredNumberScheduled');
  return pods < (wanted ?? 1);
}

/** The health with the newest warning that was given about the object; without one it is as it was. */
export function explainByEvents(health: Health, events: readonly KubeObject[]): Health {
  const at = (event: KubeObject): string =>
    textAt(event, 'lastTimestamp') ?? textAt(event, 'eventTime') ?? event.metadata.creationTimestamp ?? '';
  const newest = events
    .filter((event) => event.type === 'Warning')
    .toSorted((a, b) => (at(a) < at(b) ? 1 : -1))[0];
  const words = newest && [textAt(newest, 'reason'), textAt(newest, 'message')].filter(Boolean).join(': ');
  if (!words) return health;
  return { ...health, reason: health.reason ? `${health.reason}; ${words}` : words };
}
