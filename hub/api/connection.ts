import { type Order, pageOf } from '../core/view/paging.ts';
import type { ApiContext } from './context.ts';

export type PageArguments = { first: number; after?: string | null };

/** A Relay connection. `rows` is everything that the filter selected, for totals and facets. */
export type Connection<T> = {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly nodes: readonly T[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | undefined;
    readonly endCursor: string | undefined;
  };
  readonly totalCount: number;
  readonly rows: readonly T[];
};

/** @throws FlotillaError hub-refused for a wrong `first` or `after`, or when the time is up */
export function connect<T>(
  rows: readonly T[],
  order: Order<T>,
  { first, after }: PageArguments,
  { time }: ApiContext,
): Connection<T> {
  time.check();
  const page = pageOf(rows, order, { first, after });
  const edges = page.rows.map((node) => ({ cursor: page.cursorOf(node), node }));
  return {
    edges,
    nodes: page.rows,
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: edges[0]?.cursor,
      endCursor: edges.at(-1)?.cursor,
    },
    totalCount: rows.length,
    rows,
  };
}
