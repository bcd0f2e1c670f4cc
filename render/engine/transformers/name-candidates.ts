import { EngineFault } from '../fault.ts';
import { get, isMap, writtenText } from '../json.ts';
import type { Resource } from '../resource.ts';
import { effectiveNamespace, type Gvk, isSelectedByGvk, NO_NAMESPACE, showId } from '../resource-id.ts';
import { canBeNamed, subjectNamespaces } from './name-sight.ts';

type Question = { readonly referrer: Resource; readonly target: Gvk; readonly path: string };

/** The objects that references may mean, by the names that they had. Names do not change while references are fixed. */
export class Candidates {
  /** By former name, and below it by the namespace of now. */
  readonly #byName = new Map<string, Map<string, Resource[]>>();
  /** By the namespace that an object had first. */
  readonly #byFirst = new Map<string, Resource[]>();

  constructor(all: readonly Resource[]) {
    for (const resource of all) {
      add(this.#byFirst, effectiveNamespace(resource.originalId), resource);
      for (const name of new Set(resource.previous.map((one) => one.name))) {
        const named = this.#byName.get(name) ?? new Map<string, Resource[]>();
        this.#byName.set(name, named);
        add(named, effectiveNamespace(resource.id), resource);
      }
    }
  }

  /**
   * The object that a name means to a referrer. Undefined when none had the name. Where several did, those count that
   * went through the same prefixes and suffixes.
   *
   * @throws EngineFault when several remain that differ in what the reference takes from them
   */
  find(
    name: string,
    question: Question,
    namespace: string | undefined,
    takes: readonly ('name' | 'namespace')[],
  ): Resource | undefined {
    const everywhere = this.#byName.get(name);
    if (!everywhere) return undefined;
    const { referrer, target } = question;
    const subjects = subjectNamespaces(referrer);
    const named = inSight(everywhere, referrer, subjects);
    const isRole = roleFilter(question);
    const inNamespace =
      namespace === undefined ? () => true : this.#inNamespace(namespace, referrer, subjects);
    let found = named.filter(
      (resource) =>
        canBeNamed(resource, referrer, subjects) &&
        inNamespace(resource) &&
        resource.previousIds.some((id) => isSelectedByGvk(id, target)) &&
        isRole(resource) &&
        isInReach(resource, referrer),
    );
    if (found.length === 1) return found[0];
    found = found.filter((resource) => sameAffixes(resource, referrer, true));
    if (found.length > 1) found = found.filter((resource) => sameAffixes(resource, referrer, false));
    const [first, ...others] = found;
    if (!first || others.every((other) => takes.every((field) => other[field] === first[field])))
      return first;
    throw new EngineFault(`${name} could mean ${found.map(({ id }) => showId(id)).join(' or ')}`);
  }

  /** Objects of a namespace by their first one, or where none ever was there, by the one they have now. */
  #inNamespace(namespace: string, referrer: Resource, subjects: ReadonlySet<string>) {
    const of = (resource: Resource, id: 'originalId' | 'id') => {
      const effective = effectiveNamespace(resource[id]);
      return effective !== NO_NAMESPACE && effective === namespace;
    };
    const first =
      namespace !== NO_NAMESPACE &&
      (this.#byFirst.get(namespace) ?? []).some((resource) => canBeNamed(resource, referrer, subjects));
    return (resource: Resource) => of(resource, first ? 'originalId' : 'id');
  }
}

function add(index: Map<string, Resource[]>, key: string, resource: Resource): void {
  const known = index.get(key);
  if (known) known.push(resource);
  else index.set(key, [resource]);
}

/** What stands where a referrer may name something at all (see `canBeNamed`). */
function inSight(
  byNamespace: ReadonlyMap<string, Resource[]>,
  referrer: Resource,
  subjects: ReadonlySet<string>,
): Resource[] {
  if (referrer.id.cluster) return [...byNamespace.values()].flat();
  const seen = new Set([effectiveNamespace(referrer.id), NO_NAMESPACE, ...subjects]);
  return [...seen].flatMap((namespace) => byNamespace.get(namespace) ?? []);
}

/** `roleRef.name` means the kind that stands beside it. */
function roleFilter({ path, referrer }: Question): (resource: Resource) => boolean {
  if (!path.endsWith('roleRef/name')) return () => true;
  const role = get(referrer.value, 'roleRef');
  if (!isMap(role) || !Object.hasOwn(role, 'apiGroup') || !Object.hasOwn(role, 'kind')) return () => true;
  const selector = { group: writtenText(role.apiGroup), kind: writtenText(role.kind) };
  return (resource) => resource.previousIds.some((id) => isSelectedByGvk(id, selector));
}

function isInReach(resource: Resource, referrer: Resource): boolean {
  if (referrer.id.cluster || resource.id.cluster || resource.kind === 'ServiceAccount') return true;
  return effectiveNamespace(referrer.id) === effectiveNamespace(resource.id);
}

function sameAffixes(a: Resource, b: Resource, emptyFits: boolean): boolean {
  const same = (one: readonly string[], other: readonly string[]) =>
    (emptyFits && (one.length === 0 || other.length === 0)) || sameEnding(one, other);
  return same(a.prefixes, b.prefixes) && same(a.suffixes, b.suffixes);
}

/** Whether the shorter is the end of the longer; an empty one is so only of an empty one. */
function sameEnding(a: readonly string[], b: readonly string[]): boolean {
  const [shorter, longer] = a.length > b.length ? [b, a] : [a, b];
  if (shorter.length === 0) return longer.length === 0;
  return shorter.every((one, index) => one === longer[longer.length - shorter.length + index]);
}
