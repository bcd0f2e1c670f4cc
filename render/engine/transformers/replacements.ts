import type { Json } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { EngineFault } from '../fault.ts';
import { lookUp, splitFieldPath, visitField } from '../field-match.ts';
import { isEmpty, isMap, isNull, type JsonMap, textOf } from '../json.ts';
import { decode, list, PLUGIN_RULES } from '../read/decode.ts';
import {
  type FieldOptions,
  type Replacement,
  type ReplacementEntry,
  replacementShape,
  type Target,
} from '../read/kustomization.ts';
import type { Resource } from '../resource.ts';
import { retyped } from '../retype.ts';
import { isLabelled, isSelected, plainIds } from '../selector.ts';
import type { Transformer, Workshop } from './transformer.ts';

type ReplacementTarget = NonNullable<Replacement['targets']>[number];

/**
 * `replacements`: copies a value out of one object into fields of others.
 * @throws EngineFault for entries that are incomplete, and while running for fields that are not there
 */
export function replacementTransformer(
  entries: readonly ReplacementEntry[],
  workshop: Workshop,
): Transformer['run'] {
  const replacements = entries.flatMap((entry) => {
    if (!entry.path) return [entry];
    if (entry.source || (entry.targets?.length ?? 0) > 0)
      throw new EngineFault('path and an inline replacement exclude each other');
    return readReplacements(entry.path, workshop);
  });
  return (resources) => {
    for (const replacement of replacements) replace(replacement, resources.list);
    resources.changed();
    resources.dropGone();
  };
}

function readReplacements(path: string, { files, documents, directory }: Workshop): readonly Replacement[] {
  const document = documents.document(files.read(directory, path));
  if (Array.isArray(document)) return decode(list(replacementShape), document, PLUGIN_RULES);
  if (isMap(document)) return [decode(replacementShape, document, PLUGIN_RULES)];
  throw new EngineFault(`${path} must hold a replacement or a list of them`);
}

function replace({ source, targets }: Replacement, resources: readonly Resource[]): void {
  if (!source || !targets) throw new EngineFault('a replacement needs a source and targets');
  const origin = sourceOf(source, resources);
  const path = source.fieldPath || 'metadata.name';
  const read = (object: Json) => lookUp(object, splitFieldPath(path));
  const found = read(origin.value as Json);
  if (isEmpty(found)) throw new EngineFault(`the source ${show(source)} has no value at ${path}`);
  let value = part(source.options, found!);
  // A value that is not taken apart is the field itself: what changes the source changes it.
  const live = source.options?.delimiter ? undefined : (object: Json) => read(object) ?? value;
  for (const target of targets) {
    if (!target.select) throw new EngineFault('a target needs select');
    for (const resource of resources) {
      if (!isMeant(resource, target.select, target.reject ?? [])) continue;
      const isSource = resource === origin && live !== undefined;
      resource.write(about(resource, () => copyInto(resource.value, isSource ? live : () => value, target)));
      if (isSource) value = live(resource.value as Json);
    }
  }
}

function sourceOf(source: Target, resources: readonly Resource[]): Resource {
  const found = resources.filter((resource) => plainIds(resource).some((id) => isSelected(id, source)));
  if (found.length !== 1)
    throw new EngineFault(`${found.length} objects are the source ${show(source)}; one is expected`);
  return found[0]!;
}

/** The part of the source's value that counts, where it is taken apart. */
function part(options: FieldOptions | undefined, value: Json): Json {
  if (!options?.delimiter) return value;
  if (typeof value === 'object') throw new EngineFault('delimiter takes text apart, not a map or a list');
  const parts = textOf(value).split(options.delimiter);
  const index = Number(options.index ?? 0);
  if (index < 0 || index >= parts.length)
    throw new EngineFault(`index ${index} is out of bounds for ${textOf(value)}`);
  return retyped(value, parts[index]!);
}

function isMeant(resource: Resource, select: Target, reject: readonly Target[]): boolean {
  if (!isLabelled(resource, select)) return false;
  if (reject.some((one) => (one.labelSelector || one.annotationSelector) && isLabelled(resource, one)))
    return false;
  const ids = plainIds(resource);
  const names = ({ group, version, kind, name, namespace }: Target) =>
    [group, version, kind, name, namespace].some(Boolean);
  return (
    ids.some((id) => isSelected(id, select)) &&
    !reject.some((one) => names(one) && ids.some((id) => isSelected(id, one)))
  );
}

function copyInto(
  object: JsonMap,
  read: (object: Json) => Json,
  { fieldPaths, options }: ReplacementTarget,
): JsonMap {
  const paths = fieldPaths && fieldPaths.length > 0 ? fieldPaths : ['metadata.name'];
  let result = object as Json;
  for (const path of paths) {
    const parts = splitFieldPath(path);
    const before = read(result);
    const makes = options?.create ? kindToMake(before) : undefined;
    // Fields are made before the value is read.
    const made = makes ? visitField(result, parts, (field) => field, makes).value : result;
    const value = read(made);
    const visit = visitField(
      result,
      parts,
      (field, created) => placed(options, field, value, created),
      makes,
    );
    if (visit.hits === 0)
      throw new EngineFault(
        options?.create
          ? `field ${path} can neither be found nor made in a target of the replacement`
          : `field ${path} is not in a target of the replacement; options.create makes it`,
      );
    result = visit.value;
  }
  return result as JsonMap;
}

function kindToMake(value: Json): 'list' | 'map' | 'scalar' {
  return Array.isArray(value) ? 'list' : isMap(value) ? 'map' : 'scalar';
}

function placed(options: FieldOptions | undefined, field: Json, value: Json, created: boolean): Json {
  const isScalar = isNull(field) || typeof field !== 'object';
  let text = textOf(value);
  if (options?.delimiter) {
    if (!isScalar) throw new EngineFault('delimiter takes text apart, not a map or a list');
    const parts = created ? [''] : textOf(field).split(options.delimiter);
    const index = Number(options.index ?? 0);
    if (index < 0) parts.unshift(text);
    else if (index >= parts.length) parts.push(text);
    else parts[index] = text;
    text = parts.join(options.delimiter);
  } else if (!isScalar) return value;
  return retyped(created ? undefined : field, text);
}

function show({ kind, name, namespace }: Target): string {
  return [kind, namespace, name].filter(Boolean).join('/') || '(any object)';
}
