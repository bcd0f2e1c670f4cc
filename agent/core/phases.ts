import type { KubeObject } from './object.ts';
import { splitApiVersion } from './object.ts';

/**
 * The order of an apply. Objects of one phase may be written at the same time; a phase begins when the one before has been
 * written, and after `definitions` also when its CRDs are established and its Namespaces active. `bindings` come after the roles that
 * they name, or whoever is not cluster-admin may not create them. Pruning goes backwards.
 */
export const PHASES = ['definitions', 'configuration', 'bindings', 'workloads', 'webhooks'] as const;
export type Phase = (typeof PHASES)[number];

/** Within a phase by this list, then by what is not listed; equal ranks by id. After Flux's ssa/sort.go. */
const FIRST = [
  'CustomResourceDefinition',
  'Namespace',
  'ClusterRole',
  'ClusterClass',
  'RuntimeClass',
  'PriorityClass',
  'StorageClass',
  'VolumeSnapshotClass',
  'IngressClass',
  'GatewayClass',
  'ClusterRoleBinding',
  'ResourceQuota',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'ConfigMap',
  'Secret',
  'LimitRange',
  'Service',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
] as const;
const RANK = new Map<string, number>(FIRST.map((kind, index) => [kind, index]));
const DEFINITIONS = new Set(['CustomResourceDefinition', 'Namespace', 'ClusterRole']);
const BINDINGS = new Set(['ClusterRoleBinding', 'RoleBinding']);
const CONFIGURATION = new Set([
  'ResourceQuota',
  'ServiceAccount',
  'Role',
  'ConfigMap',
  'Secret',
  'LimitRange',
]);
const WEBHOOKS = new Set(['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);
/** Kinds of these groups are the built-in ones: a CR that happens to be called Namespace is none. */
const BUILT_IN_GROUP = /^$|^apps$|^batch$|^autoscaling$|^policy$|\.k8s\.io$/;

export type Ranked = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>;

export function phaseOf({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Phase {
  if (kind.endsWith('Class')) return 'configuration';
  if (!BUILT_IN_GROUP.test(splitApiVersion(apiVersion).group)) return 'workloads';
  if (DEFINITIONS.has(kind)) return 'definitions';
  if (CONFIGURATION.has(kind)) return 'configuration';
  if (BINDINGS.has(kind)) return 'bindings';
  return WEBHOOKS.has(kind) ? 'webhooks' : 'workloads';
}

/** Argo's sync wave orders within a phase; not a number counts as 0. */
function waveOf(object: Ranked): number {
  const wave = Number(object.metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);
  return Number.isSafeInteger(wave) ? wave : 0;
}

/**
 * Total order of an apply: phase, sync wave, rank of the kind, group, kind, namespace, name. Independent of the input's order.
 * Laws: phases never interleave; sorting twice changes nothing.
 */
export function compareObjects(a: Ranked, b: Ranked): number {
  return (
    PHASES.indexOf(phaseOf(a)) - PHASES.indexOf(phaseOf(b)) ||
    waveOf(a) - waveOf(b) ||
    (RANK.get(a.kind) ?? FIRST.length) - (RANK.get(b.kind) ?? FIRST.length) ||
    compareText(splitApiVersion(a.apiVersion).group, splitApiVersion(b.apiVersion).group) ||
    compareText(a.kind, b.kind) ||
    compareText(a.metadata.namespace ?? '', b.metadata.namespace ?? '') ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Groups in the order of an apply: one list per phase and sync wave; empty phases are left out. */
export function phasesOf<T extends Ranked>(objects: readonly T[]): { phase: Phase; objects: T[] }[] {
  const groups: { phase: Phase; wave: number; objects: T[] }[] = [];
  for (const object of objects.toSorted(compareObjects)) {
    const phase = phaseOf(object);
    const wave = waveOf(object);
    const last = groups.at(-1);
    if (last && last.phase === phase && last.wave === wave) last.objects.push(object);
    else groups.push({ phase, wave, objects: [object] });
  }
  return groups.map(({ phase, objects: members }) => ({ phase, objects: members }));
}
