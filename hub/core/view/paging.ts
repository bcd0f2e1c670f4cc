import { FlotillaError } from '#proto/faults.ts';

/**
 * Forward paging with stable cursors. A cursor is the sort key and the id of the row it follows, not a position: rows that
 * come, go or move between two pages neither repeat nor hide the others.
 */
export type SortKey = string | number;

/** How rows are ordered. `name` binds cursors to this order; the last key is unique, so that the order is total. */
export type Order<T> = {
  readonly name: string;
  readonly keys: (row: T) => readonly SortKey[];
  readonly descending?: boolean;
};

export type Page<T> = {
  readonly rows: readonly T[];
  readonly cursorOf: (row: T) => string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
};

export const MOST_PER_PAGE = 100;

/**
 * One page of `rows`, which may be in any order.
 * @throws FlotillaError hub-refused where `first` is not 1 to 100, or `after` is no cursor of this order
 */
export function pageOf<T>(
  rows: readonly T[],
  order: Order<T>,
  { first, after }: { first: number; after?: string | null | undefined },
): Page<T> {
  if (!Number.isInteger(first) || first < 1 || first > MOST_PER_PAGE) {
    throw new FlotillaError('hub-refused', `first must be 1 to ${MOST_PER_PAGE}, not ${first}`);
  }
  const cursor = after == null ? undefined : readCursor(order.name, after);
  const direction = order.descending ? -1 : 1;
  const compare = (a: readonly SortKey[], b: readonly SortKey[]) => direction * compareKeys(a, b);
  // Only the page and the row after it are kept in order: cheaper than sorting everything for every page.
  const nearest: { row: T; keys: readonly SortKey[] }[] = [];
  let skipped = 0;
  for (const row of rows) {
    const keys = order.keys(row);
    if (cursor && compare(keys, cursor) <= 0) {
      skipped++;
      continue;
    }
    if (nearest.length > first && compare(keys, nearest.at(-1)!.keys) >= 0) continue;
    let place = nearest.length;
    while (place > 0 && compare(keys, nearest[place - 1]!.keys) < 0) place--;
    nearest.splice(place, 0, { row, keys });
    if (nearest.length > first + 1) nearest.pop();
  }
  return {
    rows: nearest.slice(0, first).map(({ row }) => row),
    cursorOf: (row) => writeCursor(order.name, order.keys(row)),
    hasNextPage: nearest.length > first,
    hasPreviousPage: skipped > 0,
  };
}

/** Numbers by size, texts by code unit: the same on every machine, unlike a locale. */
function compareKeys(a: readonly SortKey[], b: readonly SortKey[]): number {
  for (let index = 0; index < a.length; index++) {
    const left = a[index]!;
    const right = b[index];
    if (left === right) continue;
    if (right === undefined) return 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

const writeCursor = (order: string, keys: readonly SortKey[]) =>
  Buffer.from(JSON.stringify([order, ...keys])).toString('base64url');

function readCursor(order: string, cursor: string): SortKey[] {
  const [named, ...keys] = parse(cursor);
  if (named !== order || !keys.every((key) => typeof key === 'string' || typeof key === 'number')) {
    throw new FlotillaError('hub-refused', 'after is no cursor of this list in this order');
  }
  return keys as SortKey[];
}

function parse(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch (cause) {
    throw new FlotillaError('hub-refused', 'after is not a cursor', { cause });
  }
}
