import type { KubeObject } from './objects.ts';

/** Kinds of Kubernetes 1.36 that stand in no namespace, by group (`kubectl api-resources --namespaced=false`). */
const CLUSTER_SCOPED: Readonly<Record<string, readonly string[]>> = {
  '': ['ComponentStatus', 'Namespace', 'Node', 'PersistentVolume'],
  'admissionregistration.k8s.io': [
    'MutatingAdmissionPolicy',
    'MutatingAdmissionPolicyBinding',
    'MutatingWebhookConfiguration',
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
    'ValidatingWebhookConfiguration',
  ],
  'apiextensions.k8s.io': ['CustomResourceDefinition'],
  'apiregistration.k8s.io': ['APIService'],
  apps: [],
  'authentication.k8s.io': ['SelfSubjectReview', 'TokenReview'],
  'authorization.k8s.io': ['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'],
  autoscaling: [],
  batch: [],
  'certificates.k8s.io': ['CertificateSigningRequest', 'ClusterTrustBundle'],
  'coordination.k8s.io': [],
  'discovery.k8s.io': [],
  'events.k8s.io': [],
  'flowcontrol.apiserver.k8s.io': ['FlowSchema', 'PriorityLevelConfiguration'],
  'networking.k8s.io': ['IPAddress', 'IngressClass', 'ServiceCIDR'],
  'node.k8s.io': ['RuntimeClass'],
  policy: [],
  'rbac.authorization.k8s.io': ['ClusterRole', 'ClusterRoleBinding'],
  'resource.k8s.io': ['DeviceClass', 'DeviceTaintRule', 'ResourceSlice'],
  'scheduling.k8s.io': ['PriorityClass'],
  'storage.k8s.io': ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment', 'VolumeAttributesClass'],
};

/** Kinds that CustomResourceDefinitions define: `group/Kind` → whether they are namespaced. */
export type DefinedKinds = ReadonlyMap<string, boolean>;

export function definedKinds(objects: Iterable<KubeObject>): DefinedKinds {
  const kinds = new Map<string, boolean>();
  for (const { kind: own, spec } of objects) {
    if (own !== 'CustomResourceDefinition') continue;
    const { group, names, scope } = (spec ?? {}) as {
      group?: unknown;
      names?: { kind?: unknown };
      scope?: unknown;
    };
    if (typeof group === 'string' && typeof names?.kind === 'string')
      kinds.set(`${group}/${names.kind}`, scope !== 'Cluster');
  }
  return kinds;
}

/**
 * Whether an object stands in a namespace, as far as that can be known without an API server: by the kinds of Kubernetes, by the
 * definitions at hand, and for any other kind by whether it names one.
 */
export function isNamespaced({ apiVersion, kind, metadata }: KubeObject, defined: DefinedKinds): boolean {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  if (Object.hasOwn(CLUSTER_SCOPED, group)) return !CLUSTER_SCOPED[group]!.includes(kind);
  return defined.get(`${group}/${kind}`) ?? metadata.namespace !== undefined;
}
