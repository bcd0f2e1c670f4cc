import type { DriftKind, DriftState, HealthState, SyncState } from '#proto/messages.ts';
import { type Labels, matches, parseSelector } from '#proto/selector.ts';
import type { AssignmentRow } from './assignment.ts';
import type { Connectivity } from './axes.ts';
import type { ClusterRow } from './cluster.ts';
import type { Headline } from './headline.ts';
import type { DriftRow, ResourceRow } from './resources.ts';
import { imagesMatch } from './resources.ts';

/** Filters as the API takes them: everything given must hold; a list holds where one of it does. */
type Given<T> = T | null | undefined;
export type LabelFilter = {
  readonly key: string;
  readonly in?: Given<readonly string[]>;
  readonly notIn?: Given<readonly string[]>;
  readonly exists?: Given<boolean>;
};
export type ClusterFilter = {
  readonly names?: Given<readonly string[]>;
  readonly selector?: Given<string>;
  readonly labels?: Given<readonly LabelFilter[]>;
  readonly headline?: Given<readonly Headline[]>;
  readonly connectivity?: Given<readonly Connectivity[]>;
  readonly drift?: Given<readonly DriftState[]>;
  readonly health?: Given<readonly HealthState[]>;
  readonly runsImage?: Given<string>;
  readonly search?: Given<string>;
};
export type AssignmentFilter = {
  readonly selector?: Given<string>;
  readonly clusters?: Given<readonly string[]>;
  readonly placements?: Given<readonly string[]>;
  readonly headline?: Given<readonly Headline[]>;
  readonly sync?: Given<readonly SyncState[]>;
  readonly drift?: Given<readonly DriftState[]>;
  readonly health?: Given<readonly HealthState[]>;
  readonly appliedRevision?: Given<string>;
  readonly notAppliedRevision?: Given<string>;
};
export type ResourceFilter = {
  readonly kind?: Given<readonly string[]>;
  readonly apiVersion?: Given<readonly string[]>;
  readonly namespace?: Given<readonly string[]>;
  readonly name?: Given<string>;
  readonly nameGlob?: Given<string>;
  readonly image?: Given<string>;
  readonly drift?: Given<readonly DriftState[]>;
  readonly health?: Given<readonly HealthState[]>;
};
export type DriftFilter = {
  readonly selector?: Given<string>;
  readonly clusters?: Given<readonly string[]>;
  readonly placements?: Given<readonly string[]>;
  readonly kind?: Given<readonly DriftKind[]>;
  readonly pathGlob?: Given<string>;
  readonly manager?: Given<readonly string[]>;
  readonly since?: Given<number>;
};

type Test<T> = (row: T) => boolean;
const all =
  <T>(...tests: (Test<T> | undefined)[]): Test<T> =>
  (row) =>
    tests.every((test) => !test || test(row));
const oneOf = <T, V>(values: Given<readonly V[]>, of: (row: T) => V): Test<T> | undefined => {
  if (values == null) return undefined;
  const wanted = new Set(values);
  return (row) => wanted.has(of(row));
};

/** @throws FlotillaError selector-invalid */
export function selects(selector: Given<string>): ((labels: Labels) => boolean) | undefined {
  if (selector == null) return undefined;
  const parsed = parseSelector(selector);
  return (labels) => matches(parsed, labels);
}

function labelTest({ key, in: among, notIn, exists }: LabelFilter): (labels: Labels) => boolean {
  return (labels) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (exists != null && exists !== (value !== undefined)) return false;
    if (among != null && (value === undefined || !among.includes(value))) return false;
    return notIn == null || value === undefined || !notIn.includes(value);
  };
}

