import type { Json } from '../../yaml/read.ts';
import type { NameReference } from '../config/config.ts';
import { EngineFault } from '../fault.ts';
import { changeField, mapShared } from '../field-path.ts';
import type { FieldSpec } from '../field-specs.ts';
import { get, isMap, isNull, kindOf, set, textOf } from '../json.ts';
import type { Resource } from '../resource.ts';
import { apiVersionOf, type Gvk, isSelectedByGvk, showId } from '../resource-id.ts';
import type { Resources } from '../resources.ts';
import { Candidates } from './name-candidates.ts';

/**
 * Lets references follow the names that changed: an object that has another's former name in a field that the
 * configuration knows gets its new one, and its namespace where the field is a map.
 *
 * @throws EngineFault when a name could mean several objects, and for fields of another shape than expected
 */
export function fixNameReferences(resources: Resources, references: readonly NameReference[]): void {
  const candidates = new Candidates(resources.list);
  for (const referrer of resources.list) {
    const fields = referencesOf(references, referrer.originalId);
    if (fields.length === 0) continue;
    checkId(referrer);
    checkSubjects(referrer);
    for (const { spec, target } of fields) {
      const reference = { referrer, target, path: spec.path, candidates };
      try {
        referrer.value = changeField(referrer.value, { ...spec, create: false }, (field) =>
          follow(field, reference),
        );
      } catch (cause) {
        if (!(cause instanceof EngineFault)) throw cause;
        const message = `${showId(referrer.id)}: name reference in ${spec.path}: ${cause.message}`;
        throw new EngineFault(message, undefined, { cause });
      }
    }
  }
}

type Field = { readonly spec: FieldSpec; readonly target: NameReference };
type Reference = { referrer: Resource; target: NameReference; path: string; candidates: Candidates };

const byKind = new WeakMap<readonly NameReference[], Map<string, readonly Field[]>>();

/** The fields of a kind that hold names, with the kind that each names. */
function referencesOf(references: readonly NameReference[], { group, version, kind }: Gvk): readonly Field[] {
  let known = byKind.get(references);
  if (!known) {
    known = new Map();
    byKind.set(references, known);
  }
  const key = `${group}/${version}/${kind}`;
  let fields = known.get(key);
  if (!fields) {
    fields = references.flatMap((target) =>
      target.fieldSpecs
        .filter((spec) => isSelectedByGvk({ group, version, kind }, spec))
        .map((spec) => ({ spec, target })),
    );
    known.set(key, fields);
  }
  return fields;
}

function follow(field: Json, reference: Reference): Json {
  if (isNull(field)) return field;
  if (Array.isArray(field)) {
    return mapShared(field, (item) => {
      if (Array.isArray(item)) throw new EngineFault('text or a map is expected in the list, not a list');
      return isNull(item) ? item : isMap(item) ? followMap(item, reference) : followName(item, reference);
    });
  }
  return isMap(field) ? followMap(field, reference) : followName(field, reference);
}

function followName(name: Json, reference: Reference): Json {
  const oldName = textOf(name);
  const found = reference.candidates.find(oldName, reference, undefined, ['name']);
  return found === undefined || found.name === oldName ? name : found.name;
}

/** A map with `name` and perhaps `namespace`, which take the place of the names in its fields. */
function followMap(map: { [key: string]: Json }, reference: Reference): Json {
  if (!Object.hasOwn(map, 'name')) throw new EngineFault('the map has no name');
  const oldName = textOf(map.name);
  const namespace = Object.hasOwn(map, 'namespace') ? textOf(map.namespace) : undefined;
  const found = reference.candidates.find(oldName, reference, namespace, ['name', 'namespace']);
  if (!found || (found.name === oldName && found.namespace === '')) return map;
  const renamed = set(map, 'name', found.name);
  return found.namespace === '' ? renamed : set(renamed, 'namespace', found.namespace);
}

/**
 * kustomize reads the id of who refers to others in two ways, and gives up where they differ: `null` is nothing to one of them, and
 * of an apiVersion that starts with a slash one has lost it.
 */
function checkId({ value, id, apiVersion }: Resource): void {
  if (apiVersionOf(id) !== apiVersion)
    throw new EngineFault(`${showId(id)}: apiVersion ${apiVersion} has no group before its slash`);
  for (const key of ['apiVersion', 'kind'])
    if (get(value, key) === null) throw new EngineFault(`${showId(id)}: ${key} is null`);
}

/** A RoleBinding can name accounts of other namespaces, if it names those. */
function checkSubjects(referrer: Resource): void {
  if (referrer.kind !== 'RoleBinding') return;
  const subjects = get(referrer.value, 'subjects');
  if (!Array.isArray(subjects)) return;
  for (const subject of subjects) {
    if (!isMap(subject)) throw new EngineFault(`a subject must be a map, not ${kindOf(subject)}`);
    if (!Object.hasOwn(subject, 'namespace') || !Object.hasOwn(subject, 'kind')) continue;
    if (typeof subject.kind !== 'string')
      throw new EngineFault(`${showId(referrer.id)}: the kind of a subject must be text`);
    if (subject.kind === 'ServiceAccount' && typeof subject.namespace !== 'string')
      throw new EngineFault(`${showId(referrer.id)}: the namespace of a subject is blank`);
  }
}
