import { type FieldSpec, fieldSpec } from '../field-specs.ts';
import type { Gvk } from '../resource-id.ts';
import type { NameReference } from './config.ts';
import { type Holder, podSpec } from './pods.ts';

/**
 * The back references that kustomize 5.5 knows: by the kind of object that is named, the fields that name it
 * (api/internal/konfig/builtinpluginconsts/namereference.go). The gaps are kustomize's own.
 */
const CONFIG_HOLDERS: readonly Holder[] = [
  ...([
    'Pod',
    'PodTemplate',
    'Deployment',
    'ReplicaSet',
    'DaemonSet',
    'StatefulSet',
    'Job',
    'CronJob',
  ] as const),
];
const ACCOUNT_HOLDERS: readonly Holder[] = [
  ...(['Pod', 'StatefulSet', 'Deployment', 'ReplicationController', 'CronJob', 'Job', 'DaemonSet'] as const),
];
const WEBHOOKS = ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'];
const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';

function named(gvk: Partial<Gvk>, ...fieldSpecs: readonly (readonly FieldSpec[])[]): NameReference {
  return { group: '', version: '', kind: '', ...gvk, fieldSpecs: fieldSpecs.flat() };
}

const by = (kind: string, ...paths: string[]) => paths.map((path) => fieldSpec(path, { kind }));
const byGroup = (group: string, kind: string, path: string) => [fieldSpec(path, { group, kind })];

function byPods(holders: readonly Holder[], ...fields: string[]): FieldSpec[] {
  return holders.flatMap((kind) => fields.map((field) => fieldSpec(`${podSpec(kind)}/${field}`, { kind })));
}

/** Those of ConfigMaps and Secrets mean the Pod of `v1` only. */
function byPodsOfV1(fields: string[]): FieldSpec[] {
  return byPods(CONFIG_HOLDERS, ...fields).map((spec) =>
    spec.kind === 'Pod' ? { ...spec, version: 'v1' } : spec,
  );
}

const SCALED = ['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) =>
  named({ kind }, by('HorizontalPodAutoscaler', 'spec/scaleTargetRef/name')),
);

const CONFIG_MAP = named(
  { version: 'v1', kind: 'ConfigMap' },
  byPodsOfV1([
    'volumes/configMap/name',
    'containers/env/valueFrom/configMapKeyRef/name',
    'initContainers/env/valueFrom/configMapKeyRef/name',
    'containers/envFrom/configMapRef/name',
    'initContainers/envFrom/configMapRef/name',
    'volumes/projected/sources/configMap/name',
  ]),
  by('Node', 'spec/configSource/configMap'),
  by('Role', 'rules/resourceNames'),
  by('ClusterRole', 'rules/resourceNames'),
  by('Ingress', 'metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap'),
);

const SECRET = named(
  { version: 'v1', kind: 'Secret' },
  byPodsOfV1([
    'volumes/secret/secretName',
    'containers/env/valueFrom/secretKeyRef/name',
    'initContainers/env/valueFrom/secretKeyRef/name',
    'containers/envFrom/secretRef/name',
    'initContainers/envFrom/secretRef/name',
    'imagePullSecrets/name',
    'volumes/projected/sources/secret/name',
  ]),
  by(
    'Ingress',
    'spec/tls/secretName',
    'metadata/annotations/ingress.kubernetes.io\\/auth-secret',
    'metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret',
    'metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret',
  ),
  by('ServiceAccount', 'imagePullSecrets/name'),
  by(
    'StorageClass',
    'parameters/secretName',
    'parameters/adminSecretName',
    'parameters/userSecretName',
    'parameters/secretRef',
  ),
  by('Role', 'rules/resourceNames'),
  by('ClusterRole', 'rules/resourceNames'),
  [
    fieldSpec('spec/template/spec/containers/env/valueFrom/secretKeyRef/name', {
      group: 'serving.knative.dev',
      version: 'v1',
      kind: 'Service',
    }),
  ],
  by('PersistentVolume', 'spec/azureFile/secretName'),
);

const SERVICE = named(
  { version: 'v1', kind: 'Service' },
  byGroup('apps', 'StatefulSet', 'spec/serviceName'),
  by(
    'Ingress',
    'spec/rules/http/paths/backend/serviceName',
    'spec/backend/serviceName',
    'spec/rules/http/paths/backend/service/name',
    'spec/defaultBackend/service/name',
  ),
  byGroup('apiregistration.k8s.io', 'APIService', 'spec/service/name'),
  WEBHOOKS.flatMap((kind) => byGroup(ADMISSION, kind, 'webhooks/clientConfig/service')),
);

export const NAME_REFERENCES: readonly NameReference[] = [
  ...SCALED,
  CONFIG_MAP,
  SECRET,
  SERVICE,
  named({ group: RBAC, kind: 'Role' }, byGroup(RBAC, 'RoleBinding', 'roleRef/name')),
  named(
    { group: RBAC, kind: 'ClusterRole' },
    byGroup(RBAC, 'RoleBinding', 'roleRef/name'),
    byGroup(RBAC, 'ClusterRoleBinding', 'roleRef/name'),
  ),
  named(
    { version: 'v1', kind: 'ServiceAccount' },
    byGroup(RBAC, 'RoleBinding', 'subjects'),
    byGroup(RBAC, 'ClusterRoleBinding', 'subjects'),
    byPods(ACCOUNT_HOLDERS, 'serviceAccountName'),
  ),
  named(
    { version: 'v1', kind: 'PersistentVolumeClaim' },
    byPods(ACCOUNT_HOLDERS, 'volumes/persistentVolumeClaim/claimName'),
  ),
  named(
    { version: 'v1', kind: 'PersistentVolume' },
    by('PersistentVolumeClaim', 'spec/volumeName'),
    by('ClusterRole', 'rules/resourceNames'),
  ),
  named(
    { group: 'storage.k8s.io', version: 'v1', kind: 'StorageClass' },
    by('PersistentVolume', 'spec/storageClassName'),
    by('PersistentVolumeClaim', 'spec/storageClassName'),
    by('StatefulSet', 'spec/volumeClaimTemplates/spec/storageClassName'),
  ),
  named(
    { group: 'scheduling.k8s.io', version: 'v1', kind: 'PriorityClass' },
    byPods(ACCOUNT_HOLDERS, 'priorityClassName'),
  ),
  named(
    { group: 'networking.k8s.io/v1', version: 'v1', kind: 'IngressClass' },
    by('Ingress', 'spec/ingressClassName'),
  ),
  named(
    { group: ADMISSION, kind: 'ValidatingAdmissionPolicy' },
    byGroup(ADMISSION, 'ValidatingAdmissionPolicyBinding', 'spec/policyName'),
  ),
];
