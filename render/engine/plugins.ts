import type { Json } from '../yaml/read.ts';
import { EngineFault } from './fault.ts';
import { generateConfigMap, generateSecret } from './generators/config-maps.ts';
import { generateIamPolicy } from './generators/iam-policy.ts';
import { get, textOf } from './json.ts';
import {
  type Decoded,
  DIRECT_RULES,
  decode,
  dict,
  flag,
  list,
  PLUGIN_RULES,
  type Shape,
  struct,
  text,
} from './read/decode.ts';
import {
  configMapArgsShape,
  fieldSpecShape,
  type GeneratorEntry,
  imageShape,
  metadataShape,
  patchShape,
  replacementEntryShape,
  replicaShape,
  secretArgsShape,
  selectorShape,
} from './read/kustomization.ts';
import { readManifests } from './read/manifests.ts';
import type { Resource } from './resource.ts';
import { showId } from './resource-id.ts';
import { hashTransformer } from './transformers/hash.ts';
import { imageTransformer } from './transformers/images.ts';
import { asFieldSpec, setPairs } from './transformers/labels.ts';
import { nameAffix } from './transformers/name-affixes.ts';
import { namespaceTransformer } from './transformers/namespace.ts';
import { strategicPatches } from './transformers/patch-files.ts';
import { json6902Transformer, patchTransformer, strategicMergeTransformer } from './transformers/patches.ts';
import { replacementTransformer } from './transformers/replacements.ts';
import { replicaTransformer } from './transformers/replicas.ts';
import type { Transformer, Workshop } from './transformers/transformer.ts';
import { valueAddTransformer } from './transformers/value-add.ts';

/**
 * The built-in plugins (`apiVersion: builtin`) as files and inline entries of `generators`, `transformers` and
 * `validators` configure them. Nothing is defaulted from the kustomization: what they change they must say.
 */
type MakeTransformer = (config: Json, workshop: Workshop) => Transformer['run'];
type MakeGenerator = (config: Json, workshop: Workshop) => Resource;

const specs = list(fieldSpecShape);

/** Reads the fields of a configuration, with its field specs, and makes the transformer of both. */
function from<F extends Record<string, Shape<unknown>>>(
  fields: F,
  make: (read: Decoded<F>, workshop: Workshop) => Transformer['run'],
  rules: typeof PLUGIN_RULES | typeof DIRECT_RULES = PLUGIN_RULES,
): MakeTransformer {
  const shape = struct(fields);
  return (config, workshop) => make(decode(shape, config, rules), workshop);
}

const affixes = { prefix: text, suffix: text, fieldSpecs: specs };
type Affixes = Decoded<typeof affixes>;

function affix(where: 'prefix' | 'suffix', read: Affixes): Transformer['run'] {
  if (!read.fieldSpecs) throw new EngineFault('fieldSpecs are needed', ['fieldSpecs']);
  return nameAffix(where, read[where] ?? '', read.fieldSpecs.map(asFieldSpec));
}

