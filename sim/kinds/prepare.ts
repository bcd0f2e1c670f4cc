import type { Cluster } from '../cluster.ts';
import type { Json, JsonObject } from '../json.ts';
import { clone, equal, isObject, objectsAt, stringAt, valueAt } from '../json.ts';
import type { Write } from '../write/context.ts';
import { TEMPLATE_GENERATION } from './defaults.ts';
import type { Kind } from './kinds.ts';
import { child, fill } from './pod-defaults.ts';

/** What the server sets on a new object after ownership was computed: nobody owns these (PrepareForCreate, admission). */
export function prepareForCreate(object: JsonObject, kind: Kind, cluster: Cluster): void {
  if (kind.status) {
    const empty = kind.empty.status;
    if (empty === undefined) delete object.status;
    else object.status = clone(empty);
  }
  CREATE[kind.kind]?.(object, cluster);
}

const CREATE: Record<string, (object: JsonObject, cluster: Cluster) => void> = {
  Namespace: (object) => {
    child(object, 'spec').finalizers = ['kubernetes'];
    child(object, 'status').phase = 'Active';
    const metadata = child(object, 'metadata');
    child(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata.name ?? '';
  },
  Pod: (object) => {
    const spec = child(object, 'spec');
    fill(spec, { priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
    tolerate(spec);
    object.status = { phase: 'Pending', qosClass: qosOf(spec) };
  },
  Service: (object, cluster) => allocateAddress(child(object, 'spec'), cluster),
  PersistentVolumeClaim: (object) => {
    child(object, 'status').phase = 'Pending';
    addFinalizer(child(object, 'metadata'), 'kubernetes.io/pvc-protection');
  },
  DaemonSet: (object) => {
    annotationsOf(object)[TEMPLATE_GENERATION] = '1';
  },
  Role: dropEmptyRules,
  ClusterRole: dropEmptyRules,
  Job: (object) => {
    if (child(object, 'spec').manualSelector !== true) labelJob(object);
  },
  CustomResourceDefinition: (object) => {
    const stored = objectsAt(object, 'spec', 'versions').filter((version) => version.storage === true);
    child(object, 'status').storedVersions = stored.map((version) => version.name ?? '');
  },
};

/** Keeps what the endpoint may not change and counts the generation (PrepareForUpdate). */
export function prepareForUpdate(next: JsonObject, old: JsonObject, { kind, subresource }: Write): void {
  if (subresource === 'status') {
    if (kind.custom) keepAllBut(next, old, 'status');
    else keep(next, old, 'spec');
    if (kind.kind === 'Deployment') keep(child(next, 'metadata'), child(old, 'metadata'), 'labels');
    return;
  }
  if (kind.status) keep(next, old, 'status');
  UPDATE[kind.kind]?.(next, old);
  if (kind.generation && specChanged(next, old, kind)) {
    const metadata = child(next, 'metadata');
    metadata.generation = Number(metadata.generation ?? 0) + 1;
  }
}

const UPDATE: Record<string, (next: JsonObject, old: JsonObject) => void> = {
  Namespace: (next, old) => keep(child(next, 'spec'), child(old, 'spec'), 'finalizers'),
  Service: (next, old) => {
    const spec = child(next, 'spec');
    const before = child(old, 'spec');
    if (spec.type === 'ExternalName') return;
    // An apply or update that does not name the allocated addresses leaves them as they are.
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
      if (spec[field] === undefined && before[field] !== undefined) spec[field] = clone(before[field]);
    }
  },
  DaemonSet: (next, old) => {
    const before = Number(annotationsOf(old)[TEMPLATE_GENERATION] ?? 0);
    const isSame = equal(valueAt(next, 'spec', 'template'), valueAt(old, 'spec', 'template'));
    annotationsOf(next)[TEMPLATE_GENERATION] = String(isSame ? before : before + 1);
  },
  Role: dropEmptyRules,
  ClusterRole: dropEmptyRules,
};

function annotationsOf(object: JsonObject): JsonObject {
  return child(child(object, 'metadata'), 'annotations');
}

/** An empty list of rules is stored as none; an aggregated role's rules are its controller's. */
function dropEmptyRules(object: JsonObject): void {
  if (objectsAt(object, 'rules').length === 0) object.rules = null;
}

function specChanged(next: JsonObject, old: JsonObject, kind: Kind): boolean {
  if (kind.kind === 'Deployment') {
    const annotations = (object: JsonObject) => child(object, 'metadata').annotations ?? {};
    if (!equal(annotations(next), annotations(old))) return true;
  }
  const content = ({ metadata: _, ...rest }: JsonObject) => {
    if (kind.status) delete rest.status;
    return rest;
  };
  return !equal(content(next), content(old));
}

function keep(next: JsonObject, old: JsonObject, field: string): void {
  const value = old[field];
  if (value === undefined) delete next[field];
  else next[field] = clone(value);
}

function keepAllBut(next: JsonObject, old: JsonObject, field: string): void {
  const managedFields = child(next, 'metadata').managedFields;
  const changed = next[field];
  for (const name of Object.keys(next)) delete next[name];
  Object.assign(next, clone(old));
  if (changed === undefined) delete next[field];
  else next[field] = changed;
  const metadata = child(next, 'metadata');
  if (managedFields === undefined) delete metadata.managedFields;
  else metadata.managedFields = managedFields;
}

export function addFinalizer(metadata: JsonObject, finalizer: string): void {
  const list = Array.isArray(metadata.finalizers) ? metadata.finalizers : [];
  if (!list.includes(finalizer)) metadata.finalizers = [...list, finalizer];
}

function tolerate(spec: JsonObject): void {
  const list: Json[] = Array.isArray(spec.tolerations) ? spec.tolerations : [];
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    if (list.some((item) => isObject(item) && item.key === key)) continue;
    list.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  spec.tolerations = list;
}

function qosOf(spec: JsonObject): string {
  const all = objectsAt(spec, 'containers').map((container) => container.resources);
  const bag = (resources: Json | undefined, name: string) => {
    const value = isObject(resources) ? resources[name] : undefined;
    return isObject(value) ? value : {};
  };
  if (all.every((r) => Object.keys({ ...bag(r, 'limits'), ...bag(r, 'requests') }).length === 0)) {
    return 'BestEffort';
  }
  const guaranteed = all.every(
    (r) =>
      ['cpu', 'memory'].every((name) => name in bag(r, 'limits')) &&
      equal(bag(r, 'limits'), bag(r, 'requests')),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function allocateAddress(spec: JsonObject, cluster: Cluster): void {
  if (spec.type === 'ExternalName') return;
  const address = spec.clusterIP ?? cluster.nextAddress();
  spec.clusterIP = address;
  fill(spec, { clusterIPs: [address], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return;
  for (const port of objectsAt(spec, 'ports')) fill(port, { nodePort: cluster.nextNodePort() });
}

function labelJob(job: JsonObject): void {
  const uid = stringAt(job, 'metadata', 'uid') ?? '';
  const name = stringAt(job, 'metadata', 'name') ?? '';
  const spec = child(job, 'spec');
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  fill(child(child(child(spec, 'template'), 'metadata'), 'labels'), labels);
  fill(spec, { selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } } });
  // A Job without labels of its own takes over those of its template.
  const own = child(job, 'metadata');
  if (Object.keys(child(own, 'labels')).length === 0) {
    own.labels = clone(child(child(child(spec, 'template'), 'metadata'), 'labels'));
  }
}
