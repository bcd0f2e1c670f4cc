import { byBytes } from '../../yaml/go-json.ts';
import { EngineFault } from '../fault.ts';
import type { SortOptions } from '../read/kustomization.ts';
import type { Resource } from '../resource.ts';
import { FIRST_KINDS, kindRanks, LAST_KINDS, showId, sortText } from '../resource-id.ts';
import type { Resources } from '../resources.ts';

/** `sortOptions`: the order of resources, or by kinds. @throws EngineFault for options that do not go together */
export function sortResources(resources: Resources, options: SortOptions): void {
  const { order = '', legacySortOptions } = options;
  if (order !== 'fifo' && order !== 'legacy')
    throw new EngineFault('sortOptions.order must be fifo or legacy', ['sortOptions']);
  if (order === 'fifo') {
    if (legacySortOptions)
      throw new EngineFault('legacySortOptions go with the order legacy only', [
        'sortOptions',
        'legacySortOptions',
      ]);
    return;
  }
  const { orderFirst = [], orderLast = [] } = legacySortOptions ?? {
    orderFirst: FIRST_KINDS,
    orderLast: LAST_KINDS,
  };
  const ranks = kindRanks(orderFirst, orderLast);
  const keyed = resources.list.map((resource) => ({ resource, ...keyOf(resource, ranks) }));
  keyed.sort((a, b) => a.rank - b.rank || byGvk(a, b) || byBytes(a.id, b.id));
  resources.reorder(keyed.map(({ resource }) => resource));
}

function keyOf({ id }: Resource, ranks: ReadonlyMap<string, number>) {
  const { kind, namespace, name } = id;
  const [gvk] = showId(id).split('/', 1);
  return {
    rank: ranks.get(kind) ?? 0,
    gvk: sortText(id),
    kind,
    id: [gvk, namespace || '~X', name || '~N'].join('|'),
  };
}

/** Namespaces of the core come before those of other groups; all else goes by its letters. */
function byGvk(a: { kind: string; gvk: string }, b: { kind: string; gvk: string }): number {
  const order = byBytes(a.gvk, b.gvk);
  return a.kind === 'Namespace' && b.kind === 'Namespace' ? -order : order;
}
