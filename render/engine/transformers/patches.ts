import { type Json, YamlFault } from '../../yaml/read.ts';
import { about } from '../about.ts';
import { EngineFault } from '../fault.ts';
import { BLANK, get, getIn, isMap, type JsonMap, kindOf, remove, set, setIn } from '../json.ts';
import { applyJsonPatch, type JsonPatchOperation, parseJsonPatch } from '../merge/json-patch.ts';
import type { MergeSchema } from '../merge/schema.ts';
import { strategicMerge } from '../merge/strategic.ts';
import type { PatchEntry } from '../read/kustomization.ts';
import { readManifests } from '../read/manifests.ts';
import { Resource } from '../resource.ts';
import { onlyOne } from '../resource-id.ts';
import type { Resources } from '../resources.ts';
import { targets } from '../selector.ts';
import { spreadPatch } from '../ties.ts';
import type { Transformer, Workshop } from './transformer.ts';

/** What the text of a patch turns out to be. */
export type Patch =
  | { readonly kind: 'merge'; readonly objects: readonly JsonMap[] }
  | { readonly kind: 'json'; readonly operations: readonly JsonPatchOperation[] };

/**
 * One entry of `patches`: a strategic merge or JSON 6902 patch, inline or from a file, with or without a target.
 * @throws EngineFault when the entry or its text is no patch
 */
export function patchTransformer(entry: PatchEntry, workshop: Workshop): Transformer['run'] {
  const { target, options = {} } = entry;
  const patch = patchOf(entry, workshop);
  if (patch.kind === 'json') {
    if (!target) throw new EngineFault('a JSON 6902 patch needs a target', ['target']);
    const isTarget = targets(target);
    return (resources) => {
      const selected = resources.list.filter(isTarget);
      resources.spend(selected.length);
      for (const resource of selected) {
        resource.rememberId();
        about(resource, () => applyOperations(resource, patch.operations, true));
      }
      resources.changed();
    };
  }
  const allows = { name: options.allowNameChange ?? false, kind: options.allowKindChange ?? false };
  const patches = patch.objects.map((object) => patchResource(object, workshop.schema));
  if (!target)
    return (resources) => {
      for (const one of patches) {
        resources.spend(1);
        if (resources.list.some(({ gone }) => gone))
          throw new EngineFault(
            'nothing is found any more behind a patch that deletes an object; it needs an entry of its own',
          );
        mergeInto(patchedBy(one, resources), one.value, allows, workshop.schema);
      }
      resources.changed();
    };
  const [only, second] = patches;
  if (second) throw new EngineFault('several patches in one entry cannot have a target', ['target']);
  const isTarget = targets(target);
  return (resources) =>
    mergeSelected(resources, resources.list.filter(isTarget), only!, allows, workshop.schema);
}

/**
 * `patchesStrategicMerge`: each entry is a file or the patch itself; what it names is what it changes.
 * @throws EngineFault when an entry is neither
 */
export function strategicMergeTransformer(
  objects: readonly JsonMap[],
  { schema }: Pick<Workshop, 'schema'>,
): Transformer['run'] {
  if (objects.length === 0) throw new EngineFault('there is no patch in it');
  const patches = objects.map((object) => patchResource(object, schema));
  return (resources) => {
    for (const patch of patches)
      mergeSelected(resources, [patchedBy(patch, resources)], patch, { name: false, kind: false }, schema);
  };
}

/** `patchesJson6902`. @throws EngineFault when the entry has no target name, or not exactly one of path and patch */
export function json6902Transformer(
  entry: Pick<PatchEntry, 'target' | 'path' | 'patch'>,
  workshop: Workshop,
): Transformer['run'] {
  const { target, path = '', patch = '' } = entry;
  if (!target?.name) throw new EngineFault('the name of the target is missing', ['target']);
  if (path === '' && patch === '') throw new EngineFault('one of path and patch is needed');
  if (path !== '' && patch !== '') throw new EngineFault('path and patch exclude each other');
  const operations = path === '' ? operationsIn(patch) : operationsOf(path, workshop);
  const isTarget = targets(target);
  return (resources) => {
    const selected = resources.list.filter(isTarget);
    resources.spend(selected.length);
    for (const resource of selected) about(resource, () => applyOperations(resource, operations, false));
    resources.changed();
  };
}

function operationsIn(text: string): readonly JsonPatchOperation[] {
  const operations = parseJsonPatch(text);
  if (operations.length === 0) throw new EngineFault('the patch is empty');
  return operations;
}

function operationsOf(
  path: string,
  { documents, files, directory }: Workshop,
): readonly JsonPatchOperation[] {
  return documents.read('json patch', files.read(directory, path), operationsIn);
}

function patchOf({ patch = '', path = '' }: PatchEntry, { files, documents, directory }: Workshop): Patch {
  const inline = patch.trim();
  if (inline === '' && path === '') throw new EngineFault('one of patch and path is needed');
  if (inline !== '' && path !== '') throw new EngineFault('patch and path exclude each other', ['path']);
  return inline !== ''
    ? parsePatch(inline)
    : documents.read('patch', files.read(directory, path), parsePatch);
}

