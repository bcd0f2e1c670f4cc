import type { Type } from '../schema/types.ts';
import { fieldType } from '../schema/types.ts';
import { FieldSet } from './field-set.ts';
import type { PathElement } from './path.ts';
import { fieldName } from './path.ts';
import { isAtomic } from './typed.ts';

/**
 * Rewrites a stored set after its schema changed from granular to atomic: paths below a value that is now atomic become
 * that value (typed/reconcile_schema.go). Sets that fit are returned as they are.
 */
export function reconcileFieldSet(set: FieldSet, type: Type): FieldSet {
  if (type.kind !== 'map' && type.kind !== 'list') return set;
  const members = new Set(set.members);
  const children = new Map<PathElement, FieldSet>();
  let changed = false;
  for (const [element, child] of set.children) {
    const next = typeBelow(type, element);
    if (next && (next.kind === 'map' || next.kind === 'list') && isAtomic(next)) {
      members.add(element);
      changed = true;
      continue;
    }
    const reconciled = next ? reconcileFieldSet(child, next) : child;
    children.set(element, reconciled);
    changed ||= reconciled !== child;
  }
  return changed ? new FieldSet(members, children) : set;
}

function typeBelow(type: Type, element: PathElement): Type | undefined {
  if (type.kind === 'list') return type.item;
  const name = fieldName(element);
  return type.kind === 'map' && name !== undefined ? fieldType(type, name) : undefined;
}
