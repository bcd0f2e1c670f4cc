import type { FieldError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { equal, isObject, objectAt, objectsAt, stringAt, stringMap, valueAt } from '../json.ts';
import { validateCustom } from '../schema/validate-custom.ts';
import type { Write } from '../write/context.ts';
import { validateCrd } from './crd-rules.ts';
import type { Kind } from './kinds.ts';
import { validatePodSpec } from './pod-rules.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** The rules a new object breaks, as far as they are simulated: names, required fields, selectors. */
export function validateCreate(object: JsonObject, kind: Kind): FieldError[] {
  return [...validateMetadata(object, kind), ...validateContent(object, kind)];
}

/** The rules an update breaks: those of a new object, and what may not change. */
export function validateUpdate(
  next: JsonObject,
  old: JsonObject,
  { kind, subresource }: Write,
): FieldError[] {
  const held = newFinalizers(next, old);
  if (held.length > 0) return held;
  if (subresource === 'status') return kind.custom ? validateCustom(next, kind.custom.schema) : [];
  return [
    ...validateMetadata(next, kind),
    ...validateContent(next, kind),
    ...(UPDATE[kind.kind]?.(next, old) ?? []),
  ];
}

/** What is being deleted takes no new finalizers. */
function newFinalizers(next: JsonObject, old: JsonObject): FieldError[] {
  if (valueAt(old, 'metadata', 'deletionTimestamp') === undefined) return [];
  const list = (object: JsonObject) => {
    const value = valueAt(object, 'metadata', 'finalizers');
    return Array.isArray(value) ? value.map(String) : [];
  };
  const added = list(next).filter((finalizer) => !list(old).includes(finalizer));
  if (added.length === 0) return [];
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
  return [{ type: 'forbidden', field: 'metadata.finalizers', detail }];
}

function validateMetadata(object: JsonObject, kind: Kind): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(object, 'metadata', 'name') ?? '';
  if (name === '') {
    errors.push({ type: 'required', field: 'metadata.name', detail: 'name or generateName is required' });
  } else if (kind.kind === 'Namespace' || kind.kind === 'Service') {
    if (!LABEL.test(name) || name.length > 63) {
      errors.push({ type: 'invalid', field: 'metadata.name', value: name, detail: LABEL_RULE });
    }
  } else if (!kind.group.startsWith('rbac.') && (!SUBDOMAIN.test(name) || name.length > 253)) {
    errors.push({ type: 'invalid', field: 'metadata.name', value: name, detail: SUBDOMAIN_RULE });
  }
  for (const value of Object.values(stringMap(valueAt(object, 'metadata', 'labels')))) {
    if (/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value) && value.length <= 63) continue;
    errors.push({ type: 'invalid', field: 'metadata.labels', value, detail: VALUE_RULE });
  }
  return errors;
}

function validateContent(object: JsonObject, kind: Kind): FieldError[] {
  if (kind.custom) return validateCustom(object, kind.custom.schema);
  return CONTENT[kind.kind]?.(object) ?? [];
}

const CONTENT: Record<string, (object: JsonObject) => FieldError[]> = {
  ConfigMap: validateKeys,
  Secret: validateKeys,
  Pod: (object) => validatePodSpec(objectAt(object, 'spec') ?? {}, 'spec'),
  Deployment: validateWorkload,
  ReplicaSet: validateWorkload,
  StatefulSet: validateWorkload,
  DaemonSet: validateWorkload,
  Job: (object) => validatePodSpec(objectAt(object, 'spec', 'template', 'spec') ?? {}, 'spec.template.spec'),
  CronJob: (object) => {
    const spec = objectAt(object, 'spec', 'jobTemplate', 'spec', 'template', 'spec') ?? {};
    return validatePodSpec(spec, 'spec.jobTemplate.spec.template.spec');
  },
  Service: (object) => {
    const spec = objectAt(object, 'spec') ?? {};
    const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
    const errors: FieldError[] = [];
    if (objectsAt(spec, 'ports').length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None') {
      errors.push({ type: 'required', field: 'spec.ports' });
    }
    if (!types.includes(String(spec.type))) {
      errors.push({
        type: 'unsupported',
        field: 'spec.type',
        value: spec.type,
        detail: `supported values: ${types.map((type) => `"${type}"`).join(', ')}`,
      });
    }
    return errors;
  },
  CustomResourceDefinition: validateCrd,
};

function validateKeys(object: JsonObject): FieldError[] {
  const rule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  return ['data', 'binaryData'].flatMap((field) =>
    Object.keys(objectAt(object, field) ?? {})
      .filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key))
      .map((key) => ({ type: 'invalid', field: `${field}[${key}]`, value: key, detail: rule })),
  );
}

