import type { Line, Target } from './state.ts';

/** The targets of a line as arrays, for looking at all of them: a record of ten thousand members is slow to go through. */
export type TargetTable = {
  readonly names: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  readonly list: Target[];
};

const tables = new WeakMap<object, TargetTable>();

/** Made once for a record, which is never written to again. */
export function tableOf(targets: Line['targets']): TargetTable {
  const known = tables.get(targets);
  if (known) return known;
  const names = Object.keys(targets);
  const made = {
    names,
    index: new Map(names.map((name, at) => [name, at])),
    list: names.map((name) => targets[name]!),
  };
  tables.set(targets, made);
  return made;
}

/** For a copy of the record that has the same names. */
export function copyOf({ names, index, list }: TargetTable, record: Line['targets']): TargetTable {
  const made = { names, index, list: list.slice() };
  tables.set(record, made);
  return made;
}

/** The record has got other names. */
export const forget = (record: Line['targets']): boolean => tables.delete(record);