/** Tells what a text is by reading it as both. @throws EngineFault when it is neither, or could be both */
function parsePatch(text: string): Patch {
  // Nothing at all is a JSON patch that does nothing; a blank line is none.
  if (text === '') return { kind: 'json', operations: [] };
  const merge = attempt(() => readManifests(text));
  // Objects are no operations; but JSON counts the first document alone, and an empty one passes for an empty patch.
  if (merge.value && merge.value.length > 0 && !/^\s*---/.test(text))
    return { kind: 'merge', objects: merge.value };
  const json = attempt(() => parseJsonPatch(text));
  if (merge.value && json.value) throw new EngineFault('the patch is empty: neither objects nor operations');
  if (merge.value) {
    if (merge.value.length === 0) throw new EngineFault('the patch has no object');
    return { kind: 'merge', objects: merge.value };
  }
  if (json.value) return { kind: 'json', operations: json.value };
  const looksLikeJson = /^\s*(\[|-\s)/.test(text);
  const { fault } = looksLikeJson ? json : merge;
  throw new EngineFault(
    `neither a strategic merge patch nor a JSON 6902 patch: ${fault!.message}`,
    undefined,
    {
      cause: fault,
    },
  );
}

function attempt<Value>(read: () => Value): { value?: Value; fault?: Error } {
  try {
    return { value: read() };
  } catch (fault) {
    if (fault instanceof EngineFault || fault instanceof YamlFault) return { fault };
    throw fault;
  }
}

function patchResource(object: JsonMap, schema: MergeSchema): Resource {
  const resource = new Resource(object, schema);
  resource.demandPairs('annotations');
  return resource;
}

function patchedBy(patch: Resource, resources: Resources): Resource {
  try {
    return onlyOne(resources.withAnyId(patch.id), patch.id);
  } catch (cause) {
    if (!(cause instanceof EngineFault)) throw cause;
    throw new EngineFault(`the patch finds no single object to change: ${cause.message}`, undefined, {
      cause,
    });
  }
}

type Allowed = { readonly name: boolean; readonly kind: boolean };

/** A patch for whatever was selected: its own apiVersion does not count. */
function mergeSelected(
  resources: Resources,
  selected: readonly Resource[],
  patch: Resource,
  allows: Allowed,
  schema: MergeSchema,
): void {
  resources.spend(selected.length);
  for (const resource of selected) {
    const copy = patch.copy();
    copy.setLabels(patch.labels);
    copy.setAnnotations(patch.annotations);
    if (patch.name === '') copy.setName('');
    if (patch.namespace === '') copy.setNamespace('');
    copy.setApiVersion(resource.id);
    const apiVersion = Object.hasOwn(resource.value, 'apiVersion') ? resource.value.apiVersion! : BLANK;
    mergeInto(resource, copy.value, allows, schema);
    // An object without apiVersion gets an empty one, as kustomize writes its own into the patch.
    if (!resource.gone) resource.value = set(resource.value, 'apiVersion', apiVersion);
  }
  resources.reorder(resources.list.filter((resource) => !resource.gone));
}

/** Kind and name stay unless the patch may change them; the namespace stays always. They are written as they were, or as text. */
function mergeInto(resource: Resource, patch: JsonMap, allows: Allowed, schema: MergeSchema): void {
  const before = resource.value as Json;
  const { namespace, kind, name } = resource;
  if (allows.name || allows.kind) resource.rememberId();
  const merged = strategicMerge(resource.value, patch, schema) ?? {};
  if (resource.ties.length === 0) resource.value = merged;
  else Object.assign(resource, spreadPatch(resource.value, merged, patch, resource.ties));
  if (resource.gone) return;
  const written = (text: string, ...path: string[]) =>
    getIn(resource.value as Json, ...path) === undefined ? text : (getIn(before, ...path) ?? text);
  if (!allows.kind) resource.setKind(written(kind, 'kind'));
  if (!allows.name) resource.setName(written(name, 'metadata', 'name'));
  resource.setNamespace(namespace === '' ? '' : written(namespace, 'metadata', 'namespace'));
}

/**
 * kustomize keeps its notes in annotations, so that an object has some nearly always: operations below
 * `/metadata/annotations` find a map there. Afterwards annotations are text, and none when there are none.
 */
function applyOperations(
  resource: Resource,
  operations: readonly JsonPatchOperation[],
  remembered: boolean,
): void {
  const noted =
    remembered ||
    resource.previous.length > 0 ||
    resource.behavior !== 'unspecified' ||
    resource.origin !== undefined;
  const before =
    noted && !isMap(get(get(resource.value, 'metadata'), 'annotations'))
      ? setIn(resource.value, ['metadata', 'annotations'], {})
      : resource.value;
  const after = applyJsonPatch(before as never, operations);
  if (!isMap(after)) throw new EngineFault(`the patch makes ${kindOf(after)} of the object`);
  resource.value = after;
  resource.ties = [];
  const annotations = resource.annotations;
  const metadata = get(after, 'metadata');
  if (Object.keys(annotations).length > 0) resource.setAnnotations(annotations);
  else if (isMap(metadata)) resource.value = set(after, 'metadata', remove(metadata, 'annotations'));
}
