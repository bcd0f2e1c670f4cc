import type { Surroundings } from '../verb.ts';
import { type Cell, table } from './table.ts';

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

/** How a list is shown. `wide` columns come after the others. */
export type Shape<T> = {
  readonly columns: readonly Column<T>[];
  readonly wide: readonly Column<T>[];
  /** kind/name, as `kubectl get -o name`. */
  name(item: T): string;
};
export type Column<T> = readonly [title: string, cell: (item: T) => Cell];

/** `{items: […]}` for json and yaml; a table says nothing at all where there is nothing. */
export async function printList<T>(
  items: readonly T[],
  format: Format,
  shape: Shape<T>,
  around: Surroundings,
  { header = true } = {},
): Promise<void> {
  if (format === 'json' || format === 'yaml') return printValue({ items }, format, around);
  if (items.length === 0) return;
  if (format === 'name') around.out(items.map((item) => `${shape.name(item)}\n`).join(''));
  else {
    const columns = format === 'wide' ? [...shape.columns, ...shape.wide] : shape.columns;
    const text = table(
      columns.map(([title]) => title),
      items.map((item) => columns.map(([, cell]) => cell(item))),
      around,
    );
    around.out(header ? text : text.slice(text.indexOf('\n') + 1));
  }
}

/** One value as JSON or YAML. */
export async function printValue(
  value: unknown,
  format: 'json' | 'yaml',
  around: Surroundings,
): Promise<void> {
  if (format === 'json') around.out(`${JSON.stringify(value, null, 2)}\n`);
  else around.out((await import('yaml')).stringify(value));
}
