import type { JsonObject } from './json.ts';
import { isObject, stringMap } from './json.ts';
import type { Kind } from './kinds/kinds.ts';

/**
 * One stored object. The JSON is kept as text, metadata apart from the rest: an idle cluster then costs little more
 * than its bytes, and metadata-only reads are a copy.
 */
export interface Stored {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: string;
  /** `"spec":{…},"status":{…}` or nothing */
  readonly rest: string;
}

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  readonly type: ChangeType;
  /** `group/resource` */
  readonly resource: string;
  readonly revision: number;
  readonly object: Stored;
  readonly before: Stored | undefined;
}

export type Listener = (change: Change) => void;

/** What one kind has, by `namespace/name`. */
type Collection = Map<string, Stored>;

/**
 * The objects of one cluster and the recent history of their changes. Revisions rise by one with every change, across
 * all kinds. The history keeps the last `historyLimit` changes, at times half as many
 * more: a watch from before it must list again.
 */
export class Store {
  revision = 1;
  #forgotten = 1;
  readonly #collections = new Map<string, Collection>();
  readonly #history: Change[] = [];
  readonly #historyLimit: number;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(historyLimit: number) {
    this.#historyLimit = historyLimit;
  }

  get(kind: Kind, namespace: string, name: string): Stored | undefined {
    return this.#collections.get(resourceOf(kind))?.get(`${namespace}/${name}`);
  }

  /** The objects of a kind, in all namespaces for '', in the order of namespace and name. */
  list(kind: Kind, namespace: string): Stored[] {
    const all = this.#collections.get(resourceOf(kind))?.values() ?? [];
    const found = [...all].filter((object) => namespace === '' || object.namespace === namespace);
    return found.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  }

  /** Stores an object as the next revision; its `metadata.resourceVersion` is set. Returns what was stored. */
  put(kind: Kind, object: JsonObject): Stored {
    this.revision++;
    const stored = pack(object, this.revision);
    const key = `${stored.namespace}/${stored.name}`;
    const collection = this.#collection(resourceOf(kind));
    const before = collection.get(key);
    collection.set(key, stored);
    this.#record(resourceOf(kind), before ? 'MODIFIED' : 'ADDED', stored, before);
    return stored;
  }

  /** Removes an object. Its last state, with the revision of the deletion, is what watchers see. */
  delete(kind: Kind, object: JsonObject): Stored {
    this.revision++;
    const last = pack(object, this.revision);
    const collection = this.#collection(resourceOf(kind));
    const key = `${last.namespace}/${last.name}`;
    const before = collection.get(key);
    collection.delete(key);
    this.#record(resourceOf(kind), 'DELETED', last, before);
    return last;
  }

  /** Drops everything of a resource without telling anybody: its kind is no longer served. */
  drop(kind: Kind): void {
    this.#collections.delete(resourceOf(kind));
  }

  /** Changes of a resource after a revision, or undefined when the history does not reach back that far. */
  since(kind: Kind, revision: number): Change[] | undefined {
    if (revision < this.#forgotten) return undefined;
    const resource = resourceOf(kind);
    return this.#history.filter((change) => change.resource === resource && change.revision > revision);
  }

  /** Forgets the history, as a compaction does: watches from before now must list again. */
  forget(): void {
    this.#history.length = 0;
    this.#forgotten = this.revision;
  }

  /** Calls the listener with every later change of a resource, or of all for undefined. Returns the way to stop. */
  subscribe(kind: Kind | undefined, listener: Listener): () => void {
    const resource = kind ? resourceOf(kind) : '';
    const listeners = this.#listeners.get(resource) ?? new Set();
    this.#listeners.set(resource, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(resource);
    };
  }

  #collection(resource: string): Collection {
    const found = this.#collections.get(resource);
    if (found) return found;
    const created: Collection = new Map();
    this.#collections.set(resource, created);
    return created;
  }

  #record(resource: string, type: ChangeType, object: Stored, before: Stored | undefined): void {
    const change: Change = { type, resource, revision: object.revision, object, before };
    this.#history.push(change);
    // Dropped in batches: one shift a change would move the whole history each time.
    if (this.#history.length > this.#historyLimit * 1.5) {
      const dropped = this.#history.splice(0, this.#history.length - this.#historyLimit);
      this.#forgotten = dropped.at(-1)?.revision ?? this.#forgotten;
    }
    for (const key of [resource, '']) for (const listener of this.#listeners.get(key) ?? []) listener(change);
  }
}

function resourceOf(kind: Pick<Kind, 'group' | 'resource'>): string {
  return `${kind.group}/${kind.resource}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function pack(object: JsonObject, revision: number): Stored {
  const { apiVersion: _, kind: __, metadata, ...rest } = object;
  const meta = isObject(metadata) ? metadata : {};
  const { name, namespace, generateName, uid, ...others } = meta;
  return {
    namespace: typeof namespace === 'string' ? namespace : '',
    name: String(name),
    uid: String(uid),
    revision,
    labels: stringMap(meta.labels),
    metadata: JSON.stringify({
      name,
      ...(generateName === undefined ? {} : { generateName }),
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      ...others,
      resourceVersion: String(revision),
    }),
    rest: JSON.stringify(rest).slice(1, -1),
  };
}

/** The JSON text of a stored object at one version of its kind. */
export function render(stored: Stored, kind: Pick<Kind, 'kind' | 'apiVersion'>): string {
  const rest = stored.rest ? `,${stored.rest}` : '';
  return `{"kind":"${kind.kind}","apiVersion":"${kind.apiVersion}","metadata":${stored.metadata}${rest}}`;
}

/** A fresh copy of a stored object at one version of its kind. */
export function unpack(stored: Stored, kind: Pick<Kind, 'kind' | 'apiVersion'>): JsonObject {
  return JSON.parse(render(stored, kind)) as JsonObject;
}
