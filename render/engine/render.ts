import type { RenderInput } from '../renderer.ts';
import { comingFrom } from '../sources.ts';
import type { Json } from '../yaml/read.ts';
import { about } from './about.ts';
import { accumulate } from './accumulate.ts';
import { emptyAccumulation } from './accumulation.ts';
import type { BaseCache } from './bases.ts';
import { EngineFault } from './fault.ts';
import { fieldSpec } from './field-specs.ts';
import { get, isMap, type JsonMap, textOf } from './json.ts';
import { withoutBlanks } from './merge/blanks.ts';
import { annotateOrigins, hasNotes } from './origin-notes.ts';
import { decode, KUSTOMIZATION_RULES, list, text } from './read/decode.ts';
import type { Documents } from './read/documents.ts';
import { type Kustomization, sortOptionsShape } from './read/kustomization.ts';
import { Rendering } from './rendering.ts';
import type { Resource } from './resource.ts';
import { showId } from './resource-id.ts';
import { at, type Target } from './target.ts';
import { hashTransformer } from './transformers/hash.ts';
import { setPairs } from './transformers/labels.ts';
import { fixNameReferences } from './transformers/name-references.ts';
import { sortResources } from './transformers/sort.ts';
import { resolveVars } from './transformers/vars.ts';

const LOCAL_CONFIG = 'config.kubernetes.io/local-config';
const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'kustomize-v5.5.0' };

/**
 * The objects of an overlay, in order, as `kustomize build --reorder=none` 5.5 has them. Pure: equal input, equal output.
 * @throws EngineFault and EngineFaults with their places
 */
export function renderObjects(input: RenderInput, documents: Documents, bases: BaseCache): Json[] {
  const rendering = new Rendering(input, documents, bases);
  const top = topOf(input, rendering);
  const { kustomization } = top;
  const gathered = emptyAccumulation();
  accumulate(top, gathered, rendering);
  const { resources, config, vars } = gathered;
  at(top, [], () => {
    hashTransformer(resources);
    fixNameReferences(resources, config.nameReference);
  });
  at(top, ['vars'], () => resolveVars(resources, vars, config.varReference));
  at(top, [], () => resources.keep(isForCluster));
  if (kustomization.sortOptions) at(top, [], () => sortResources(resources, kustomization.sortOptions!));
  const metadata = kustomization.buildMetadata ?? [];
  if (metadata.includes('managedByLabel'))
    setPairs(MANAGED_BY, [fieldSpec('metadata/labels', {}, true)])(resources);
  at(top, [], () => {
    for (const resource of resources.list)
      if (needsAnnotations(resource)) about(resource, () => annotateOrigins(resource, metadata));
  });
  return resources.list.map(
    ({ value, file }) => comingFrom(withoutBlanks(value as Json) as JsonMap, file) as Json,
  );
}

/** Where the work starts: the overlay itself, or what the placement puts over it. */
function topOf(input: RenderInput, rendering: Rendering): Target {
  const { path, components, namespace, options } = input;
  const overlay = rendering.open(path, undefined, 0);
  const isNoted = (read: Kustomization) => (read.buildMetadata ?? []).length > 0;
  if (components.length === 0 && namespace === undefined)
    return isNoted(overlay.kustomization) ? { ...overlay, origin: '' } : overlay;
  const { sortOptions, buildMetadata } = options;
  const kustomization: Kustomization = {
    kind: 'Kustomization',
    // Paths are taken from the root of the repository.
    resources: [path === '' ? '.' : path],
    components: components.map((one) => (one === '' ? '.' : one)),
    ...(namespace !== undefined && { namespace }),
    ...(sortOptions && { sortOptions: decode(sortOptionsShape, sortOptions, KUSTOMIZATION_RULES) }),
    ...(buildMetadata && { buildMetadata: decode(list(text), buildMetadata, KUSTOMIZATION_RULES) }),
  };
  const origin = isNoted(kustomization) ? '../repo' : undefined;
  return { directory: '', file: undefined, fileName: 'kustomization.yaml', kustomization, origin, depth: 0 };
}

/** @throws EngineFault for an object that lost its kind or its name on the way */
function isForCluster(resource: Resource): boolean {
  const { annotations, value } = resource;
  if (resource.gone) return false;
  const kind = textOf(get(value, 'kind'));
  if (kind === '' || (resource.name === '' && !kind.endsWith('List')))
    throw new EngineFault(`${showId(resource.id)} has no ${kind === '' ? 'kind' : 'name'} in the end`);
  return !Object.hasOwn(annotations, LOCAL_CONFIG) || annotations[LOCAL_CONFIG] === 'false';
}

/** Annotations are text in the end, a map without any is none, and every object has metadata. */
function needsAnnotations(resource: Resource): boolean {
  if (resource.origin || !Object.hasOwn(resource.value, 'metadata')) return true;
  const metadata = get(resource.value, 'metadata');
  if (!isMap(metadata)) return true;
  if (!Object.hasOwn(metadata, 'annotations')) return false;
  const { annotations } = metadata;
  if (!isMap(annotations)) return true;
  const values = Object.values(annotations);
  return values.length === 0 || values.some((value) => typeof value !== 'string') || hasNotes(annotations);
}