function validateWorkload(object: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const selector = objectAt(object, 'spec', 'selector');
  if (!selector) {
    errors.push({ type: 'required', field: 'spec.selector' });
  } else if (Object.keys(selector).length === 0) {
    errors.push({
      type: 'invalid',
      field: 'spec.selector',
      value: {},
      detail: `empty selector is invalid for ${String(object.kind).toLowerCase()}`,
    });
  }
  const labels = valueAt(object, 'spec', 'template', 'metadata', 'labels');
  const wanted = stringMap(selector?.matchLabels);
  const have = stringMap(labels);
  if (!selector || Object.entries(wanted).some(([name, value]) => have[name] !== value)) {
    errors.push({
      type: 'invalid',
      field: 'spec.template.metadata.labels',
      value: labels ?? null,
      detail: '`selector` does not match template `labels`',
    });
  }
  return [
    ...errors,
    ...validatePodSpec(objectAt(object, 'spec', 'template', 'spec') ?? {}, 'spec.template.spec'),
  ];
}

type UpdateRule = (next: JsonObject, old: JsonObject) => FieldError[];

const UPDATE: Record<string, UpdateRule> = {
  Deployment: immutable('spec.selector'),
  ReplicaSet: immutable('spec.selector'),
  DaemonSet: immutable('spec.selector'),
  StatefulSet: (next, old) => {
    const mutable = [
      'replicas',
      'ordinals',
      'template',
      'updateStrategy',
      'revisionHistoryLimit',
      'persistentVolumeClaimRetentionPolicy',
      'minReadySeconds',
    ];
    const fixed = (object: JsonObject) =>
      Object.fromEntries(
        Object.entries(objectAt(object, 'spec') ?? {}).filter(([name]) => !mutable.includes(name)),
      );
    if (equal(fixed(next), fixed(old))) return [];
    const detail =
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    return [{ type: 'forbidden', field: 'spec', detail }];
  },
  Job: immutable('spec.template', 'spec.selector', 'spec.completions'),
  Secret: (next, old) => [...immutable('type')(next, old), ...immutableData(next, old)],
  ConfigMap: immutableData,
  RoleBinding: roleRef,
  ClusterRoleBinding: roleRef,
  PersistentVolumeClaim: (next, old) => {
    const fixed = (object: JsonObject) => {
      const { resources: _, volumeName: __, ...rest } = objectAt(object, 'spec') ?? {};
      return rest;
    };
    if (equal(fixed(next), fixed(old))) return [];
    const detail =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
    return [{ type: 'forbidden', field: 'spec', detail }];
  },
  Service: (next, old) => {
    const before = stringAt(old, 'spec', 'clusterIP');
    const after = stringAt(next, 'spec', 'clusterIP');
    if (!before || before === after || stringAt(next, 'spec', 'type') === 'ExternalName') return [];
    const detail = 'may not change once set';
    return [{ type: 'invalid', field: 'spec.clusterIPs[0]', value: [after ?? ''], detail }];
  },
  StorageClass: immutable('provisioner', 'reclaimPolicy', 'volumeBindingMode', 'parameters'),
  PriorityClass: immutable('value'),
};

function immutable(...fields: string[]): UpdateRule {
  return (next, old) =>
    fields
      .filter((field) => !equal(valueAt(next, ...field.split('.')), valueAt(old, ...field.split('.'))))
      .map((field) => ({
        type: 'invalid',
        field,
        value: valueAt(next, ...field.split('.')) ?? null,
        detail: 'field is immutable',
      }));
}

function immutableData(next: JsonObject, old: JsonObject): FieldError[] {
  if (old.immutable !== true) return [];
  const errors: FieldError[] = [];
  const refuse = (field: string) =>
    errors.push({ type: 'forbidden', field, detail: 'field is immutable when `immutable` is set' });
  if (next.immutable !== true) refuse('immutable');
  for (const field of ['data', 'binaryData']) {
    const bag = (value: Json | undefined) => (isObject(value) ? value : {});
    if (!equal(bag(next[field]), bag(old[field]))) refuse(field);
  }
  return errors;
}

function roleRef(next: JsonObject, old: JsonObject): FieldError[] {
  const role = objectAt(next, 'roleRef') ?? {};
  if (equal(role, old.roleRef)) return [];
  // The message prints the internal type, whose fields have Go's names.
  const value = { APIGroup: role.apiGroup ?? '', Kind: role.kind ?? '', Name: role.name ?? '' };
  return [{ type: 'invalid', field: 'roleRef', value, detail: 'cannot change roleRef' }];
}
