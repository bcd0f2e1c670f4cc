import type { Cluster } from './documents/cluster.ts';
import type { Scalar } from './documents/common.ts';
import type { Placement } from './documents/placement.ts';
import type { Sourced } from './documents/read.ts';
import type { SharedValues } from './documents/values.ts';
import type { SourceLocation } from './faults.ts';
import { type Labels, matches } from './selector.ts';

/** A value as resolved, and the document that it comes from. */
export type Resolved = { value: Scalar; from: string; file?: string };
export type ValueFault = {
  code: 'value-missing' | 'value-conflict' | 'value-undeclared';
  message: string;
  /** The name of the value. */
  variable: string;
  /** Where it stands in the document to blame, if that is a Values document. */
  locate?: () => SourceLocation;
  /** The two documents that disagree. */
  between?: readonly [Shared, Shared];
};
type Shared = Sourced<SharedValues>;
/** Files of the entry and of the placement, where they are known. */
export type Files = { cluster?: string; placement?: string };

const declared = new WeakMap<Placement, ReadonlySet<string>>();

/** Names that a placement declares: the only ones that are ever substituted. */
export function declaredNames(placement: Placement): ReadonlySet<string> {
  let names = declared.get(placement);
  if (!names) {
    const { required = [], optional = {} } = placement.spec.values ?? {};
    names = new Set([...required, ...Object.keys(optional)]);
    declared.set(placement, names);
  }
  return names;
}

/** What the Values documents of a revision give a placement on clusters of equal labels: the same for all of them. */
export type SharedLayer = {
  readonly values: Readonly<Record<string, Resolved>>;
  /** Names for which two documents of equal rank differ. */
  readonly disputed: ReadonlyMap<string, readonly [Shared, Shared]>;
  /** Names that are set for the placement though it does not declare them. */
  readonly undeclared: readonly { key: string; by: Shared }[];
};

export function sharedLayer(all: Iterable<Shared>, placement: Placement, labels: Labels): SharedLayer {
  const { name } = placement.metadata;
  const names = declaredNames(placement);
  const values: Record<string, Resolved> = {};
  const disputed = new Map<string, readonly [Shared, Shared]>();
  const undeclared: { key: string; by: Shared }[] = [];
  const applying = appliesTo(all, name, labels);
  for (const ofPlacement of [false, true]) {
    const setBy = new Map<string, Shared>();
    for (const one of applying) {
      const { spec, metadata } = one.document;
      if ((spec.placement !== undefined) !== ofPlacement) continue;
      for (const [key, value] of Object.entries(spec.values)) {
        const other = setBy.get(key);
        if (!names.has(key)) {
          if (ofPlacement) undeclared.push({ key, by: one });
        } else if (!other) {
          setBy.set(key, one);
          disputed.delete(key);
          values[key] = { value, from: `values ${metadata.name} in ${one.file}`, file: one.file };
        } else if (other.document.spec.values[key] !== value) disputed.set(key, [other, one]);
      }
    }
  }
  return { values, disputed, undeclared };
}

/** Values documents that a cluster of these labels has for a placement. */
function appliesTo(all: Iterable<Shared>, placement: string, labels: Labels): Shared[] {
  return [...all].filter(({ document: { spec } }) => {
    return (spec.placement === undefined || spec.placement === placement) && matches(spec.selector, labels);
  });
}

/**
 * The values of a placement on a cluster. More specific wins: `optional` of the placement < Values for all placements < Values
 * for the placement < `values` of the cluster < its `placementValues`. Where two Values documents of equal rank differ and nothing
 * more specific decides, that is a fault; so is a name that a Values document sets for the placement and the placement does not
 * declare. `shared` is the layer of this placement for the labels of this cluster.
 */
export function layerValues(
  placement: Placement,
  cluster: Cluster,
  shared: SharedLayer | undefined,
  files: Files = {},
): { values: Record<string, Resolved>; faults: ValueFault[] } {
  const { name } = placement.metadata;
  const on = cluster.metadata.name;
  const names = declaredNames(placement);
  const ofPlacement = cluster.spec.placementValues?.[name];
  const values: Record<string, Resolved> = {};
  const layer = (
    from: string,
    file: string | undefined,
    given: Readonly<Record<string, Scalar>> | undefined,
  ) => {
    if (!given) return;
    for (const key of names) {
      if (!Object.hasOwn(given, key)) continue;
      const value = given[key]!;
      values[key] = file === undefined ? { value, from } : { value, from: `${from} in ${file}`, file };
    }
  };
  layer(`placement ${name} (optional)`, files.placement, placement.spec.values?.optional);
  Object.assign(values, shared?.values);
  layer(`cluster ${on} (values)`, files.cluster, cluster.spec.values);
  layer(`cluster ${on} (placementValues)`, files.cluster, ofPlacement);

  const faults: ValueFault[] = [];
  const subject = `placement ${name}: cluster ${on}`;
  for (const { key, by } of shared?.undeclared ?? []) {
    const message = `${subject} gets value ${key} from ${by.file}, which the placement does not declare`;
    const locate = () => by.locate(['spec', 'values', key], 'key');
    faults.push({ code: 'value-undeclared', message, variable: key, locate });
  }
  for (const [key, between] of shared?.disputed ?? []) {
    if (Object.hasOwn(cluster.spec.values ?? {}, key) || Object.hasOwn(ofPlacement ?? {}, key)) continue;
    const [one, other] = between;
    const message = `${subject} gets value ${key} from ${one.file} and another one from ${other.file}, of equal rank`;
    const locate = () => other.locate(['spec', 'values', key]);
    faults.push({ code: 'value-conflict', message, variable: key, locate, between });
  }
  for (const key of placement.spec.values?.required ?? []) {
    if (Object.hasOwn(values, key)) continue;
    faults.push({
      code: 'value-missing',
      message: `${subject} has no value ${key}, which is required`,
      variable: key,
    });
  }
  return { values, faults };
}
