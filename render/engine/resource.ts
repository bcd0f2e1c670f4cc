import type { Json } from '../yaml/read.ts';
import { EngineFault } from './fault.ts';
import {
  get,
  isEmpty,
  isMap,
  isNull,
  type JsonMap,
  kindOf,
  put,
  remove,
  set,
  setIn,
  textOf,
  writtenText,
} from './json.ts';
import type { MergeSchema } from './merge/schema.ts';
import { isClusterScoped } from './merge/schema.ts';
import type { Origin } from './origin.ts';
import { apiVersionOf, effectiveNamespace, parseApiVersion, type ResourceId } from './resource-id.ts';
import { spread, type Tie } from './ties.ts';

/** What a generator says should happen with an object that exists already. */
export type Behavior = 'unspecified' | 'create' | 'merge' | 'replace';
type PreviousId = { readonly name: string; readonly namespace: string; readonly kind: string };

/**
 * One object on its way through kustomizations, with what kustomize remembers of it: former names, the prefixes and
 * suffixes it was given, how a generator made it. The value is persistent; a change replaces it. Who takes a resource
 * from a shared base takes a `copy`.
 */
export class Resource {
  value: JsonMap;
  /** Oldest first. */
  previous: readonly PreviousId[] = [];
  prefixes: readonly string[] = [];
  suffixes: readonly string[] = [];
  behavior: Behavior = 'unspecified';
  needsHash = false;
  /** Places that are one node to kustomize. */
  ties: readonly Tie[] = [];
  /** Names of the vars that take their value from here. */
  vars: readonly string[] = [];
  #origin: Origin | undefined;
  transformations: readonly Origin[] = [];
  /** The file it was read from; of a generated one, the kustomization that asks for it. Undefined where neither is known. */
  file: string | undefined;
  readonly schema: MergeSchema;
  #id: ResourceId | undefined;
  #idOf: JsonMap | undefined;

  constructor(value: JsonMap, schema: MergeSchema) {
    this.value = value;
    this.schema = schema;
  }

  copy(): Resource {
    const copy = new Resource(this.value, this.schema);
    copy.inherit(this);
    copy.origin = this.origin;
    copy.transformations = this.transformations;
    copy.file = this.file;
    copy.ties = this.ties;
    copy.#id = this.#id;
    copy.#idOf = this.#idOf;
    return copy;
  }

  /** Takes over what is remembered of another. */
  inherit(other: Resource): void {
    this.previous = other.previous;
    this.prefixes = other.prefixes;
    this.suffixes = other.suffixes;
    this.behavior = other.behavior;
    this.needsHash = other.needsHash;
    this.vars = other.vars;
  }

  get origin(): Origin | undefined {
    return this.#origin;
  }
  set origin(origin: Origin | undefined) {
    if (origin) this.#checkNotes();
    this.#origin = origin;
  }

