import type { JsonObject } from '../json.ts';
import { objectAt, objectsAt } from '../json.ts';
import type { Kind } from '../kinds/kinds.ts';
import { BUILT_IN_KINDS } from '../kinds/kinds.ts';
import type { Stored } from '../store.ts';
import { unpack } from '../store.ts';
import { deploymentStatus } from './deployments.ts';
import type { ControllerHost } from './host.ts';
import {
  autoscalerStatus,
  budgetStatus,
  claimStatus,
  daemonSetStatus,
  jobStatus,
  podStatus,
  replicaSetStatus,
  statefulSetStatus,
} from './statuses.ts';
import type { Phase, StatusOf } from './workload-status.ts';
import { updateAs } from './writes.ts';

const STATUS: Record<string, StatusOf> = {
  Deployment: deploymentStatus,
  StatefulSet: statefulSetStatus,
  DaemonSet: daemonSetStatus,
  ReplicaSet: replicaSetStatus,
  Job: jobStatus,
  Pod: podStatus,
  PersistentVolumeClaim: claimStatus,
  PodDisruptionBudget: budgetStatus,
  HorizontalPodAutoscaler: autoscalerStatus,
};

/** A rollout of an image with this word in its name never gets ready. */
const BROKEN = 'broken';
/** How many times the ready delay passes until a rollout that cannot succeed is given up. */
const PATIENCE = 5;

/** Writes the status that real controllers would write, in two steps: the rollout is seen, then it is done. */
export function watchWorkloads(host: ControllerHost): () => void {
  const { cluster } = host;
  if (cluster.options.readyDelay === Number.POSITIVE_INFINITY) return () => undefined;
  /** Workloads whose template changed since their controller last looked. */
  const revised = new Set<string>();
  const stops = BUILT_IN_KINDS.filter((kind) => kind.kind in STATUS).map((kind) =>
    cluster.store.subscribe(kind, ({ type, object, before }) => {
      const key = `workload/${kind.kind}/${object.namespace}/${object.name}`;
      const isWanted = type !== 'DELETED' && !object.metadata.includes('"deletionTimestamp"');
      const isNew = before === undefined || generationOf(object) !== generationOf(before);
      if (!isWanted || !isNew) return;
      if (before === undefined || templateOf(object) !== templateOf(before)) revised.add(key);
      host.later(key, 0, () => start(host, kind, object, key, revised.delete(key)));
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

function generationOf(stored: Stored): string | undefined {
  return /"generation":(\d+)/.exec(stored.metadata)?.[1];
}

/** The text of the pod template; anything else may change without a new revision. */
function templateOf(stored: Stored): string {
  const { spec } = JSON.parse(`{${stored.rest}}`) as { spec?: { template?: unknown } };
  return JSON.stringify(spec?.template);
}

function start(
  host: ControllerHost,
  kind: Kind,
  { namespace, name }: Stored,
  key: string,
  isNewRevision: boolean,
): void {
  const { cluster } = host;
  const stored = cluster.store.get(kind, namespace, name);
  if (!stored) return;
  const isBroken = imagesOf(unpack(stored, kind)).some((image) => image.includes(BROKEN));
  const write = (phase: Phase) =>
    setStatus(host, kind, namespace, name, phase, isNewRevision && phase === 'started');
  write('started');
  const { readyDelay } = cluster.options;
  if (isBroken) host.later(key, readyDelay * PATIENCE, () => write('failed'));
  else host.later(key, readyDelay, () => write('ready'));
}

function setStatus(
  host: ControllerHost,
  kind: Kind,
  namespace: string,
  name: string,
  phase: Phase,
  isNewRevision: boolean,
): void {
  const { cluster } = host;
  updateAs(cluster, kind, namespace, name, 'status', (object) => {
    const status = STATUS[kind.kind]?.(object, phase, cluster.timestamp(), isNewRevision);
    if (status) object.status = status;
  });
}

function imagesOf(object: JsonObject): string[] {
  const spec = objectAt(object, 'spec', 'template', 'spec') ?? objectAt(object, 'spec') ?? {};
  const containers = [...objectsAt(spec, 'initContainers'), ...objectsAt(spec, 'containers')];
  return containers.map((container) => String(container.image ?? ''));
}
