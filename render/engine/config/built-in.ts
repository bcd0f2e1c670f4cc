import { type FieldSpec, fieldSpec } from '../field-specs.ts';
import type { Gvk } from '../resource-id.ts';
import type { TransformerConfig } from './config.ts';
import { NAME_REFERENCES } from './name-references.ts';
import { type Holder, podSpec } from './pods.ts';

/**
 * The fields that kustomize 5.5 changes without being told, as `kustomize config save` would print them
 * (api/internal/konfig/builtinpluginconsts).
 */
const APPS = { group: 'apps' };
const BATCH = { group: 'batch' };

const made = (path: string, gvk: Partial<Gvk> = {}): FieldSpec => fieldSpec(path, gvk, true);
const found = (path: string, gvk: Partial<Gvk> = {}): FieldSpec => fieldSpec(path, gvk);

/** `metadata.labels` of objects and of the pods that they make. */
const LABELS: readonly FieldSpec[] = [
  made('metadata/labels'),
  made('spec/template/metadata/labels', { version: 'v1', kind: 'ReplicationController' }),
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind) => made('spec/template/metadata/labels', { kind })),
  made('spec/template/metadata/labels', { ...APPS, kind: 'StatefulSet' }),
  made('spec/volumeClaimTemplates[]/metadata/labels', { ...APPS, kind: 'StatefulSet' }),
  made('spec/template/metadata/labels', { ...BATCH, kind: 'Job' }),
  made('spec/jobTemplate/metadata/labels', { ...BATCH, kind: 'CronJob' }),
  made('spec/jobTemplate/spec/template/metadata/labels', { ...BATCH, kind: 'CronJob' }),
];

const ANNOTATIONS: readonly FieldSpec[] = [
  made('metadata/annotations'),
  made('spec/template/metadata/annotations', { version: 'v1', kind: 'ReplicationController' }),
  ...['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet'].map((kind) =>
    made('spec/template/metadata/annotations', { kind }),
  ),
  made('spec/template/metadata/annotations', { ...BATCH, kind: 'Job' }),
  made('spec/jobTemplate/metadata/annotations', { ...BATCH, kind: 'CronJob' }),
  made('spec/jobTemplate/spec/template/metadata/annotations', { ...BATCH, kind: 'CronJob' }),
];

const POD_SELECTORS = ['podAffinity', 'podAntiAffinity']
  .flatMap((affinity) => [
    `affinity/${affinity}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm`,
    `affinity/${affinity}/requiredDuringSchedulingIgnoredDuringExecution`,
  ])
  .concat('topologySpreadConstraints')
  .map((path) => `spec/template/spec/${path}/labelSelector/matchLabels`);

/** Selectors, which `labels` with `includeSelectors` and `commonLabels` change together with the labels. */
const SELECTORS: readonly FieldSpec[] = [
  made('spec/selector', { version: 'v1', kind: 'Service' }),
  made('spec/selector', { version: 'v1', kind: 'ReplicationController' }),
  ...['Deployment', 'ReplicaSet', 'DaemonSet'].map((kind) => made('spec/selector/matchLabels', { kind })),
  made('spec/selector/matchLabels', { ...APPS, kind: 'StatefulSet' }),
  ...['Deployment', 'StatefulSet'].flatMap((kind) =>
    POD_SELECTORS.map((path) => found(path, { ...APPS, kind })),
  ),
  found('spec/selector/matchLabels', { ...BATCH, kind: 'Job' }),
  found('spec/jobTemplate/spec/selector/matchLabels', { ...BATCH, kind: 'CronJob' }),
  found('spec/selector/matchLabels', { group: 'policy', kind: 'PodDisruptionBudget' }),
  ...['spec/podSelector', 'spec/ingress/from/podSelector', 'spec/egress/to/podSelector'].map((path) =>
    found(`${path}/matchLabels`, { group: 'networking.k8s.io', kind: 'NetworkPolicy' }),
  ),
];

const VAR_HOLDERS: readonly Holder[] = [
  ...(['CronJob', 'DaemonSet', 'Deployment', 'Job', 'Pod', 'ReplicaSet', 'StatefulSet'] as const),
];
const VARS_IN_CONTAINER = ['args', 'command', 'env/value', 'volumeMounts/mountPath'];

const VARS: readonly FieldSpec[] = [
  ...VAR_HOLDERS.flatMap((kind) =>
    ['containers', 'initContainers'].flatMap((containers) =>
      VARS_IN_CONTAINER.map((field) => found(`${podSpec(kind)}/${containers}/${field}`, { kind })),
    ),
  ),
  ...VAR_HOLDERS.filter((kind) => kind !== 'CronJob' && kind !== 'StatefulSet').map((kind) =>
    found(`${podSpec(kind)}/volumes/nfs/server`, { kind }),
  ),
  found('spec/jobTemplate/spec/template/volumes/nfs/server', { kind: 'CronJob' }),
  found('spec/volumeClaimTemplates/spec/nfs/server', { kind: 'StatefulSet' }),
  found('spec/nfs/server', { kind: 'PersistentVolume' }),
  found('spec/template/metadata/annotations', { kind: 'Deployment' }),
  ...['rules/host', 'tls/hosts', 'tls/secretName'].map((field) =>
    found(`spec/${field}`, { kind: 'Ingress' }),
  ),
  ...['port', 'targetPort'].map((field) => found(`spec/ports/${field}`, { kind: 'Service' })),
  found('metadata/labels'),
  found('metadata/annotations'),
];

export const BUILT_IN_CONFIG: TransformerConfig = {
  namePrefix: [found('metadata/name')],
  nameSuffix: [found('metadata/name')],
  namespace: [
    made('metadata/name', { kind: 'Namespace' }),
    made('spec/service/namespace', { group: 'apiregistration.k8s.io', kind: 'APIService' }),
    found('spec/conversion/webhook/clientConfig/service/namespace', {
      group: 'apiextensions.k8s.io',
      kind: 'CustomResourceDefinition',
    }),
  ],
  commonLabels: [...SELECTORS, ...LABELS],
  labels: [],
  templateLabels: LABELS,
  commonAnnotations: ANNOTATIONS,
  nameReference: NAME_REFERENCES,
  varReference: VARS,
  images: ['spec', 'spec/template/spec'].flatMap((path) =>
    ['containers', 'initContainers'].map((containers) => made(`${path}/${containers}[]/image`)),
  ),
  replicas: ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) =>
    made('spec/replicas', { kind }),
  ),
};
