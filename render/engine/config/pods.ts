/** Where the kinds of objects that hold or make pods keep the pod's spec. */
const POD_SPECS = {
  Pod: 'spec',
  PodTemplate: 'template/spec',
  Deployment: 'spec/template/spec',
  ReplicaSet: 'spec/template/spec',
  ReplicationController: 'spec/template/spec',
  DaemonSet: 'spec/template/spec',
  StatefulSet: 'spec/template/spec',
  Job: 'spec/template/spec',
  CronJob: 'spec/jobTemplate/spec/template/spec',
} as const;

export type Holder = keyof typeof POD_SPECS;

export function podSpec(kind: Holder): string {
  return POD_SPECS[kind];
}
