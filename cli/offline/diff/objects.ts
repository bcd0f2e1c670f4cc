import { canonicalJson } from '#proto/canonical.ts';
import { displayName, type KubeObject } from '#render/objects.ts';
import { manifestYaml } from '../../output/manifests.ts';
import { changedLines, diffLines, type Line, withContext } from './lines.ts';

/** What becomes of one object. */
export type ObjectDiff = {
  /** `Kind/namespace/name`. */
  readonly object: string;
  readonly action: 'created' | 'configured' | 'pruned';
  /** How many lines of its YAML change; 0 for what is pruned, of which the name says enough. */
  readonly changes: number;
  /** Lines that start with `-`, `+`, a blank, or are `@@` where unchanged ones are left out. */
  readonly lines: readonly string[];
};

/**
 * How two lists of objects differ, whatever their order and that of their keys. Values of Secrets are never shown: only that they
 * are there, and whether they change.
 */
export function diffObjects(before: readonly KubeObject[], after: readonly KubeObject[]): ObjectDiff[] {
  const old = new Map(before.map((object) => [idOf(object), object]));
  const now = new Map(after.map((object) => [idOf(object), object]));
  const diffs: ObjectDiff[] = [];
  for (const [id, object] of now) {
    const was = old.get(id);
    if (was && canonicalJson(was) === canonicalJson(object)) continue;
    diffs.push(diffOf(was, object));
  }
  for (const [id, object] of old) if (!now.has(id)) diffs.push(diffOf(object, undefined));
  return diffs;
}

function diffOf(before: KubeObject | undefined, after: KubeObject | undefined): ObjectDiff {
  if (!after) return { object: displayName(before!), action: 'pruned', changes: 0, lines: [] };
  const [was, is] = masked(before, after);
  const lines: Line[] = diffLines(linesOf(was), linesOf(is));
  return {
    object: displayName(after),
    action: before ? 'configured' : 'created',
    changes: changedLines(lines),
    lines: withContext(lines),
  };
}

/** Another version of an object is the same object. */
function idOf({ apiVersion, kind, metadata }: KubeObject): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return [group, kind, metadata.namespace ?? '', metadata.name].join('/');
}

const linesOf = (object: unknown): string[] =>
  object === undefined ? [] : manifestYaml(sorted(object)).trimEnd().split('\n');

const FIRST = ['apiVersion', 'kind', 'metadata'];

/** Keys in one order, so that only what they hold can differ. */
function sorted(value: unknown, top = true): unknown {
  if (Array.isArray(value)) return value.map((item) => sorted(item, false));
  if (typeof value !== 'object' || value === null) return value;
  const rank = (key: string) => (top && FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);
  const keys = Object.keys(value).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return Object.fromEntries(keys.map((key) => [key, sorted((value as Record<string, unknown>)[key], false)]));
}

/** As `kubectl diff` masks: `***` where a value stays, `*** (before)` and `*** (after)` where it changes. */
function masked(
  before: KubeObject | undefined,
  after: KubeObject | undefined,
): [KubeObject | undefined, KubeObject | undefined] {
  if ((after ?? before)?.kind !== 'Secret') return [before, after];
  const mask = (object: KubeObject | undefined, other: KubeObject | undefined, side: string) => {
    if (!object) return undefined;
    const result: KubeObject = { ...object };
    for (const field of ['data', 'stringData']) {
      const [own, its] = [mapAt(object, field), mapAt(other, field)];
      if (own)
        result[field] = Object.fromEntries(
          Object.entries(own).map(([key, value]) => {
            const stays =
              other === undefined || (its !== undefined && Object.hasOwn(its, key) && its[key] === value);
            return [key, stays ? '***' : `*** (${side})`];
          }),
        );
      else if (Object.hasOwn(object, field)) result[field] = '***';
    }
    return result;
  };
  return [mask(before, after, 'before'), mask(after, before, 'after')];
}

function mapAt(object: KubeObject | undefined, field: string): Record<string, unknown> | undefined {
  const value = object?.[field];
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
