import { at, isRecord, type KubeObject, listAt } from './object.ts';

const POD_SPECS: Record<string, readonly string[]> = {
  Pod: ['spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
};

/** Images that a workload runs, init containers included, each once, in the order of the pod; empty for other kinds. */
export function imagesOf(object: KubeObject): string[] {
  const path = POD_SPECS[object.kind];
  if (path === undefined) return [];
  const pod = at(object, ...path);
  const containers = [...listAt(pod, 'initContainers'), ...listAt(pod, 'containers')];
  return [
    ...new Set(
      containers.flatMap((each) => (isRecord(each) && typeof each.image === 'string' ? [each.image] : [])),
    ),
  ];
}
