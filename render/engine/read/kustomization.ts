import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { isMap } from '../json.ts';
import {
  anything,
  type Decoded,
  decode,
  dict,
  exactText,
  flag,
  integer,
  KUSTOMIZATION_RULES,
  list,
  struct,
  text,
} from './decode.ts';

/** The shapes of what stands in kustomizations and in the configuration of built-in plugins (kustomize 5.5, api/types). */
export const GVK = { group: exactText, version: exactText, kind: exactText };
const ID = { ...GVK, name: exactText, namespace: exactText };
const texts = dict(text);

export const selectorShape = struct({ ...ID, labelSelector: text, annotationSelector: text });
export type Target = ReturnType<typeof selectorShape>;

export const fieldSpecShape = struct({ ...GVK, path: text, create: flag });

export const patchShape = struct({ path: text, patch: text, target: selectorShape, options: dict(flag) });
export type PatchEntry = ReturnType<typeof patchShape>;

/** Replacements inside of a list of them know no types below; those of a file of their own do. */
function replacementFields(words: typeof text) {
  const options = struct({ delimiter: words, index: integer, encoding: words, create: flag });
  const select = struct({ ...ID, labelSelector: words, annotationSelector: words });
  return {
    source: struct({ ...ID, fieldPath: words, options }),
    targets: list(struct({ select, reject: list(select), fieldPaths: list(words), options })),
  };
}
export const replacementShape = struct(replacementFields(text));
export type Replacement = ReturnType<typeof replacementShape>;
export type FieldOptions = NonNullable<NonNullable<Replacement['source']>['options']>;
export const replacementEntryShape = struct({ ...replacementFields(exactText), path: text });
export type ReplacementEntry = ReturnType<typeof replacementEntryShape>;

export const imageShape = struct({ name: text, newName: text, tagSuffix: text, newTag: text, digest: text });
export type ImageEntry = ReturnType<typeof imageShape>;

export const replicaShape = struct({ name: text, count: integer });
export type ReplicaEntry = ReturnType<typeof replicaShape>;

const generatorOptionsShape = struct({
  labels: dict(exactText),
  annotations: dict(exactText),
  disableNameSuffixHash: flag,
  immutable: flag,
});
export type GeneratorOptions = ReturnType<typeof generatorOptionsShape>;

/** Of configMapGenerator and secretGenerator. */
const GENERATOR = {
  namespace: exactText,
  name: exactText,
  behavior: exactText,
  literals: list(exactText),
  files: list(exactText),
  envs: list(exactText),
  env: exactText,
  options: generatorOptionsShape,
};
export const configMapArgsShape = struct(GENERATOR);
export const secretArgsShape = struct({ ...GENERATOR, type: exactText });
export type GeneratorEntry = ReturnType<typeof secretArgsShape>;

const varShape = struct({
  name: text,
  objref: struct({ ...ID, apiVersion: text }),
  fieldref: struct({ fieldPath: text }),
});
export type VarEntry = ReturnType<typeof varShape>;

const labelShape = struct({
  pairs: texts,
  includeSelectors: flag,
  includeTemplates: flag,
  fields: list(fieldSpecShape),
});
export type LabelEntry = ReturnType<typeof labelShape>;

export const sortOptionsShape = struct({
  order: text,
  legacySortOptions: struct({ orderFirst: list(text), orderLast: list(text) }),
});
export type SortOptions = ReturnType<typeof sortOptionsShape>;

export const metadataShape = struct({ name: text, namespace: text, labels: texts, annotations: texts });

const KUSTOMIZATION = {
  apiVersion: text,
  kind: text,
  metadata: metadataShape,
  openapi: texts,
  namePrefix: text,
  nameSuffix: text,
  namespace: text,
  commonLabels: texts,
  labels: list(labelShape),
  commonAnnotations: texts,
  patchesStrategicMerge: list(text),
  patchesJson6902: list(patchShape),
  patches: list(patchShape),
  images: list(imageShape),
  imageTags: list(imageShape),
  replacements: list(replacementEntryShape),
  replicas: list(replicaShape),
  vars: list(varShape),
  sortOptions: sortOptionsShape,
  resources: list(text),
  components: list(text),
  crds: list(text),
  bases: list(text),
  configMapGenerator: list(configMapArgsShape),
  secretGenerator: list(secretArgsShape),
  helmGlobals: anything,
  helmCharts: list(anything),
  helmChartInflationGenerator: list(anything),
  generatorOptions: generatorOptionsShape,
  configurations: list(text),
  generators: list(text),
  transformers: list(text),
  validators: list(text),
  buildMetadata: list(text),
};
const kustomizationShape = struct(KUSTOMIZATION);

/** A kustomization as it counts: deprecated fields moved to the ones that replaced them, where kustomize does so. */
export type Kustomization = Decoded<typeof KUSTOMIZATION>;

/**
 * Reads the document of a kustomization.
 * @throws EngineFault with everything that is wrong, and the path of the first
 */
export function readKustomization(document: Json): Kustomization {
  if (!isMap(document)) throw new EngineFault('a kustomization must be a map', []);
  const read = decode(kustomizationShape, document, KUSTOMIZATION_RULES);
  const kind = read.kind || 'Kustomization';
  const version = kind === 'Component' ? 'v1alpha1' : 'v1beta1';
  const expected = `kustomize.config.k8s.io/${version}`;
  if (kind !== 'Kustomization' && kind !== 'Component')
    throw new EngineFault('kind must be Kustomization or Component', ['kind']);
  if (read.apiVersion && read.apiVersion !== expected)
    throw new EngineFault(`apiVersion of a ${kind} must be ${expected}`, ['apiVersion']);
  if (Object.keys(read).every((field) => field === 'kind' || field === 'apiVersion'))
    throw new EngineFault('the kustomization is empty', []);
  return {
    ...read,
    kind,
    resources: [...(read.resources ?? []), ...(read.bases ?? [])],
    images: [...(read.images ?? []), ...(read.imageTags ?? [])],
    configMapGenerator: read.configMapGenerator?.map(withOneEnv) ?? [],
    secretGenerator: read.secretGenerator?.map(withOneEnv) ?? [],
  };
}

function withOneEnv(entry: GeneratorEntry): GeneratorEntry {
  return entry.env ? { ...entry, envs: [...(entry.envs ?? []), entry.env] } : entry;
}
