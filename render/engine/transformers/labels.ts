import { about } from '../about.ts';
import type { TransformerConfig } from '../config/config.ts';
import { changeField, setMember } from '../field-path.ts';
import { type FieldSpec, fieldSpec, fieldSpecsOf, mergeFieldSpecs } from '../field-specs.ts';
import { get, isMap, isNull, type JsonMap, set } from '../json.ts';
import type { LabelEntry } from '../read/kustomization.ts';
import type { Resource } from '../resource.ts';
import { newTies } from '../ties.ts';
import type { Transformer } from './transformer.ts';

type Pairs = Readonly<Record<string, string>>;

/** `labels`, `commonLabels` and `commonAnnotations`: sets members of maps, which are made where they are missing. */
export function setPairs(pairs: Pairs, specs: readonly FieldSpec[]): Transformer['run'] {
  const entries = Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1));
  const keys = entries.map(([key]) => key);
  return ({ list }) => {
    if (entries.length === 0) return;
    for (const resource of list) {
      about(resource, () => {
        const before = resource.value;
        const fields = fieldSpecsOf(specs, resource.id);
        for (const spec of fields) resource.write(setAll(resource, spec, entries));
        if (fields.length > 1)
          resource.ties = [...resource.ties, ...newTies(before, resource.value, fields, keys)];
      });
    }
  };
}

function setAll(resource: Resource, spec: FieldSpec, entries: readonly [string, string][]): JsonMap {
  return spec.path === 'metadata/labels' || spec.path === 'metadata/annotations'
    ? inMetadata(resource.value, spec, entries)
    : changed(resource.value, spec, entries);
}

function changed(value: JsonMap, spec: FieldSpec, entries: readonly [string, string][]): JsonMap {
  return changeField(
    value,
    spec,
    (map) => entries.reduce((found, [key, text]) => setMember(key, text)(found), map),
    'map',
  );
}

/** Nearly every object has its labels here: one copy instead of one for each label. */
function inMetadata(value: JsonMap, spec: FieldSpec, entries: readonly [string, string][]): JsonMap {
  const metadata = get(value, 'metadata');
  const field = spec.path.slice('metadata/'.length);
  const map = get(metadata, field);
  if (!spec.create || !isMap(metadata) || !(isNull(map) || isMap(map))) return changed(value, spec, entries);
  return set(value, 'metadata', set(metadata, field, { ...map, ...Object.fromEntries(entries) }));
}

/** The fields that one entry of `labels` sets. @throws EngineFault when its fields disagree with the configuration */
export function labelFields(entry: LabelEntry, config: TransformerConfig): readonly FieldSpec[] {
  let specs = mergeFieldSpecs((entry.fields ?? []).map(asFieldSpec), config.labels);
  if (entry.includeSelectors) return mergeFieldSpecs(specs, config.commonLabels);
  if (entry.includeTemplates) specs = mergeFieldSpecs(specs, config.templateLabels);
  return mergeFieldSpecs(specs, [fieldSpec('metadata/labels', {}, true)]);
}

export function asFieldSpec(entry: {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly path?: string;
  readonly create?: boolean;
}): FieldSpec {
  const { group = '', version = '', kind = '', path = '', create = false } = entry;
  return { group, version, kind, path, create };
}