/** `search` is a part of the name or of a label value, in any case. */
export function clusterTest(filter: Given<ClusterFilter>): Test<ClusterRow> {
  if (!filter) return () => true;
  const selected = selects(filter.selector);
  const labelled = filter.labels?.map(labelTest);
  const search = filter.search?.toLowerCase();
  const { runsImage } = filter;
  return all<ClusterRow>(
    oneOf(filter.names, ({ name }) => name),
    selected && (({ labels }) => selected(labels)),
    labelled && (({ labels }) => labelled.every((test) => test(labels))),
    oneOf(filter.headline, ({ status }) => status.headline.state),
    oneOf(filter.connectivity, ({ status }) => status.connectivity.state),
    oneOf(filter.drift, ({ status }) => status.drift.state),
    oneOf(filter.health, ({ status }) => status.health.state),
    runsImage == null
      ? undefined
      : ({ assignments }) =>
          assignments.some(({ report }) =>
            report?.objects.some(({ images = [] }) => imagesMatch(images, runsImage)),
          ),
    search
      ? ({ name, labels }) =>
          name.includes(search) || Object.values(labels).some((value) => value.toLowerCase().includes(search))
      : undefined,
  );
}

/** `selector` looks at the labels of the cluster. */
export function assignmentTest(
  filter: Given<AssignmentFilter>,
  labelsOf: (cluster: string) => Labels,
): Test<AssignmentRow> {
  if (!filter) return () => true;
  const selected = selects(filter.selector);
  const { appliedRevision, notAppliedRevision } = filter;
  return all<AssignmentRow>(
    selected && (({ cluster }) => selected(labelsOf(cluster))),
    oneOf(filter.clusters, ({ cluster }) => cluster),
    oneOf(filter.placements, ({ placement }) => placement),
    oneOf(filter.headline, ({ status }) => status.headline.state),
    oneOf(filter.sync, ({ status }) => status.sync.state),
    oneOf(filter.drift, ({ status }) => status.drift.state),
    oneOf(filter.health, ({ status }) => status.health.state),
    appliedRevision == null ? undefined : ({ applied }) => applied?.revision === appliedRevision,
    notAppliedRevision == null ? undefined : ({ applied }) => applied?.revision !== notAppliedRevision,
  );
}

export function resourceTest(filter: Given<ResourceFilter>): Test<ResourceRow> {
  if (!filter) return () => true;
  const glob = filter.nameGlob == null ? undefined : globTest(filter.nameGlob);
  const { name, image } = filter;
  return all<ResourceRow>(
    oneOf(filter.kind, ({ ref }) => ref.kind),
    oneOf(filter.apiVersion, ({ ref }) => ref.apiVersion),
    oneOf(filter.namespace, ({ ref }) => ref.namespace ?? ''),
    name == null ? undefined : ({ ref }) => ref.name === name,
    glob && (({ ref }) => glob(ref.name)),
    image == null ? undefined : ({ object }) => imagesMatch(object.images ?? [], image),
    oneOf(filter.drift, ({ object }) => object.drift),
    oneOf(filter.health, ({ object }) => object.health),
  );
}

export function driftTest(filter: Given<DriftFilter>, labelsOf: (cluster: string) => Labels): Test<DriftRow> {
  if (!filter) return () => true;
  const selected = selects(filter.selector);
  const glob = filter.pathGlob == null ? undefined : globTest(filter.pathGlob);
  const { since } = filter;
  return all<DriftRow>(
    selected && (({ assignment }) => selected(labelsOf(assignment.cluster))),
    oneOf(filter.clusters, ({ assignment }) => assignment.cluster),
    oneOf(filter.placements, ({ assignment }) => assignment.placement),
    oneOf(filter.kind, ({ field }) => field.kind),
    glob && (({ field }) => glob(field.path)),
    oneOf(filter.manager, ({ field }) => field.manager ?? ''),
    since == null ? undefined : ({ field }) => Date.parse(field.firstSeen) >= since,
  );
}

/** `*` stands for any text, also with slashes; everything else for itself. Linear in the text for each `*`. */
export function globTest(glob: string): (text: string) => boolean {
  const parts = glob.split('*');
  const [head = ''] = parts;
  if (parts.length === 1) return (text) => text === head;
  const tail = parts.at(-1)!;
  return (text) => {
    if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length)
      return false;
    let from = head.length;
    const end = text.length - tail.length;
    return parts.slice(1, -1).every((part) => {
      const found = text.indexOf(part, from);
      from = found + part.length;
      return found >= 0 && from <= end;
    });
  };
}
