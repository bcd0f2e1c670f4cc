import { builtinOrigin, joinOrigin, type Origin } from '../origin.ts';
import { at, type Target } from '../target.ts';
import { imageTransformer } from './images.ts';
import { labelFields, setPairs } from './labels.ts';
import { nameAffix } from './name-affixes.ts';
import { namespaceTransformer } from './namespace.ts';
import { strategicPatches } from './patch-files.ts';
import { json6902Transformer, patchTransformer, strategicMergeTransformer } from './patches.ts';
import { replacementTransformer } from './replacements.ts';
import { replicaTransformer } from './replicas.ts';
import type { Transformer, Workshop } from './transformer.ts';

type Path = readonly (string | number)[];
type OwnTransformer = {
  readonly path: Path;
  readonly run: Transformer['run'];
  readonly origin: Origin | undefined;
};

/**
 * The transformers that the fields of a kustomization ask for, in the order in which kustomize runs them whatever the
 * order of the fields. All are made before the first one runs.
 *
 * @throws EngineFault, placed at the field
 */
export function ownTransformers(target: Target, workshop: Workshop): OwnTransformer[] {
  const { kustomization: fields } = target;
  const { config } = workshop;
  const result: OwnTransformer[] = [];
  const add = (kind: string, path: Path, make: () => Transformer['run']) => {
    const origin =
      target.origin === undefined
        ? undefined
        : builtinOrigin(joinOrigin(target.origin, target.fileName), kind);
    result.push({ path, run: at(target, path, make), origin });
  };
  const addEach = <Entry>(
    kind: string,
    field: string,
    entries: readonly Entry[] | undefined,
    make: (entry: Entry) => Transformer['run'],
  ) => {
    for (const [index, entry] of (entries ?? []).entries()) add(kind, [field, index], () => make(entry));
  };
  const {
    patchesStrategicMerge: merges = [],
    labels = [],
    commonLabels = {},
    commonAnnotations = {},
  } = fields;

  if (merges.length > 0)
    add('PatchStrategicMergeTransformer', ['patchesStrategicMerge'], () =>
      strategicMergeTransformer(strategicPatches(merges, workshop), workshop),
    );
  addEach('PatchTransformer', 'patches', fields.patches, (entry) => patchTransformer(entry, workshop));
  if (fields.namespace)
    add('NamespaceTransformer', ['namespace'], () =>
      namespaceTransformer({ namespace: fields.namespace!, fieldSpecs: config.namespace }),
    );
  if (fields.namePrefix)
    add('PrefixTransformer', ['namePrefix'], () =>
      nameAffix('prefix', fields.namePrefix!, config.namePrefix),
    );
  if (fields.nameSuffix)
    add('SuffixTransformer', ['nameSuffix'], () =>
      nameAffix('suffix', fields.nameSuffix!, config.nameSuffix),
    );
  addEach('LabelTransformer', 'labels', labels, (entry) =>
    setPairs(entry.pairs ?? {}, labelFields(entry, config)),
  );
  if (labels.length > 0 || Object.keys(commonLabels).length > 0)
    add('LabelTransformer', ['commonLabels'], () => setPairs(commonLabels, config.commonLabels));
  if (Object.keys(commonAnnotations).length > 0)
    add('AnnotationsTransformer', ['commonAnnotations'], () =>
      setPairs(commonAnnotations, config.commonAnnotations),
    );
  addEach('PatchJson6902Transformer', 'patchesJson6902', fields.patchesJson6902, (entry) =>
    json6902Transformer(entry, workshop),
  );
  addEach('ReplicaCountTransformer', 'replicas', fields.replicas, (entry) =>
    replicaTransformer(entry, config.replicas),
  );
  addEach('ImageTagTransformer', 'images', fields.images, (entry) => imageTransformer(entry, config.images));
  if ((fields.replacements ?? []).length > 0)
    add('ReplacementTransformer', ['replacements'], () =>
      replacementTransformer(fields.replacements!, workshop),
    );
  return result;
}
