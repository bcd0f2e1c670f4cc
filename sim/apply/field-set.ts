import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import type { Type } from '../schema/types.ts';
import type { PathElement } from './path.ts';
import { fieldName } from './path.ts';

/**
 * A set of field paths, as structured-merge-diff defines it: members are the paths that end here, children lead on.
 * A path in the set says nothing about its parents. Operations return new sets and may share subtrees, so a set is not
 * changed after it was given away.
 */
export class FieldSet {
  readonly members: Set<PathElement>;
  readonly children: Map<PathElement, FieldSet>;

  constructor(members: Iterable<PathElement> = [], children: Iterable<[PathElement, FieldSet]> = []) {
    this.members = new Set(members);
    this.children = new Map(children);
  }

  static of(...paths: PathElement[][]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  /** Adds one path. The empty path is the object itself, which nobody owns. */
  insert(path: readonly PathElement[]): void {
    let at: FieldSet = this;
    path.forEach((element, i) => {
      if (i === path.length - 1) {
        at.members.add(element);
        return;
      }
      let next = at.children.get(element);
      if (!next) {
        next = new FieldSet();
        at.children.set(element, next);
      }
      at = next;
    });
  }

  has(path: readonly PathElement[]): boolean {
    let at: FieldSet | undefined = this;
    for (const element of path.slice(0, -1)) at = at?.children.get(element);
    const last = path.at(-1);
    return last !== undefined && at?.members.has(last) === true;
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.children.values().every((child) => child.isEmpty);
  }

  union(other: FieldSet): FieldSet {
    const children = new Map(this.children);
    for (const [element, child] of other.children) {
      const mine = children.get(element);
      children.set(element, mine ? mine.union(child) : child);
    }
    return new FieldSet([...this.members, ...other.members], children);
  }

  intersection(other: FieldSet): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      if (theirs) keep(children, element, child.intersection(theirs));
    }
    return new FieldSet(both(this.members, other.members), children);
  }

  /** What is in this set and not in the other; a parent in the other does not take its children along. */
  difference(other: FieldSet): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [element, child] of this.children) {
      const theirs = other.children.get(element);
      keep(children, element, theirs ? child.difference(theirs) : child);
    }
    return new FieldSet(without(this.members, other.members), children);
  }

  /** As `difference`, but a path of the other takes everything below it along. */
  recursiveDifference(other: FieldSet): FieldSet {
    const children = new Map<PathElement, FieldSet>();
    for (const [element, child] of this.children) {
      if (other.members.has(element)) continue;
      const theirs = other.children.get(element);
      keep(children, element, theirs ? child.recursiveDifference(theirs) : child);
    }
    return new FieldSet(without(this.members, other.members), children);
  }

  /** Adds every struct field that leads to a member: `a.b.c` then also has `a`, as long as `a` is a declared field. */
  withNamedFields(type: Type | undefined): FieldSet {
    const members = new Set(this.members);
    const children = new Map<PathElement, FieldSet>();
    for (const [element, child] of this.children) {
      const name = fieldName(element);
      let next: Type | undefined;
      if (name !== undefined && type?.kind === 'map') {
        const field = type.fields.get(name);
        if (field) members.add(element);
        next = field?.type ?? type.rest;
      } else if (type?.kind === 'list') {
        next = type.item;
      } else if (type?.kind === 'any') {
        next = type;
      }
      children.set(element, child.withNamedFields(next));
    }
    return new FieldSet(members, children);
  }

  /** Every path, members before what lies below them, in the order of their text. */
  *paths(prefix: readonly PathElement[] = []): Generator<PathElement[]> {
    for (const element of [...this.members].sort()) yield [...prefix, element];
    for (const element of [...this.children.keys()].sort()) {
      yield* this.children.get(element)!.paths([...prefix, element]);
    }
  }

  /** The `fieldsV1` form. */
  toJson(): JsonObject {
    const out: JsonObject = {};
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const below = this.children.get(element)?.toJson();
      if (!below) out[element] = {};
      else out[element] = this.members.has(element) ? { '.': {}, ...below } : below;
    }
    return out;
  }

  /** Reads `fieldsV1`; throws a TypeError when it is not of that form. */
  static fromJson(json: Json | undefined): FieldSet {
    const set = new FieldSet();
    if (json === undefined) return set;
    if (!isObject(json)) throw new TypeError('fieldsV1 is not an object');
    for (const [element, below] of Object.entries(json)) {
      if (element === '.') continue;
      if (!/^[fkvi]:/.test(element)) throw new TypeError(`fieldsV1 has the unknown element "${element}"`);
      if (!isObject(below)) throw new TypeError('fieldsV1 has a value that is not an object');
      const names = Object.keys(below);
      if (names.length === 0 || '.' in below) set.members.add(element);
      if (names.some((name) => name !== '.')) set.children.set(element, FieldSet.fromJson(below));
    }
    return set;
  }
}

function keep(children: Map<PathElement, FieldSet>, element: PathElement, child: FieldSet): void {
  if (!child.isEmpty) children.set(element, child);
}

function both<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): T[] {
  return [...a].filter((item) => b.has(item));
}

function without<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): T[] {
  return [...a].filter((item) => !b.has(item));
}