  /** Text, whatever was written: kustomize takes `kind: null` for a kind of that name. */
  get kind(): string {
    return writtenText(get(this.value, 'kind'));
  }
  get apiVersion(): string {
    return writtenText(get(this.value, 'apiVersion'));
  }
  get name(): string {
    return textOf(this.#meta('name'));
  }
  get namespace(): string {
    return textOf(this.#meta('namespace'));
  }
  /** Nothing is left of the object: it was deleted by a patch. */
  get gone(): boolean {
    return isEmpty(this.value as Json);
  }

  /** The id as the object stands now. */
  get id(): ResourceId {
    if (this.#id && this.#idOf === this.value) return this.#id;
    const { apiVersion, kind } = this;
    const cluster = isClusterScoped(this.schema, apiVersion, kind);
    this.#id = { ...parseApiVersion(apiVersion), kind, name: this.name, namespace: this.namespace, cluster };
    this.#idOf = this.value;
    return this.#id;
  }

  /** Former ids, oldest first. As in kustomize they have today's apiVersion, and their namespace as it was counted. */
  get previousIds(): ResourceId[] {
    if (this.previous.length === 0) return [];
    const { group, version } = parseApiVersion(this.apiVersion);
    return this.previous.map(({ name, namespace, kind }) => ({
      ...{ group, version, kind, name, namespace },
      cluster: false,
    }));
  }

  /** The id that the object had first. */
  get originalId(): ResourceId {
    return this.previousIds[0] ?? this.id;
  }

  get anyIds(): ResourceId[] {
    return [...this.previousIds, this.id];
  }

  /** Remembers the id of now as a former one. */
  rememberId(): void {
    const { kind, name } = this.id;
    this.#takeNotes();
    this.previous = [...this.previous, { kind, name, namespace: effectiveNamespace(this.id) }];
  }

  /** @throws EngineFault for labels or annotations that kustomize crashes on (see `texts`) */
  demandPairs(which: 'labels' | 'annotations'): void {
    const found = this.#meta(which);
    if (Array.isArray(found)) pairsOf(found);
  }

  /** kustomize keeps such notes in annotations: what is none makes room for them, and a list has no place for any. */
  #takeNotes(): void {
    const annotations = this.#meta('annotations');
    if (annotations === undefined || isMap(annotations)) return;
    if (Array.isArray(annotations) && annotations.length > 0)
      throw new EngineFault('metadata.annotations must be a map, not a list');
    this.#setMap('annotations', {});
  }

  /** Text, or a scalar that was there before. */
  setName(name: Json): void {
    this.value = setIn(this.value, ['metadata', 'name'], name);
  }

  /** Takes the object as something wrote into it, field by field: what is tied to a field changes with it. */
  write(value: JsonMap): void {
    this.value = this.ties.length === 0 ? value : spread(this.value, value, this.ties);
  }

  /** '' takes the namespace away. */
  setNamespace(namespace: Json): void {
    if (namespace !== '') this.value = setIn(this.value, ['metadata', 'namespace'], namespace);
    else {
      const metadata = get(this.value, 'metadata');
      if (isMap(metadata)) this.value = set(this.value, 'metadata', remove(metadata, 'namespace'));
    }
  }

  setKind(kind: Json): void {
    this.value = set(this.value, 'kind', kind);
  }

  setApiVersion(gvk: { group: string; version: string }): void {
    this.value = set(this.value, 'apiVersion', apiVersionOf(gvk));
  }

  get labels(): Record<string, string> {
    return texts(this.#meta('labels'));
  }
  get annotations(): Record<string, string> {
    return texts(this.#meta('annotations'));
  }

  setLabels(labels: Record<string, string>): void {
    this.#setMap('labels', labels);
  }
  setAnnotations(annotations: Record<string, string>): void {
    this.#setMap('annotations', annotations);
  }

  /** Of an origin the note is written at once, where annotations are a map. */
  #checkNotes(): void {
    const annotations = this.#meta('annotations');
    if (!isMap(annotations) && !isNull(annotations))
      throw new EngineFault(`metadata.annotations must be a map, not ${kindOf(annotations)}`);
  }

  #meta(key: string): Json | undefined {
    return get(get(this.value, 'metadata'), key);
  }

  #setMap(key: 'labels' | 'annotations', map: Record<string, string>): void {
    const found = get(this.value, 'metadata');
    if (!isMap(found) && !isNull(found) && found !== undefined)
      throw new EngineFault(`metadata must be a map, not ${kindOf(found)}`);
    const metadata = found ?? {};
    const changed = Object.keys(map).length === 0 ? remove(metadata, key) : set(metadata, key, map);
    if (changed !== found) this.value = set(this.value, 'metadata', changed);
  }
}

/**
 * The members of a map as text. kustomize takes the elements of a list for keys and values in turn, and crashes where the last key
 * has none.
 */
export function texts(map: Json | undefined): Record<string, string> {
  if (Array.isArray(map)) return texts(pairsOf(map));
  if (!isMap(map)) return {};
  const entries = Object.entries(map);
  return Object.fromEntries(entries.map(([key, value]) => [key, writtenText(value)]));
}

function pairsOf(list: readonly Json[]): JsonMap {
  if (list.length % 2 !== 0)
    throw new EngineFault('labels and annotations must be a map, not a list of an odd number of elements');
  const pairs = {};
  for (let at = 0; at < list.length; at += 2) put(pairs, writtenText(list[at]), list[at + 1]!);
  return pairs;
}
