import { EngineFault } from './fault.ts';
import { type Gvk, isSelectedByGvk } from './resource-id.ts';

/** A field of some kinds of objects: kustomize's FieldSpec. '' in the kind means any. */
export type FieldSpec = Gvk & {
  /** Keys joined by `/`, a slash in a key written `\/`; `[]` after a key says that it holds a list. */
  readonly path: string;
  /** Whether the field is made where it is missing. */
  readonly create: boolean;
};

/** `kind.version.group` in a short form for tables: `apps/Deployment`, `Pod`, `v1/Service` needs `at` to be explicit. */
export function fieldSpec(path: string, gvk: Partial<Gvk> = {}, create = false): FieldSpec {
  return { group: '', version: '', kind: '', ...gvk, path, create };
}

/**
 * One list of field specs after another, each field once.
 * @throws EngineFault when they disagree on whether a field is made
 */
export function mergeFieldSpecs(
  into: readonly FieldSpec[],
  more: readonly FieldSpec[],
): readonly FieldSpec[] {
  if (more.length === 0 || into === more) return into;
  const result = [...into];
  for (const one of more) {
    const same = result.find((known) => known.path === one.path && isSelectedByGvk(known, one));
    if (!same) result.push(one);
    else if (same.create !== one.create)
      throw new EngineFault(`field specs for ${one.path} disagree on create`);
  }
  return result;
}

const byKind = new WeakMap<readonly FieldSpec[], Map<string, readonly FieldSpec[]>>();

/** Those of some field specs that are about a kind. Lists are looked up again and again, so the answers are kept. */
export function fieldSpecsOf(specs: readonly FieldSpec[], gvk: Gvk): readonly FieldSpec[] {
  let known = byKind.get(specs);
  if (!known) {
    known = new Map();
    byKind.set(specs, known);
  }
  const key = `${gvk.group}/${gvk.version}/${gvk.kind}`;
  let found = known.get(key);
  if (!found) {
    found = specs.filter((spec) => isSelectedByGvk(gvk, spec));
    known.set(key, found);
  }
  return found;
}

const KEPT_PATHS = 10_000;
const paths = { '/': new Map<string, readonly string[]>(), '.': new Map<string, readonly string[]>() };

/** The keys of a path; `\/` in a key stands for a slash, and a leading slash for nothing. */
export function splitPath(path: string, separator: '/' | '.'): readonly string[] {
  const kept = paths[separator];
  const cached = kept.get(path);
  if (cached) return cached;
  const parts = path.split(separator);
  if (parts.length > 1 && parts[0] === '') parts.shift();
  const result = [parts[0]!];
  for (const part of parts.slice(1)) {
    const last = result.at(-1)!;
    if (last.endsWith('\\')) result[result.length - 1] = last.slice(0, -1) + separator + part;
    else result.push(part);
  }
  if (kept.size > KEPT_PATHS) kept.clear();
  kept.set(path, result);
  return result;
}
