import type { FieldDrift, ObjectStatus } from '#proto/messages.ts';
import type { AssignmentRow } from './assignment.ts';

export type ResourceRef = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
};
export type ResourceRow = {
  readonly assignment: AssignmentRow;
  readonly object: ObjectStatus;
  readonly ref: ResourceRef;
};
export type DriftRow = {
  readonly assignment: AssignmentRow;
  readonly field: FieldDrift;
  readonly ref: ResourceRef;
};
export type Image = {
  readonly reference: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
};

/** `group/Kind/namespace/name` with the version it is served in. */
export function refOf({ id, apiVersion }: { id: string; apiVersion: string }): ResourceRef {
  const [, kind = '', namespace = '', ...name] = id.split('/');
  return { apiVersion, kind, namespace: namespace || undefined, name: name.join('/') };
}

export const resourcesOf = (assignment: AssignmentRow): ResourceRow[] =>
  (assignment.report?.objects ?? []).map((object) => ({ assignment, object, ref: refOf(object) }));

export const driftsOf = (assignment: AssignmentRow): DriftRow[] =>
  (assignment.report?.drifts ?? []).map((field) => ({ assignment, field, ref: refOf(field) }));

/** An image reference in parts, as container runtimes read it; a registry's port is not taken for a tag. */
export function parseImage(reference: string): Image {
  const [named = '', digest] = reference.split('@', 2);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  return {
    reference,
    repository: tagged ? named.slice(0, colon) : named,
    tag: tagged ? named.slice(colon + 1) : undefined,
    digest,
  };
}

/** Whether one of the images is the wanted one: its whole reference, `repository:tag`, or its repository. */
export function imagesMatch(images: readonly string[], wanted: string): boolean {
  return images.some((reference) => {
    if (reference === wanted) return true;
    const { repository, tag } = parseImage(reference);
    return repository === wanted || `${repository}:${tag}` === wanted;
  });
}

export type ImageUse = {
  readonly image: Image;
  readonly clusters: ReadonlySet<string>;
  readonly resourceCount: number;
};

/** Images by reference, the most widespread first. */
export function imageUses(rows: readonly ResourceRow[]): ImageUse[] {
  const uses = new Map<string, { clusters: Set<string>; resourceCount: number }>();
  for (const { object, assignment } of rows) {
    for (const reference of new Set(object.images)) {
      const use = uses.get(reference) ?? { clusters: new Set(), resourceCount: 0 };
      use.clusters.add(assignment.cluster);
      use.resourceCount++;
      uses.set(reference, use);
    }
  }
  return [...uses]
    .map(([reference, use]) => ({ image: parseImage(reference), ...use }))
    .sort((a, b) => b.clusters.size - a.clusters.size || (a.image.reference < b.image.reference ? -1 : 1));
}

export const DRIFT_GROUPINGS = ['FIELD', 'MANAGER', 'KIND', 'PLACEMENT'] as const;
export type DriftGrouping = (typeof DRIFT_GROUPINGS)[number];
export type DriftGroup = {
  readonly key: string;
  readonly fields: readonly DriftRow[];
  readonly clusters: ReadonlySet<string>;
  /** Unix milliseconds. */
  readonly firstSeen: number;
};

/** Equal drift folded: by kind and path, by who holds the field (empty: nobody known), by kind, or by placement. */
export function groupDrifts(rows: readonly DriftRow[], by: DriftGrouping): DriftGroup[] {
  const keyOf = ({ field, ref, assignment }: DriftRow): string => {
    switch (by) {
      case 'FIELD':
        return `${ref.kind} ${field.path}`;
      case 'MANAGER':
        return field.manager ?? '';
      case 'KIND':
        return ref.kind;
      case 'PLACEMENT':
        return assignment.placement;
    }
  };
  return [...Map.groupBy(rows, keyOf)]
    .map(([key, fields]) => ({
      key,
      fields,
      clusters: new Set(fields.map(({ assignment }) => assignment.cluster)),
      firstSeen: Math.min(...fields.map(({ field }) => Date.parse(field.firstSeen))),
    }))
    .sort(
      (a, b) =>
        b.clusters.size - a.clusters.size || b.fields.length - a.fields.length || (a.key < b.key ? -1 : 1),
    );
}
