import { FlotillaError } from '#proto/faults.ts';
import { matches, parseSelector, type Selector } from '#proto/selector.ts';
import { EngineFault } from './fault.ts';
import type { Target } from './read/kustomization.ts';
import { anchored } from './regex.ts';
import type { Resource } from './resource.ts';
import { effectiveNamespace, type ResourceId } from './resource-id.ts';

const parsed = new Map<string, Selector>();

/** Whether labels or annotations satisfy a selector of kubectl's syntax. @throws EngineFault for one that is none */
export function matchesLabels(text: string | undefined, of: () => Record<string, string>): boolean {
  if (!text) return true;
  let selector = parsed.get(text);
  if (!selector) {
    try {
      selector = parseSelector(text);
    } catch (cause) {
      if (!(cause instanceof FlotillaError)) throw cause;
      throw new EngineFault(cause.message, undefined, { cause });
    }
    if (parsed.size > 1_000) parsed.clear();
    parsed.set(text, selector);
  }
  return matches(selector, of());
}

/** Whether an object is what `target` of a patch means: regular expressions over its id, first or now, and selectors. */
export function targets(target: Target): (resource: Resource) => boolean {
  const { group = '', version = '', kind = '', name = '', namespace = '' } = target;
  const [isGroup, isVersion, isKind, isName, isNamespace] = [group, version, kind, name, namespace].map(
    anchored,
  ) as [Test, Test, Test, Test, Test];
  return (resource) => {
    const { id, originalId: original } = resource;
    return (
      (isNamespace(effectiveNamespace(original)) || isNamespace(effectiveNamespace(id))) &&
      (isName(original.name) || isName(id.name)) &&
      isGroup(id.group) &&
      isVersion(id.version) &&
      isKind(id.kind) &&
      matchesLabels(target.labelSelector, () => resource.labels) &&
      matchesLabels(target.annotationSelector, () => resource.annotations)
    );
  };
}

type Test = (text: string) => boolean;

/** The ids of an object as replacements see them, which know no kind without a namespace: now first, then former ones. */
export function plainIds(resource: Resource): ResourceId[] {
  return [{ ...resource.id, cluster: false }, ...resource.previousIds];
}

/** Whether an id is what a source or target of a replacement means, by plain equality; what is missing means any. */
export function isSelected(id: ResourceId, by: Target): boolean {
  const { group, version, kind, name, namespace } = by;
  return (
    (!name || name === id.name) &&
    (!namespace || effectiveNamespace({ namespace, cluster: false }) === effectiveNamespace(id)) &&
    (!group || group === id.group) &&
    (!version || version === id.version) &&
    (!kind || kind === id.kind)
  );
}