const TRANSFORMERS: Readonly<Record<string, MakeTransformer>> = {
  AnnotationsTransformer: from({ annotations: dict(text), fieldSpecs: specs }, (read) =>
    setPairs(read.annotations ?? {}, (read.fieldSpecs ?? []).map(asFieldSpec)),
  ),
  HashTransformer: () => hashTransformer,
  ImageTagTransformer: from({ imageTag: imageShape, fieldSpecs: specs }, (read) =>
    imageTransformer(read.imageTag ?? {}, (read.fieldSpecs ?? []).map(asFieldSpec)),
  ),
  LabelTransformer: from({ labels: dict(text), fieldSpecs: specs }, (read) =>
    setPairs(read.labels ?? {}, (read.fieldSpecs ?? []).map(asFieldSpec)),
  ),
  NamespaceTransformer: from(
    { metadata: metadataShape, fieldSpecs: specs, unsetOnly: flag, setRoleBindingSubjects: text },
    (read) =>
      namespaceTransformer({
        namespace: read.metadata?.namespace ?? '',
        fieldSpecs: (read.fieldSpecs ?? []).map(asFieldSpec),
        unsetOnly: read.unsetOnly ?? false,
        setRoleBindingSubjects: read.setRoleBindingSubjects ?? '',
      }),
  ),
  PatchJson6902Transformer: from({ target: selectorShape, path: text, jsonOp: text }, (read, workshop) =>
    json6902Transformer({ ...read, patch: read.jsonOp ?? '' }, workshop),
  ),
  PatchStrategicMergeTransformer: from({ paths: list(text), patches: text }, (read, workshop) =>
    strategicMergeTransformer(
      [...strategicPatches(read.paths ?? [], workshop), ...readManifests(read.patches ?? '')],
      workshop,
    ),
  ),
  PatchTransformer: (config, workshop) =>
    patchTransformer(decode(patchShape, config, PLUGIN_RULES), workshop),
  PrefixSuffixTransformer: from(
    affixes,
    (read) => {
      const [prefix, suffix] = [affix('prefix', read), affix('suffix', read)];
      return (resources) => {
        prefix(resources);
        suffix(resources);
      };
    },
    DIRECT_RULES,
  ),
  PrefixTransformer: from(affixes, (read) => affix('prefix', read), DIRECT_RULES),
  SuffixTransformer: from(affixes, (read) => affix('suffix', read), DIRECT_RULES),
  ReplacementTransformer: from({ replacements: list(replacementEntryShape) }, (read, workshop) =>
    replacementTransformer(read.replacements ?? [], workshop),
  ),
  ReplicaCountTransformer: from({ replica: replicaShape, fieldSpecs: specs }, (read) =>
    replicaTransformer(read.replica ?? {}, (read.fieldSpecs ?? []).map(asFieldSpec)),
  ),
  ValueAddTransformer: valueAddTransformer,
};

function generator(
  shape: Shape<GeneratorEntry>,
  make: (entry: GeneratorEntry, workshop: Workshop) => Resource,
): MakeGenerator {
  return (config, workshop) => {
    const entry = decode(shape, config, PLUGIN_RULES);
    const { name = '', namespace = '' } =
      decode(struct({ metadata: metadataShape }), config, PLUGIN_RULES).metadata ?? {};
    return make({ ...entry, name: entry.name || name, namespace: entry.namespace || namespace }, workshop);
  };
}

const GENERATORS: Readonly<Record<string, MakeGenerator>> = {
  ConfigMapGenerator: generator(configMapArgsShape, generateConfigMap),
  IAMPolicyGenerator: generateIamPolicy,
  SecretGenerator: generator(secretArgsShape, generateSecret),
};

/** What kustomize can run and the engine does not. */
const UNSUPPORTED = ['HelmChartInflationGenerator'];

/** @throws EngineFault for what is no built-in transformer, and for what is wrong with its configuration */
export function transformerOf(config: Resource, workshop: Workshop): Transformer['run'] {
  return pluginOf(TRANSFORMERS, 'transformer', config)(config.value as Json, workshop);
}

/** @throws EngineFault for what is no built-in generator, and for what is wrong with its configuration */
export function generatorOf(config: Resource, workshop: Workshop): () => Resource {
  const make = pluginOf(GENERATORS, 'generator', config);
  return () => make(config.value as Json, workshop);
}

function pluginOf<Make>(table: Readonly<Record<string, Make>>, what: string, config: Resource): Make {
  const { kind } = config;
  const apiVersion = textOf(get(config.value, 'apiVersion'));
  if (apiVersion !== 'builtin')
    throw new EngineFault(
      `${apiVersion} ${kind} is a plugin; only built-in ones (apiVersion: builtin) are run`,
    );
  if (Object.hasOwn(table, kind)) return table[kind]!;
  if (UNSUPPORTED.includes(kind))
    throw new EngineFault(`${kind} is not supported`, undefined, { unsupported: true });
  throw new EngineFault(`${showId(config.id)} is no built-in ${what}`);
}
