import { conditionOf, conditionsOf, isCondition, wordsOf } from './conditions.ts';
import {
  current,
  failed,
  type Health,
  type HealthOptions,
  inProgress,
  terminating,
  unseen,
} from './health-words.ts';
import { type KubeObject, listAt, numberAt, textAt } from './object.ts';
import { podHealth } from './pods.ts';

type Rule = (object: KubeObject, options: HealthOptions) => Health;

/** A count in status; absent means 0, as the API leaves zeros out. */
const counted = (object: KubeObject, name: string): number => numberAt(object, 'status', name) ?? 0;
const wanted = (object: KubeObject): number => numberAt(object, 'spec', 'replicas') ?? 1;

const notYetSeen = (object: KubeObject): Health | undefined =>
  numberAt(object, 'status', 'observedGeneration') === undefined
    ? unseen('the controller has not seen it yet')
    : undefined;

const deployment: Rule = (object) => {
  const early = notYetSeen(object);
  if (early) return early;
  const failure = conditionOf(object, 'ReplicaFailure');
  if (failure?.status === 'True') return failed(wordsOf(failure));
  const progressing = conditionOf(object, 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded') return failed(wordsOf(progressing));
  const replicas = wanted(object);
  const updated = counted(object, 'updatedReplicas');
  const total = counted(object, 'replicas');
  const available = counted(object, 'availableReplicas');
  if (updated < replicas) return inProgress(`${updated} of ${replicas} replicas updated`);
  if (total > updated) return inProgress(`${total - updated} old replicas still run`);
  if (available < updated) return inProgress(`${available} of ${updated} replicas available`);
  return current();
};

const replicaSet: Rule = (object) => {
  const early = notYetSeen(object);
  if (early) return early;
  const failure = conditionOf(object, 'ReplicaFailure');
  if (failure?.status === 'True') return failed(wordsOf(failure));
  const available = counted(object, 'availableReplicas');
  return available < wanted(object)
    ? inProgress(`${available} of ${wanted(object)} replicas available`)
    : current();
};

const statefulSet: Rule = (object) => {
  const early = notYetSeen(object);
  if (early) return early;
  const replicas = wanted(object);
  const ready = counted(object, 'readyReplicas');
  if (ready < replicas) return inProgress(`${ready} of ${replicas} replicas ready`);
  if (counted(object, 'replicas') > replicas) return inProgress('more replicas run than asked for');
  if (textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') return current();
  const partition = numberAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  const updated = counted(object, 'updatedReplicas');
  if (partition > 0) {
    const due = Math.max(0, replicas - partition);
    return updated < due
      ? inProgress(`${updated} of ${due} replicas updated above the partition`)
      : current();
  }
  if (textAt(object, 'status', 'updateRevision') !== textAt(object, 'status', 'currentRevision'))
    return inProgress(`${updated} of ${replicas} replicas updated`);
  return current();
};

const daemonSet: Rule = (object) => {
  const early = notYetSeen(object);
  if (early) return early;
  const due = counted(object, 'desiredNumberScheduled');
  const available = counted(object, 'numberAvailable');
  const updated = counted(object, 'updatedNumberScheduled');
  if (textAt(object, 'spec', 'updateStrategy', 'type') !== 'OnDelete' && updated < due)
    return inProgress(`${updated} of ${due} pods updated`);
  return available < due ? inProgress(`${available} of ${due} pods available`) : current();
};

const job: Rule = (object) => {
  const over = conditionOf(object, 'Failed') ?? conditionOf(object, 'FailureTarget');
  if (over?.status === 'True') return failed(wordsOf(over));
  if (isCondition(object, 'Complete')) return current();
  if (
    isCondition(object, 'Suspended') &&
    (object.spec as { suspend?: unknown } | undefined)?.suspend === true
  )
    return current('suspended');
  return inProgress(
    `${counted(object, 'succeeded')} of ${numberAt(object, 'spec', 'completions') ?? 1} completions`,
  );
};

/** By its last run: a schedule that was followed by no success, while none is active, failed. */
const cronJob: Rule = (object) => {
  if ((object.spec as { suspend?: unknown } | undefined)?.suspend === true) return current('suspended');
  const scheduled = textAt(object, 'status', 'lastScheduleTime');
  if (scheduled === undefined || listAt(object, 'status', 'active').length > 0) return current();
  const succeeded = textAt(object, 'status', 'lastSuccessfulTime');
  return succeeded === undefined || succeeded < scheduled
    ? failed(`the run scheduled at ${scheduled} did not succeed`)
    : current();
};

const addressed = (object: KubeObject): boolean =>
  listAt(object, 'status', 'loadBalancer', 'ingress').length > 0;

const service: Rule = (object, { requireAddress }) =>
  requireAddress && textAt(object, 'spec', 'type') === 'LoadBalancer' && !addressed(object)
    ? inProgress('no load balancer address yet')
    : current();

const ingress: Rule = (object, { requireAddress }) =>
  requireAddress && !addressed(object) ? inProgress('no load balancer address yet') : current();

const claim: Rule = (object, { bindingMode }) => {
  const phase = textAt(object, 'status', 'phase');
  if (phase === 'Bound') return current();
  if (phase === 'Lost') return failed('the volume behind the claim is lost');
  return bindingMode === 'WaitForFirstConsumer'
    ? current('waits for its first consumer')
    : inProgress('not bound yet');
};

/** A fault of the metrics source is a warning in the reason only: it comes and goes with metrics-server. */
const autoscaler: Rule = (object) => {
  const able = conditionOf(object, 'AbleToScale');
  if (able?.status === 'False' && /^Failed(Get|Update)Scale$/.test(able.reason)) return failed(wordsOf(able));
  const active = conditionOf(object, 'ScalingActive');
  if (active?.status === 'False' && active.reason === 'InvalidSelector') return failed(wordsOf(active));
  if (able === undefined) return inProgress('the autoscaler has not seen it yet');
  return active?.status === 'False' && active.reason !== 'ScalingDisabled'
    ? current(wordsOf(active))
    : current();
};

const disruptionBudget: Rule = (object) => {
  const wrong = conditionsOf(object).find(
    (each) => each.status === 'False' && each.reason !== 'InsufficientPods',
  );
  return wrong ? failed(wordsOf(wrong)) : (notYetSeen(object) ?? current());
};

const customResourceDefinition: Rule = (object) => {
  const names = conditionOf(object, 'NamesAccepted');
  if (names?.status === 'False') return failed(wordsOf(names));
  const structural = conditionOf(object, 'NonStructuralSchema');
  if (structural?.status === 'True') return failed(wordsOf(structural));
  const established = conditionOf(object, 'Established');
  if (established?.status === 'True') return current();
  if (established?.status === 'False' && established.reason !== 'Installing')
    return failed(wordsOf(established));
  return inProgress('not established yet');
};

const apiService: Rule = (object) => {
  const available = conditionOf(object, 'Available');
  if (available?.status === 'True') return current();
  return inProgress(available ? wordsOf(available) : 'not available yet');
};

/** As Argo CD's: it says neither Ready nor Available. */
const gateway: Rule = (object) => {
  const accepted = conditionOf(object, 'Accepted');
  const resolved = conditionOf(object, 'ResolvedRefs');
  for (const each of [accepted, resolved]) if (each?.status === 'False') return failed(wordsOf(each));
  const programmed = conditionOf(object, 'Programmed');
  if (programmed?.status === 'True') return current();
  return inProgress(programmed ? wordsOf(programmed) : 'not programmed yet');
};

const namespace: Rule = (object) =>
  textAt(object, 'status', 'phase') === 'Terminating' ? terminating('being deleted') : current();

const exists: Rule = () => current();

/** Kinds, as `group/Kind`, that are well as soon as they exist, unless `requireAddress` wants more of them. */
export const ADDRESSED_KINDS: readonly string[] = ['/Service', 'networking.k8s.io/Ingress'];

/** Kinds that are well as soon as they exist. */
export const STATIC_KINDS: readonly string[] = [
  '/ResourceQuota',
  '/ConfigMap',
  '/Secret',
  '/ServiceAccount',
  '/LimitRange',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'networking.k8s.io/NetworkPolicy',
  'networking.k8s.io/IngressClass',
  'storage.k8s.io/StorageClass',
  'scheduling.k8s.io/PriorityClass',
  'node.k8s.io/RuntimeClass',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
];

/** Rules by `group/Kind`, after kstatus and Argo CD's gitops-engine; where both fall into a trap, the comment says which. */
export const KIND_RULES: Readonly<Record<string, Rule>> = {
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'batch/Job': job,
  'batch/CronJob': cronJob,
  '/Pod': podHealth,
  '/Service': service,
  'networking.k8s.io/Ingress': ingress,
  '/PersistentVolumeClaim': claim,
  'autoscaling/HorizontalPodAutoscaler': autoscaler,
  'policy/PodDisruptionBudget': disruptionBudget,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
  'apiregistration.k8s.io/APIService': apiService,
  'gateway.networking.k8s.io/Gateway': gateway,
  '/Namespace': namespace,
  ...Object.fromEntries(STATIC_KINDS.map((kind) => [kind, exists])),
};
