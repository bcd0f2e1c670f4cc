import type { Json } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { EngineFault } from '../fault.ts';
import { changeField, mapShared, scalarOnly } from '../field-path.ts';
import { type FieldSpec, fieldSpec, fieldSpecsOf } from '../field-specs.ts';
import { get, isMap, isNull, type JsonMap, kindOf, set, textOf } from '../json.ts';
import { idKey, showId } from '../resource-id.ts';
import type { Transformer } from './transformer.ts';

const SUBJECT_MODES = ['defaultOnly', 'allServiceAccounts', 'none'] as const;
type SubjectMode = (typeof SUBJECT_MODES)[number];

export type NamespaceOptions = {
  readonly namespace: string;
  readonly fieldSpecs: readonly FieldSpec[];
  /** Leaves a namespace that is there. */
  readonly unsetOnly?: boolean;
  /** Which subjects of (Cluster)RoleBindings follow. */
  readonly setRoleBindingSubjects?: string;
};

/**
 * `namespace`: moves every namespaced object, and the references to it that name a namespace.
 * @throws EngineFault for an unknown mode, and while running when two objects become the same
 */
export function namespaceTransformer(options: NamespaceOptions): Transformer['run'] {
  const { namespace, fieldSpecs, unsetOnly = false } = options;
  const mode = (options.setRoleBindingSubjects || 'defaultOnly') as SubjectMode;
  if (!SUBJECT_MODES.includes(mode))
    throw new EngineFault(`setRoleBindingSubjects must be one of ${SUBJECT_MODES.join(', ')}, not ${mode}`);
  const change = setter(namespace, unsetOnly);
  return (resources) => {
    if (namespace === '') return;
    for (const resource of resources.list) {
      if (resource.gone) continue;
      resource.rememberId();
      resource.value = about(resource, () =>
        moved(resource.value, resource.id.cluster, {
          fieldSpecs,
          mode,
          change,
          gvk: resource.id,
        }),
      );
    }
    resources.changed();
    const seen = new Set<string>();
    for (const { id } of resources.list) {
      const key = idKey(id);
      if (seen.has(key))
        throw new EngineFault(`namespace ${namespace} gives two objects the id ${showId(id)}`);
      seen.add(key);
    }
  };
}

type Move = {
  fieldSpecs: readonly FieldSpec[];
  mode: SubjectMode;
  change: (value: Json) => Json;
  gvk: { group: string; version: string; kind: string };
};

const METADATA = fieldSpec('metadata/namespace', {}, true);

/** One object moved; also for ValueAddTransformer, which moves without remembering. */
export function moved(object: JsonMap, cluster: boolean, { fieldSpecs, mode, change, gvk }: Move): JsonMap {
  const isBinding = gvk.kind === 'RoleBinding' || gvk.kind === 'ClusterRoleBinding';
  let value = cluster ? object : changeField(object, METADATA, change, 'scalar');
  if (isBinding) value = moveSubjects(value, mode, change);
  for (const spec of fieldSpecsOf(fieldSpecs, gvk)) {
    if (spec.path === 'metadata/namespace') continue;
    if (spec.path === 'metadata/name' && !(gvk.group === '' && gvk.version === 'v1')) continue;
    if (isBinding && spec.path === 'subjects/namespace' && /^(Cluster)?RoleBinding$/.test(spec.kind))
      continue;
    value = changeField(value, spec, change, 'scalar');
  }
  return value;
}

export function setter(namespace: string, unsetOnly: boolean): (value: Json) => Json {
  return (value) => {
    if (unsetOnly && textOf(value) !== '') return value;
    scalarOnly(value);
    return namespace;
  };
}

function moveSubjects(object: JsonMap, mode: SubjectMode, change: (value: Json) => Json): JsonMap {
  const subjects = get(object, 'subjects');
  if (mode === 'none' || isNull(subjects) || subjects === undefined) return object;
  if (!Array.isArray(subjects)) throw new EngineFault(`subjects must be a list, not ${kindOf(subjects)}`);
  const follows = (subject: { [key: string]: Json }) =>
    mode === 'allServiceAccounts'
      ? textOf(scalarOnly(get(subject, 'kind') ?? null)) === 'ServiceAccount'
      : textOf(scalarOnly(get(subject, 'name') ?? null)) === 'default';
  return set(
    object,
    'subjects',
    mapShared(subjects, (subject) => {
      if (isNull(subject)) return subject;
      if (!isMap(subject)) throw new EngineFault(`a subject must be a map, not ${kindOf(subject)}`);
      return follows(subject) ? set(subject, 'namespace', change(get(subject, 'namespace') ?? '')) : subject;
    }),
  );
}
