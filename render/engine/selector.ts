import { FlotillaError } from '#proto/faults.ts';
import { matches, parseSelector } from '#proto/selector.ts';
import { EngineFault } from './fault.ts';
import type { Target } from './read/kustomization.ts';
import { anchored } from './regex.ts';
import type { Resource } from './resource.ts';
import { effectiveNamespace, type ResourceId } from './resource-id.ts';

type Test = (text: string) => boolean;
type Labels = Record<string, string>;
type LabelTest = (labels: Labels) => boolean;

const KEPT = 1_000;
const parsed = new Map<string, LabelTest>();

/**
 * Whether labels or annotations of an object satisfy a selector of kubectl's syntax.
 * @throws EngineFault for one that is none, and for labels that are none, whether they are asked for or not
 */
function matchesLabels(
  resource: Resource,
  which: 'labels' | 'annotations',
  text: string | undefined,
): boolean {
  if (!text) {
    resource.demandPairs(which);
    return true;
  }
  let test = parsed.get(text);
  if (!test) {
    test = parseLabels(text);
    if (parsed.size > KEPT) parsed.clear();
    parsed.set(text, test);
  }
  return test(resource[which]);
}

/** Whether an object satisfies both selectors of a target. @throws EngineFault as above */
export function isLabelled(
  resource: Resource,
  { labelSelector, annotationSelector }: Pick<Target, 'labelSelector' | 'annotationSelector'>,
): boolean {
  return (
    matchesLabels(resource, 'labels', labelSelector) &&
    matchesLabels(resource, 'annotations', annotationSelector)
  );
}

/** `key>1` and `key<1` compare numbers; only kustomize's selectors have them, and documents of a fleet do not. */
const COMPARISON = /(?:^|,)\s*([^,()=!<>\s]+)\s*([<>])\s*(-?\d+)\s*(?=,|$)/g;

function parseLabels(text: string): LabelTest {
  const comparisons = [...text.matchAll(COMPARISON)].map(
    ([, key, sign, limit]): LabelTest =>
      (labels) => {
        const value = Object.hasOwn(labels, key!) ? labels[key!]! : '';
        return (
          /^-?\d+$/.test(value) &&
          (sign === '>' ? BigInt(value) > BigInt(limit!) : BigInt(value) < BigInt(limit!))
        );
      },
  );
  try {
    const selector = parseSelector(text.replace(COMPARISON, '').replace(/^\s*,/, ''));
    return (labels) => matches(selector, labels) && comparisons.every((test) => test(labels));
  } catch (cause) {
    if (!(cause instanceof FlotillaError)) throw cause;
    throw new EngineFault(cause.message, undefined, { cause });
  }
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
      isLabelled(resource, target)
    );
  };
}

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
