import type { Hub } from './hub.ts';

type Page<T> = { nodes: T[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
export const PAGE_INFO = 'pageInfo { hasNextPage endCursor }';

/** All nodes of a connection, page after page. The query takes `$after`; `pick` finds the connection in its answer. */
export async function allPages<A, T>(
  hub: Hub,
  query: string,
  variables: object,
  pick: (answer: A) => Page<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const nodes: T[] = [];
  let after: string | null = null;
  do {
    const page: Page<T> = pick(await hub.ask<A>(query, { ...variables, after }, signal));
    nodes.push(...page.nodes);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  return nodes;
}
