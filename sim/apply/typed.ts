import type { Json } from '../json.ts';
import { isObject } from '../json.ts';
import type { ListType, MapType, ScalarType, Type } from '../schema/types.ts';
import { deduce, fieldType } from '../schema/types.ts';
import { FieldSet } from './field-set.ts';
import type { PathElement } from './path.ts';
import { describeElement, fieldElement, itemElement } from './path.ts';

/**
 * Says where a value does not follow its type, in the words of structured-merge-diff (typed/validate.go). An empty
 * list means it does. Duplicates in sets and keyed lists are errors unless allowed.
 */
export function checkType(value: Json, type: Type, allowDuplicates = false): string[] {
  const errors: string[] = [];
  check(value, type, '', allowDuplicates, errors);
  return errors;
}

/** How structured-merge-diff words one or several errors. */
export function joinErrors(errors: readonly string[]): string {
  return errors.length === 1 ? (errors[0] ?? '') : ['errors:', ...errors.map((e) => `  ${e}`)].join('\n');
}

function check(value: Json, declared: Type, path: string, duplicates: boolean, errors: string[]): void {
  if (value === null) return;
  const type = deduce(declared, value);
  const report = (message: string, at = path) => errors.push(at ? `${at}: ${message}` : message);
  if (type.kind === 'scalar') {
    const message = scalarError(type, value);
    if (message) report(message);
  } else if (type.kind === 'list') {
    if (Array.isArray(value)) checkList(value, type, path, duplicates, errors, report);
    else report(`expected list, got &{${goValue(value)}}`);
  } else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      const next = fieldType(type, name);
      if (next) check(item, next, `${path}.${name}`, duplicates, errors);
      else report('field not declared in schema', `${path}.${name}`);
    }
  } else {
    report(`expected map, got &{${goValue(value)}}`);
  }
}

function checkList(
  list: Json[],
  type: ListType,
  path: string,
  duplicates: boolean,
  errors: string[],
  report: (message: string) => void,
): void {
  const seen = new Set<PathElement>();
  for (const [i, item] of list.entries()) {
    let at = `${path}[${i}]`;
    if (type.merge !== 'atomic') {
      const { element, error } = itemElement(type, item);
      if (error !== undefined) {
        report(`element ${i}: ${error}`);
        return;
      }
      at = path + describeElement(element);
      if (seen.has(element) && !duplicates) report(`duplicate entries for key ${describeElement(element)}`);
      seen.add(element);
    }
    check(item, type.item, at, duplicates, errors);
  }
}

function scalarError(type: ScalarType, value: Json): string | undefined {
  switch (type.scalar) {
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got &{${goValue(value)}}`;
    case 'string':
    case 'bytes':
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    default:
      return typeof value === 'object' ? `expected any scalar, got &{${goValue(value)}}` : undefined;
  }
}

/** The set of every leaf and list element a value mentions (typed/tofieldset.go). */
export function toFieldSet(value: Json, type: Type): FieldSet {
  const set = new FieldSet();
  collect(value, type, [], set);
  return set;
}

function collect(value: Json, declared: Type, path: PathElement[], set: FieldSet): void {
  const type = deduce(declared, value);
  if (type.kind === 'scalar' || isAtomic(type)) {
    set.insert(path);
  } else if (type.kind === 'list') {
    if (Array.isArray(value)) collectList(value, type, path, set);
  } else if (isObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      const below = [...path, fieldElement(name)];
      const next = fieldType(type, name);
      if (next) collect(item, next, below, set);
      const isEmpty = item === null || (isObject(item) && Object.keys(item).length === 0);
      if (isEmpty || !type.fields.has(name)) set.insert(below);
    }
  }
}

function collectList(list: Json[], type: ListType, path: PathElement[], set: FieldSet): void {
  const elements = list.map((item) => itemElement(type, item).element);
  for (const [i, element] of elements.entries()) {
    if (element === undefined) continue;
    const below = [...path, element];
    const isDuplicate = elements.indexOf(element) !== i || elements.lastIndexOf(element) !== i;
    if (!isDuplicate) collect(list[i] ?? null, type.item, below, set);
    set.insert(below);
  }
}

export function isAtomic(type: ListType | MapType): boolean {
  return type.kind === 'list' ? type.merge === 'atomic' : type.atomic;
}

function goType(value: Json): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** The way Go prints a value with %v. */
function goValue(value: Json): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([k, v]) => `${k}:${goValue(v)}`).join(' ')}]`;
}

/** The way Go prints a value with %#v. */
function goSyntax(value: Json): string {
  if (value === null) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]interface {}{${entries.map(([k, v]) => `${JSON.stringify(k)}:${goSyntax(v)}`).join(', ')}}`;
}
