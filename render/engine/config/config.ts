import { EngineFault } from '../fault.ts';
import { type FieldSpec, mergeFieldSpecs } from '../field-specs.ts';
import { compareKinds, type Gvk } from '../resource-id.ts';

/** Which fields of which kinds hold the name of one kind of object. */
export type NameReference = Gvk & { readonly fieldSpecs: readonly FieldSpec[] };

/** The fields that transformers change: kustomize's transformer configuration, as its files name the lists. */
export type TransformerConfig = {
  readonly namePrefix: readonly FieldSpec[];
  readonly nameSuffix: readonly FieldSpec[];
  readonly namespace: readonly FieldSpec[];
  readonly commonLabels: readonly FieldSpec[];
  readonly labels: readonly FieldSpec[];
  readonly templateLabels: readonly FieldSpec[];
  readonly commonAnnotations: readonly FieldSpec[];
  readonly nameReference: readonly NameReference[];
  readonly varReference: readonly FieldSpec[];
  readonly images: readonly FieldSpec[];
  readonly replicas: readonly FieldSpec[];
};

export const EMPTY_CONFIG: TransformerConfig = {
  namePrefix: [],
  nameSuffix: [],
  namespace: [],
  commonLabels: [],
  labels: [],
  templateLabels: [],
  commonAnnotations: [],
  nameReference: [],
  varReference: [],
  images: [],
  replicas: [],
};

const merged = new WeakMap<TransformerConfig, WeakMap<TransformerConfig, TransformerConfig>>();

/**
 * Two configurations in one, in the order of kinds that kustomize sorts by: a field of any kind comes behind the same
 * field of one kind, and then counts as there already. Every base brings the built-in configuration along, so results
 * are kept, and are the same object again: what is derived from their lists is kept by them.
 *
 * @throws EngineFault when they disagree on whether a field is made
 */
export function mergeConfigs(into: TransformerConfig, more: TransformerConfig): TransformerConfig {
  if (more === EMPTY_CONFIG || more === into) return into;
  const known = merged.get(into)?.get(more);
  if (known) return known;
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(EMPTY_CONFIG) as (keyof TransformerConfig)[]) {
    if (key === 'nameReference') result[key] = mergeNameReferences(into[key], more[key]);
    else result[key] = inOrder(mergedList(key, into[key], more[key]));
  }
  const results = merged.get(into) ?? new WeakMap<TransformerConfig, TransformerConfig>();
  results.set(more, result as TransformerConfig);
  merged.set(into, results);
  return result as TransformerConfig;
}

function inOrder<Spec extends Gvk>(specs: readonly Spec[]): readonly Spec[] {
  return [...specs].sort(compareKinds);
}

function mergedList(
  key: string,
  into: readonly FieldSpec[],
  more: readonly FieldSpec[],
): readonly FieldSpec[] {
  try {
    return mergeFieldSpecs(into, more);
  } catch (cause) {
    if (cause instanceof EngineFault) throw new EngineFault(`${key}: ${cause.message}`, undefined, { cause });
    throw cause;
  }
}

function mergeNameReferences(
  into: readonly NameReference[],
  more: readonly NameReference[],
): readonly NameReference[] {
  const result = [...into];
  for (const one of more) {
    const at = result.findIndex(
      ({ group, version, kind }) => group === one.group && version === one.version && kind === one.kind,
    );
    if (at < 0) result.push(one);
    else
      result[at] = {
        ...result[at]!,
        fieldSpecs: mergedList('nameReference', result[at]!.fieldSpecs, one.fieldSpecs),
      };
  }
  return inOrder(result);
}
