import { parseTable } from './notation.ts';
import { CORE } from './table-core.ts';
import { GROUPS } from './table-groups.ts';
import { PODS } from './table-pods.ts';
import type { MapType } from './types.ts';

/** Every built-in type by its name in the table; one copy serves all clusters of the process. */
const BUILT_IN: ReadonlyMap<string, MapType> = parseTable(PODS, CORE, GROUPS);

export function builtIn(name: string): MapType {
  const type = BUILT_IN.get(name);
  if (!type) throw new Error(`no built-in type ${name}`);
  return type;
}

export const OBJECT_META = builtIn('ObjectMeta');
