import { glob } from './ignore.ts';

/**
 * Field managers that write into other people's objects by design: what they hold is neither an extra nor a change. The list of the
 * control plane and of widespread injectors; a fleet adds its own under `drift.controllers` (globs).
 */
const CONTROLLERS = [
  // Where managedFields were wiped, the server calls everything that stood there so, defaults included.
  'before-first-apply',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-apiserver',
  'kube-proxy',
  'kubelet',
  'cloud-controller-manager',
  'clusterrole-aggregation-controller',
  'service-controller',
  'endpoint-controller',
  'horizontal-pod-autoscaler',
  'vpa-*',
  'cluster-autoscaler',
  'keda*',
  'cainjector',
  'cert-manager-*',
  'external-dns*',
  'aws-load-balancer-controller',
  'elbv2-controller',
  'ingress-gce',
  'glbc',
  'gke-*',
  'csi-*',
  'snapshot-controller',
  'istiod',
  'pilot-discovery',
  'linkerd-*',
  'gatekeeper',
  'kyverno*',
  'kwok*',
] as const;

export type Controllers = (manager: string) => boolean;

/** Whether a manager is known to own fields by design; `further` are the globs of the Fleet. Our own name never is. */
export function knownControllers(further: readonly string[] = []): Controllers {
  const globs = [...CONTROLLERS, ...further].map(glob);
  const known = new Map<string, boolean>();
  return (manager) => {
    const answer = known.get(manager) ?? globs.some((each) => each.test(manager));
    known.set(manager, answer);
    return answer;
  };
}

/** Fields that the cluster sets for itself. `undeclared`: only where Git says nothing about the field. */
const PATHS: readonly { kinds: readonly string[]; path: RegExp; undeclared?: true }[] = [
  {
    kinds: ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'],
    path: /^\/webhooks\[[^\]]*\]\/clientConfig\/caBundle$/,
  },
  { kinds: ['CustomResourceDefinition'], path: /^\/spec\/conversion\/webhook\/clientConfig\/caBundle$/ },
  // Set by the server when it is created, in the name of whoever creates it.
  { kinds: ['Namespace'], path: /^\/metadata\/labels\/kubernetes\.io~1metadata\.name$/, undeclared: true },
  { kinds: ['APIService'], path: /^\/spec\/caBundle$/ },
  { kinds: ['ServiceAccount'], path: /^\/(secrets|imagePullSecrets)\b/, undeclared: true },
  {
    kinds: ['Service'],
    path: /^\/spec\/(clusterIPs?|healthCheckNodePort)\b|\/nodePort$/,
    undeclared: true,
  },
  {
    kinds: [],
    path: /\/metadata\/annotations\/(kubectl\.kubernetes\.io~1restartedAt|deployment\.kubernetes\.io~1[^/]*)$/,
  },
];

/** Whether whoever holds the field at this pointer holds it by design, whatever the manager's name. */
export function ownedByDesign(
  kind: string,
  pointer: string,
  is: { declared: boolean; aggregated: boolean },
): boolean {
  if (kind === 'ClusterRole' && is.aggregated && /^\/rules\b/.test(pointer)) return true;
  return PATHS.some(
    ({ kinds, path, undeclared }) =>
      (kinds.length === 0 || kinds.includes(kind)) && path.test(pointer) && !(undeclared && is.declared),
  );
}
