import type { JsonObject } from '../json.ts';
import { clone, isObject, objectAt, objectsAt, stringMap } from '../json.ts';
import type { Kind } from './kinds.ts';
import { child, defaultPodSpec, fill, requestsFromLimits } from './pod-defaults.ts';

const ANY_PERCENT = '25%';
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';
const RBAC = 'rbac.authorization.k8s.io';

/**
 * Sets what the API server sets while it decodes an object of a built-in kind, before field ownership is computed: a
 * writer by update owns these values. The object must have been decoded; it is changed in place.
 */
export function setDefaults(object: JsonObject, kind: Kind): void {
  BY_KIND[kind.kind]?.(object, child(object, 'spec'));
  if (!kind.type.fields.has('spec')) delete object.spec;
}

type Defaulter = (object: JsonObject, spec: JsonObject) => void;

const BY_KIND: Record<string, Defaulter> = {
  Namespace: (object) => {
    fill(child(object, 'status'), { phase: 'Active' });
    const { metadata } = object;
    if (isObject(metadata) && typeof metadata.name === 'string' && metadata.name) {
      child(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata.name;
    }
  },
  Secret: (object) => {
    // stringData is written only: it ends up in data.
    const plain = stringMap(object.stringData);
    if (Object.keys(plain).length > 0) {
      const data = child(object, 'data');
      for (const [name, text] of Object.entries(plain)) data[name] = Buffer.from(text).toString('base64');
    }
    delete object.stringData;
    fill(object, { type: 'Opaque' });
  },
  Service: (object, spec) => {
    for (const address of objectsAt(object, 'status', 'loadBalancer', 'ingress')) {
      if (address.ip) fill(address, { ipMode: 'VIP' });
    }
    fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
    if (spec.sessionAffinity === 'ClientIP') {
      fill(child(child(spec, 'sessionAffinityConfig'), 'clientIP'), { timeoutSeconds: 10_800 });
    }
    const type = spec.type;
    if (type !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' });
    if (type === 'NodePort' || type === 'LoadBalancer') fill(spec, { externalTrafficPolicy: 'Cluster' });
    if (type === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
    for (const port of objectsAt(spec, 'ports')) {
      const target = port.targetPort;
      if (target === undefined || target === 0 || target === '') port.targetPort = port.port ?? 0;
    }
  },
  Pod: (object, spec) => {
    defaultPodSpec(spec);
    requestsFromLimits(spec);
    fill(spec, { enableServiceLinks: true });
    fill(child(object, 'status'), { phase: 'Pending' });
    if (spec.hostNetwork !== true) return;
    for (const container of objectsAt(spec, 'containers')) {
      for (const port of objectsAt(container, 'ports')) fill(port, { hostPort: port.containerPort ?? 0 });
    }
  },
  PersistentVolumeClaim: (object, spec) => {
    fill(spec, { volumeMode: 'Filesystem' });
    fill(child(object, 'status'), { phase: 'Pending' });
  },
  LimitRange: (_, spec) => {
    for (const limit of objectsAt(spec, 'limits')) {
      if (limit.type !== 'Container') continue;
      const max = limit.max;
      if (isObject(max)) fill(child(limit, 'default'), clone(max) as Record<string, string>);
      const limits = limit.default;
      if (isObject(limits)) fill(child(limit, 'defaultRequest'), clone(limits) as Record<string, string>);
      const min = limit.min;
      if (isObject(min)) fill(child(limit, 'defaultRequest'), clone(min) as Record<string, string>);
    }
  },
  Deployment: (_, spec) => {
    fill(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
    const strategy = child(spec, 'strategy');
    fill(strategy, { type: 'RollingUpdate' });
    if (strategy.type === 'RollingUpdate') {
      fill(child(strategy, 'rollingUpdate'), { maxUnavailable: ANY_PERCENT, maxSurge: ANY_PERCENT });
    }
    defaultTemplate(spec);
  },
  ReplicaSet: (_, spec) => {
    fill(spec, { replicas: 1 });
    defaultTemplate(spec);
  },
  StatefulSet: (_, spec) => {
    fill(spec, { podManagementPolicy: 'OrderedReady', replicas: 1, revisionHistoryLimit: 10 });
    const strategy = child(spec, 'updateStrategy');
    fill(strategy, { type: 'RollingUpdate' });
    if (strategy.type === 'RollingUpdate') fill(child(strategy, 'rollingUpdate'), { partition: 0 });
    fill(child(spec, 'persistentVolumeClaimRetentionPolicy'), {
      whenDeleted: 'Retain',
      whenScaled: 'Retain',
    });
    for (const claim of objectsAt(spec, 'volumeClaimTemplates')) {
      fill(claim, { kind: 'PersistentVolumeClaim', apiVersion: 'v1' });
      fill(child(claim, 'spec'), { volumeMode: 'Filesystem' });
      fill(child(claim, 'status'), { phase: 'Pending' });
    }
    defaultTemplate(spec);
  },
  DaemonSet: (object, spec) => {
    fill(child(child(object, 'metadata'), 'annotations'), { [TEMPLATE_GENERATION]: '0' });
    const strategy = child(spec, 'updateStrategy');
    fill(strategy, { type: 'RollingUpdate' });
    if (strategy.type === 'RollingUpdate') {
      fill(child(strategy, 'rollingUpdate'), { maxUnavailable: 1, maxSurge: 0 });
    }
    fill(spec, { revisionHistoryLimit: 10 });
    defaultTemplate(spec);
  },
  Job: (_, spec) => defaultJob(spec),
  CronJob: (_, spec) => {
    fill(spec, {
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    const template = objectAt(spec, 'jobTemplate', 'spec', 'template', 'spec');
    if (template) defaultPodSpec(template);
  },
  Ingress: (_, spec) => {
    for (const rule of objectsAt(spec, 'rules')) {
      for (const path of objectsAt(rule, 'http', 'paths')) fill(path, { pathType: 'ImplementationSpecific' });
    }
  },
  NetworkPolicy: (_, spec) => {
    for (const rule of [...objectsAt(spec, 'ingress'), ...objectsAt(spec, 'egress')]) {
      for (const port of objectsAt(rule, 'ports')) fill(port, { protocol: 'TCP' });
    }
    const egress = objectsAt(spec, 'egress').length > 0;
    fill(spec, { policyTypes: egress ? ['Ingress', 'Egress'] : ['Ingress'] });
  },
  RoleBinding: defaultSubjects,
  ClusterRoleBinding: defaultSubjects,
  HorizontalPodAutoscaler: (_, spec) => {
    fill(spec, {
      minReplicas: 1,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    });
  },
  StorageClass: (object) => fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
  PriorityClass: (object) => fill(object, { preemptionPolicy: 'PreemptLowerPriority' }),
  ValidatingWebhookConfiguration: defaultWebhooks,
  MutatingWebhookConfiguration: defaultWebhooks,
  CustomResourceDefinition: (object, spec) => {
    const names = child(spec, 'names');
    const kind = String(names.kind ?? '');
    fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
    fill(child(spec, 'conversion'), { strategy: 'None' });
    if (!Array.isArray(objectAt(object, 'status')?.storedVersions)) {
      const stored = objectsAt(spec, 'versions').filter((version) => version.storage === true);
      child(object, 'status').storedVersions = stored.map((version) => version.name ?? '');
    }
  },
};

function defaultTemplate(spec: JsonObject): void {
  const template = objectAt(spec, 'template', 'spec');
  if (template) defaultPodSpec(template);
}

function defaultJob(spec: JsonObject): void {
  // Both absent means one run; with parallelism alone it is a work queue.
  if (spec.completions === undefined && spec.parallelism === undefined) {
    fill(spec, { completions: 1, parallelism: 1 });
  }
  fill(spec, {
    parallelism: 1,
    backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
  });
  defaultTemplate(spec);
}

function defaultSubjects(object: JsonObject): void {
  for (const subject of objectsAt(object, 'subjects')) {
    if (subject.kind === 'User' || subject.kind === 'Group') fill(subject, { apiGroup: RBAC });
  }
  const role = object.roleRef;
  if (isObject(role) && !role.apiGroup) role.apiGroup = RBAC;
}

function defaultWebhooks(object: JsonObject): void {
  for (const webhook of objectsAt(object, 'webhooks')) {
    fill(webhook, {
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
    });
    if (object.kind === 'MutatingWebhookConfiguration') fill(webhook, { reinvocationPolicy: 'Never' });
    for (const rule of objectsAt(webhook, 'rules')) fill(rule, { scope: '*' });
    const service = objectAt(webhook, 'clientConfig', 'service');
    if (service) fill(service, { port: 443 });
  }
}
