import { FieldSet } from '../apply/field-set.ts';
import type { JsonObject } from '../json.ts';
import { builtIn } from '../schema/built-in.ts';
import type { CustomSchema } from '../schema/crd.ts';
import { decodeTyped } from '../schema/decode.ts';
import type { MapType } from '../schema/types.ts';

/** Everything the server knows about one kind at one version. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  /** `apps/v1`, `v1` */
  readonly apiVersion: string;
  readonly kind: string;
  readonly listKind: string;
  /** The plural in paths. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly type: MapType;
  readonly status: boolean;
  readonly scale: ScalePaths | undefined;
  /** Whether metadata.generation counts changes of what is not metadata or status. */
  readonly generation: boolean;
  /** Present on custom resources. */
  readonly custom: CustomSchema | undefined;
  /** An object of the kind before anything is set. */
  readonly empty: JsonObject;
}

/** Where a kind keeps what its scale subresource shows; `.` separated. */
export interface ScalePaths {
  readonly spec: string;
  readonly status: string;
  readonly selector: string | undefined;
}

/** group/version Kind plural short scope traits */
const TABLE = `
v1 Namespace namespaces ns cluster status
v1 Node nodes no cluster status
v1 ServiceAccount serviceaccounts sa namespaced -
v1 ConfigMap configmaps cm namespaced -
v1 Secret secrets - namespaced -
v1 Service services svc namespaced all,status
v1 Pod pods po namespaced all,status,generation
v1 Event events ev namespaced -
v1 PersistentVolumeClaim persistentvolumeclaims pvc namespaced status
v1 ResourceQuota resourcequotas quota namespaced status
v1 LimitRange limitranges limits namespaced -
apps/v1 Deployment deployments deploy namespaced all,status,scale,generation
apps/v1 ReplicaSet replicasets rs namespaced all,status,scale,generation
apps/v1 StatefulSet statefulsets sts namespaced all,status,scale,generation
apps/v1 DaemonSet daemonsets ds namespaced all,status,generation
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers hpa namespaced all,status
batch/v1 Job jobs - namespaced all,status,generation
batch/v1 CronJob cronjobs cj namespaced all,status,generation
networking.k8s.io/v1 Ingress ingresses ing namespaced status,generation
networking.k8s.io/v1 NetworkPolicy networkpolicies netpol namespaced generation
networking.k8s.io/v1 IngressClass ingressclasses - cluster generation
policy/v1 PodDisruptionBudget poddisruptionbudgets pdb namespaced status,generation
rbac.authorization.k8s.io/v1 Role roles - namespaced -
rbac.authorization.k8s.io/v1 ClusterRole clusterroles - cluster -
rbac.authorization.k8s.io/v1 RoleBinding rolebindings - namespaced -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings - cluster -
storage.k8s.io/v1 StorageClass storageclasses sc cluster -
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations - cluster api-extensions,generation
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations - cluster api-extensions,generation
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions crd,crds cluster api-extensions,status,generation
scheduling.k8s.io/v1 PriorityClass priorityclasses pc cluster generation
coordination.k8s.io/v1 Lease leases - namespaced -
`;

const CATEGORIES = ['all', 'api-extensions'];

/** The built-in kinds in the order discovery lists their groups. */
export const BUILT_IN_KINDS: readonly Kind[] = TABLE.trim().split('\n').map(parseKind);

function parseKind(line: string): Kind {
  const [apiVersion = '', kind = '', resource = '', short = '', scope = '', traitList = ''] = line.split(' ');
  const traits = traitList.split(',');
  const type = builtIn(kind);
  return {
    ...splitVersion(apiVersion),
    apiVersion,
    kind,
    listKind: `${kind}List`,
    resource,
    singular: kind.toLowerCase(),
    shortNames: short === '-' ? [] : short.split(','),
    categories: traits.filter((trait) => CATEGORIES.includes(trait)),
    namespaced: scope === 'namespaced',
    type,
    status: traits.includes('status'),
    scale: traits.includes('scale')
      ? { spec: 'spec.replicas', status: 'status.replicas', selector: 'spec.selector' }
      : undefined,
    generation: traits.includes('generation'),
    custom: undefined,
    empty: { ...decodeTyped({}, type).value, kind, apiVersion },
  };
}

export function splitVersion(apiVersion: string): { group: string; version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

export function builtInKind(apiVersion: string, kind: string): Kind {
  const found = BUILT_IN_KINDS.find((k) => k.apiVersion === apiVersion && k.kind === kind);
  if (!found) throw new Error(`no built-in kind ${apiVersion} ${kind}`);
  return found;
}

const STATUS_ONLY = FieldSet.of(['f:status']);
const SPEC_ONLY = FieldSet.of(['f:spec']);
const DEPLOYMENT_STATUS = FieldSet.of(['f:spec'], ['f:metadata', 'f:labels']);
const POD_STATUS = FieldSet.of(
  ['f:spec'],
  ['f:metadata', 'f:deletionTimestamp'],
  ['f:metadata', 'f:ownerReferences'],
);
const CUSTOM_STATUS = FieldSet.of(['f:spec'], ['f:metadata']);

/** What a write through the main or the status endpoint never owns (each strategy's GetResetFields). */
export function ignoredFields(kind: Kind, subresource: string | undefined): FieldSet | undefined {
  if (!kind.status) return undefined;
  if (subresource !== 'status') return STATUS_ONLY;
  if (kind.custom) return CUSTOM_STATUS;
  if (kind.kind === 'Deployment') return DEPLOYMENT_STATUS;
  if (kind.kind === 'Pod') return POD_STATUS;
  return SPEC_ONLY;
}
