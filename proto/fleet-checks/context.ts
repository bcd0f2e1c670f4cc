import { canonicalJson } from '../canonical.ts';
import type { Access } from '../documents/access.ts';
import type { Cluster } from '../documents/cluster.ts';
import type { Fleet } from '../documents/fleet.ts';
import type { Kind } from '../documents/kinds.ts';
import type { Placement } from '../documents/placement.ts';
import type { Sourced } from '../documents/read.ts';
import type { RolloutStrategy } from '../documents/strategy.ts';
import type { SharedValues } from '../documents/values.ts';
import type { Labels } from '../selector.ts';

/** Documents of a repository by kind and name. */
export type Documents = {
  fleet: Sourced<Fleet> | undefined;
  clusters: ReadonlyMap<string, Sourced<Cluster>>;
  placements: ReadonlyMap<string, Sourced<Placement>>;
  values: ReadonlyMap<string, Sourced<SharedValues>>;
  strategies: ReadonlyMap<string, Sourced<RolloutStrategy>>;
  access: ReadonlyMap<string, Sourced<Access>>;
};

type Was<T> = { readonly document: T; readonly file: string };
/** What was in force before, as far as it is known: enough of a `FleetModel`, or of what the hub keeps, to see who changed. */
export type Before = {
  readonly fleet: Was<Fleet> | undefined;
  readonly clusters: ReadonlyMap<string, Was<Cluster>>;
  readonly placements: ReadonlyMap<string, Was<Placement>>;
  readonly values?: ReadonlyMap<string, Was<SharedValues>>;
  readonly strategies?: ReadonlyMap<string, Was<RolloutStrategy>>;
  readonly access?: ReadonlyMap<string, Was<Access>>;
};

/** Clusters of equal labels: what is decided by labels is decided once for all of them. */
export type LabelGroup = { labels: Labels; clusters: Sourced<Cluster>[] };

/** What checks look at. */
export type Context = Documents & {
  /** Of the clusters that are not refused so far. */
  groups: readonly LabelGroup[];
  /** Whether a file of that name is there, though it cannot be read; or may be, where a directory is hidden. */
  held: (kind: Kind, name: string) => boolean;
  /** How many clusters there are that are refused so far: in force at their last valid revision, with labels unknown here. */
  heldClusters: number;
  /** Whether a document is new, gone or another than before; false for all where nothing is known of before. */
  changed: (kind: Kind, name: string) => boolean;
  /** A document that was there before and is not any more. */
  gone: (kind: Kind, name: string) => Was<unknown> | undefined;
};

/** Among names of what is not valid, a directory stands for everything that was read from below it (see `hidesDocuments`). */
export const isDirectory = (name: string): boolean => name.endsWith('/');

/** Whether something of a name is known, or something from below a directory. */
export const isKnown = (known: ReadonlyMap<string, { readonly file: string }>, name: string): boolean =>
  isDirectory(name) ? known.values().some(({ file }) => file.startsWith(name)) : known.has(name);

export function contextOf(
  documents: Documents,
  invalid: ReadonlyMap<Kind, ReadonlySet<string>>,
  before: Before | undefined,
): Context {
  const verdicts = new Map<string, boolean>();
  const hidden = new Set(
    [...invalid].flatMap(([kind, names]) => ([...names].some(isDirectory) ? [kind] : [])),
  );
  const held = (kind: Kind, name: string) => hidden.has(kind) || (invalid.get(kind)?.has(name) ?? false);
  const gone = (kind: Kind, name: string) =>
    documentOf(documents, kind, name) || held(kind, name) ? undefined : documentOf(before, kind, name);
  const changed = (kind: Kind, name: string) => {
    if (!before) return false;
    const key = `${kind}/${name}`;
    let verdict = verdicts.get(key);
    if (verdict === undefined) {
      const [was, is] = [
        documentOf(before, kind, name)?.document,
        documentOf(documents, kind, name)?.document,
      ];
      verdict = was !== is && (!was || !is || canonicalJson(was) !== canonicalJson(is));
      verdicts.set(key, verdict);
    }
    return verdict;
  };
  return { ...documents, ...groupsOf(documents, invalid.get('Cluster')), held, changed, gone };
}

/** A context for what comes after clusters have been refused: those are counted, and no more looked at by their labels. */
export function without(context: Context, refused: ReadonlySet<string> | undefined): Context {
  return (refused?.size ?? 0) === context.heldClusters
    ? context
    : { ...context, ...groupsOf(context, refused) };
}

function groupsOf({ clusters }: Documents, invalid: ReadonlySet<string> | undefined) {
  const good = invalid?.size ? new Map([...clusters].filter(([name]) => !invalid.has(name))) : clusters;
  return { groups: groupByLabels(good), heldClusters: invalid?.size ?? 0 };
}

function documentOf(documents: Before | undefined, kind: Kind, name: string): Was<unknown> | undefined {
  switch (kind) {
    case 'Fleet':
      return documents?.fleet;
    case 'Cluster':
      return documents?.clusters.get(name);
    case 'Placement':
      return documents?.placements.get(name);
    case 'Values':
      return documents?.values?.get(name);
    case 'RolloutStrategy':
      return documents?.strategies?.get(name);
    case 'Access':
      return documents?.access?.get(name);
  }
}

const labelTexts = new WeakMap<Cluster, string>();
const NO_LABELS: Labels = {};

/** Groups in order of their first cluster. */
export function groupByLabels(clusters: ReadonlyMap<string, Sourced<Cluster>>): LabelGroup[] {
  const groups = new Map<string, LabelGroup>();
  for (const cluster of clusters.values()) {
    const labels = cluster.document.metadata.labels ?? NO_LABELS;
    let text = labelTexts.get(cluster.document);
    if (text === undefined) {
      text = canonicalJson(labels);
      labelTexts.set(cluster.document, text);
    }
    const group = groups.get(text);
    if (group) group.clusters.push(cluster);
    else groups.set(text, { labels, clusters: [cluster] });
  }
  return [...groups.values()];
}

export const nameOf = (of: Sourced<{ metadata: { name: string } }>): string => of.document.metadata.name;
