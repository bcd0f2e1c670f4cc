import type { Labels } from '#proto/selector.ts';
import { HEADLINES_WORST_FIRST, type Headline } from './headline.ts';

/** Counts over what a filter has selected. */
type Counted = {
  readonly labels: Labels;
  readonly status: { readonly headline: { readonly state: Headline } };
};

export type StatusCount = { readonly headline: Headline; readonly count: number };
export type FacetValue = {
  readonly value: string;
  readonly count: number;
  readonly statusCounts: readonly StatusCount[];
};
export type Facet = { readonly key: string; readonly values: readonly FacetValue[] };
export type GroupCell = {
  readonly keys: readonly { readonly key: string; readonly value: string }[];
  readonly count: number;
  readonly statusCounts: readonly StatusCount[];
};

/** One count per headline that occurs, worst first. */
export function countStatuses(
  rows: Iterable<{ readonly status: { readonly headline: { readonly state: Headline } } }>,
): StatusCount[] {
  const counts = new Map<Headline, number>();
  for (const { status } of rows) {
    counts.set(status.headline.state, (counts.get(status.headline.state) ?? 0) + 1);
  }
  return HEADLINES_WORST_FIRST.filter((headline) => counts.has(headline)).map((headline) => ({
    headline,
    count: counts.get(headline)!,
  }));
}

/** The values that a label has among the rows, the most frequent first; rows without the label are not counted. */
export function facetOf(rows: readonly Counted[], key: string): Facet {
  const groups = Map.groupBy(
    rows.filter(({ labels }) => Object.hasOwn(labels, key)),
    ({ labels }) => labels[key]!,
  );
  const values = [...groups].map(([value, members]) => ({
    value,
    count: members.length,
    statusCounts: countStatuses(members),
  }));
  values.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
  return { key, values };
}

/** One cell per distinct combination of the label keys; an absent label counts as the empty value. */
export function groupCells(rows: readonly Counted[], keys: readonly string[]): GroupCell[] {
  const valuesOf = ({ labels }: Counted) =>
    keys.map((key) => (Object.hasOwn(labels, key) ? labels[key]! : ''));
  const groups = Map.groupBy(rows, (row) => JSON.stringify(valuesOf(row)));
  return [...groups.keys()].sort().map((group) => {
    const members = groups.get(group)!;
    const values = valuesOf(members[0]!);
    return {
      keys: keys.map((key, index) => ({ key, value: values[index]! })),
      count: members.length,
      statusCounts: countStatuses(members),
    };
  });
}
