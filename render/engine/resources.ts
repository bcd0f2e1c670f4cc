import { EngineFault } from './fault.ts';
import { get, isEmpty, isMap, put, remove, set } from './json.ts';
import { type Resource, texts } from './resource.ts';
import { idKey, type ResourceId, sameId, showId } from './resource-id.ts';

/** How often patches may change an object before the process has better things to do: about a second. */
const MOST_PATCHED = 15_000;
/** Looking at so many objects costs as much as patching one. */
const LOOKS = 50;

/** The objects that a kustomization has gathered, in order; no two have the same current id. */
export class Resources {
  #list: Resource[] = [];
  #patched = 0;
  /** Keys of current ids; dropped by whatever may change one. */
  #keys: Set<string> | undefined = new Set();

  /** Counts the objects that a patch changes, and those looked at to find them; both multiply. @throws EngineFault beyond any honest number of them */
  spend(patches: number): void {
    this.#patched += patches + this.#list.length / LOOKS;
    if (this.#patched > MOST_PATCHED)
      throw new EngineFault(
        `more than ${MOST_PATCHED} times an object is patched, or too many are searched for it`,
      );
  }

  get list(): readonly Resource[] {
    return this.#list;
  }

  /** @throws EngineFault when an object with this id is there already */
  append(resource: Resource): void {
    this.#keys ??= new Set(this.#list.map(({ id }) => idKey(id)));
    const key = idKey(resource.id);
    if (this.#keys.has(key))
      throw new EngineFault(`${showId(resource.id)} is there already; an id is used once`);
    this.#keys.add(key);
    this.#list.push(resource);
  }

  appendAll(resources: Iterable<Resource>): void {
    for (const resource of resources) this.append(resource);
  }

  /** Call after resources were changed from outside. */
  changed(): void {
    this.#keys = undefined;
  }

  dropGone(): void {
    if (this.#list.some(({ gone }) => gone)) this.keep((resource) => !resource.gone);
  }

  keep(wanted: (resource: Resource) => boolean): void {
    this.#list = this.#list.filter(wanted);
    this.changed();
  }

  /** @throws EngineFault when two have the same id */
  reorder(list: readonly Resource[]): void {
    this.#list = [];
    this.#keys = new Set();
    this.appendAll(list);
  }

  withAnyId(id: ResourceId): Resource[] {
    return this.#list.filter((resource) => resource.anyIds.some((one) => sameId(one, id)));
  }

  /**
   * Takes in what a generator made: a new object, or one that merges with or replaces an object that is there.
   * @throws EngineFault when the behavior does not fit what is there
   */
  absorb(generated: Resource): void {
    const matches = this.withAnyId(generated.id);
    const name = showId(generated.id);
    const { behavior } = generated;
    const changes = behavior === 'merge' || behavior === 'replace';
    const [old, second] = matches;
    if (second) throw new EngineFault(`${matches.length} objects could be what ${name} ${behavior}s`);
    if (!old) {
      if (changes) throw new EngineFault(`${name} does not exist, so there is nothing to ${behavior}`);
      this.append(generated);
      return;
    }
    if (!changes) throw new EngineFault(`${name} exists already; behavior must be merge or replace`);
    takeOver(generated, old);
    if (behavior === 'merge') {
      mergeData(generated, old, 'data');
      mergeData(generated, old, 'binaryData');
      if (old.origin) generated.origin = old.origin;
      generated.file = old.file ?? generated.file;
    }
    this.#list[this.#list.indexOf(old)] = generated;
    this.changed();
  }
}

/** Metadata of the old object stays, with the labels and annotations of the new one over it. */
function takeOver(generated: Resource, old: Resource): void {
  const { needsHash } = generated;
  generated.setLabels({ ...old.labels, ...generated.labels });
  generated.setAnnotations({ ...old.annotations, ...generated.annotations });
  generated.setName(old.name);
  generated.setNamespace(old.namespace);
  generated.inherit(old);
  generated.needsHash = old.needsHash && needsHash;
  generated.transformations = old.transformations;
}

function mergeData(generated: Resource, old: Resource, field: 'data' | 'binaryData'): void {
  const merged = {};
  for (const source of [old, generated]) {
    const map = get(source.value, field);
    if (!isMap(map)) continue;
    for (const [key, text] of Object.entries(texts(map))) put(merged, key, text);
  }
  generated.value = isEmpty(merged) ? remove(generated.value, field) : set(generated.value, field, merged);
}
