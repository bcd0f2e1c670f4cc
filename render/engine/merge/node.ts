import type { Json } from '../../yaml/read.ts';
import { EngineFault } from '../fault.ts';
import { BLANK, isMap } from '../json.ts';

/** A value, or NONE where nothing stands at all: a null that is written is something else. */
export type Node = Json | typeof NONE;
export const NONE = Symbol('none');

export type NodeKind = 'map' | 'list' | 'scalar';

/** Undefined for null, however it is written, and for NONE. */
export function kindOf(node: Node): NodeKind | undefined {
  if (node === NONE || node === null || node === BLANK) return undefined;
  if (isMap(node)) return 'map';
  return Array.isArray(node) ? 'list' : 'scalar';
}

/** The text of a scalar, as keys of list elements are compared; maps and lists have none. */
export function textOf(value: Json): string {
  if (value === BLANK) return '';
  return typeof value === 'object' && value !== null ? '' : String(value);
}

export function isEmptyMap(value: Json): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

const NAMES: Readonly<Record<NodeKind, string>> = {
  map: 'MappingNode',
  list: 'SequenceNode',
  scalar: 'ScalarNode',
};

/** In the words of kustomize, which users find again in its documentation. */
export function wrongKind(
  expected: NodeKind,
  found: NodeKind,
  path: readonly (string | number)[],
): EngineFault {
  return new EngineFault(`wrong node kind: expected ${NAMES[expected]} but got ${NAMES[found]}`, path);
}
