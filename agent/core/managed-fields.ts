import {
  difference,
  EMPTY,
  type FieldSet,
  formatFields,
  isAbove,
  lookup,
  parseFields,
  pathKey,
  pathOf,
  union,
} from './fieldset.ts';
import { type KubeObject, type ManagedFieldsEntry, splitApiVersion } from './object.ts';

/** The contract with every cluster: who writes, and how an object says which placement it belongs to. */
export const FIELD_MANAGER = 'flotilla-agent';
export const OWNER_LABEL = 'flotilla.dev/placement';
/** Where client-side apply keeps what it applied; whoever takes over from it takes this away. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const LAST_APPLIED_KEY = pathKey(['f:metadata', 'f:annotations', `f:${LAST_APPLIED}`]);

/** An entry with its set parsed. */
export type Holder = {
  manager: string;
  operation: string;
  subresource: string | undefined;
  time: string | undefined;
  fields: FieldSet;
};

const isOurs = (entry: ManagedFieldsEntry): boolean =>
  entry.manager === FIELD_MANAGER && entry.operation === 'Apply' && !entry.subresource;

/** The set of our Apply entry; undefined where there is none. */
export function ourFields(entries: readonly ManagedFieldsEntry[] | undefined): FieldSet | undefined {
  const found = entries?.find(isOurs);
  return found && parseFields(found.fieldsV1);
}

/**
 * Everybody else who holds fields, `status` writers left out: what they hold is never ours. Neither is our own *Update* entry foreign:
 * it holds what the server set by default while we patched managedFields.
 */
export function foreignHolders(entries: readonly ManagedFieldsEntry[] | undefined): Holder[] {
  return (entries ?? [])
    .filter((entry) => entry.manager !== FIELD_MANAGER && entry.subresource !== 'status')
    .map((entry) => ({
      manager: entry.manager ?? '',
      operation: entry.operation ?? '',
      subresource: entry.subresource || undefined,
      time: entry.time,
      fields: parseFields(entry.fieldsV1),
    }));
}

/** The other GitOps tools whose objects a placement may adopt. */
export type Tool = 'flux' | 'argo' | 'helm';
const TOOL_MANAGERS: Record<Tool, readonly string[]> = {
  flux: ['kustomize-controller', 'helm-controller', 'flux'],
  argo: ['argocd-controller', 'argocd-application-controller'],
  helm: ['helm'],
};

/** Whether a manager is a controller that applies from somewhere else what we apply from Git. */
export const isTool = (manager: string): boolean =>
  Object.values(TOOL_MANAGERS).some((managers) => managers.includes(manager));

/** Managers whose fields become ours at first contact: people with kubectl, what was there before any apply, adopted tools. */
function isTakenOver(
  { manager = '', operation, subresource }: ManagedFieldsEntry,
  adopt: readonly Tool[],
): boolean {
  if (subresource) return false;
  if (manager === FIELD_MANAGER) return operation === 'Update';
  if (manager.startsWith('kubectl') || manager === 'before-first-apply') return true;
  return adopt.some((tool) => TOOL_MANAGERS[tool].includes(manager));
}

/** A restart that somebody asked for is not undone by taking over: the pods would restart again. */
const isRestartMark = (key: string): boolean => key.endsWith('f:kubectl.kubernetes.io/restartedAt');

/**
 * Take-over by union (after Flux's ssa): the sets of those managers go into our Apply entry, so that the next apply removes what Git
 * does not say. What client-side apply noted for itself goes whoever holds it. Returns the managedFields to write and from whom
 * fields were taken, or undefined when there is nothing to take.
 */
export function takeOver(
  entries: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
  adopt: readonly Tool[] = [],
): { managedFields: ManagedFieldsEntry[]; managers: string[] } | undefined {
  const taken = (entries ?? []).filter((entry) => isTakenOver(entry, adopt));
  const noted = (entries ?? []).some((entry) => !isOurs(entry) && holdsLastApplied(entry));
  if (taken.length === 0 && !noted) return undefined;
  const rest: ManagedFieldsEntry[] = [];
  let ours = ourFields(entries) ?? EMPTY;
  for (const entry of entries ?? []) {
    if (isOurs(entry)) continue;
    const fields = parseFields(entry.fieldsV1);
    if (!isTakenOver(entry, adopt)) {
      const left = new Set([...fields].filter((key) => key !== LAST_APPLIED_KEY));
      if (left.size === fields.size) rest.push(entry);
      else {
        ours = union(ours, new Set([LAST_APPLIED_KEY]));
        if (left.size > 0) rest.push({ ...entry, fieldsV1: formatFields(left) });
      }
      continue;
    }
    const kept = new Set([...fields].filter(isRestartMark));
    ours = union(ours, difference(fields, kept));
    if (kept.size > 0) rest.push({ ...entry, fieldsV1: formatFields(kept) });
  }
  const managers = [...new Set(taken.map((entry) => entry.manager ?? ''))].sort();
  const time = taken.map((entry) => entry.time).find((each) => each !== undefined);
  return {
    managers,
    managedFields: [
      {
        manager: FIELD_MANAGER,
        operation: 'Apply',
        apiVersion,
        ...(time !== undefined && { time }),
        fieldsType: 'FieldsV1',
        fieldsV1: formatFields(ours),
      },
      ...rest,
    ],
  };
}

const holdsLastApplied = (entry: ManagedFieldsEntry): boolean =>
  parseFields(entry.fieldsV1).has(LAST_APPLIED_KEY);

/**
 * Every entry put to this version, others' and those of subresources included (after Flux's MigrateAPIVersion): the server compares
 * in the version of each entry, and an old version does not know the fields that a newer schema sets by default. Undefined when all
 * are. Entries of another API group are left.
 */
export function migrateVersion(
  entries: readonly ManagedFieldsEntry[] | undefined,
  apiVersion: string,
): ManagedFieldsEntry[] | undefined {
  const { group } = splitApiVersion(apiVersion);
  const isOld = (entry: ManagedFieldsEntry): boolean =>
    entry.apiVersion !== undefined &&
    entry.apiVersion !== apiVersion &&
    splitApiVersion(entry.apiVersion).group === group;
  if (!entries?.some(isOld)) return undefined;
  return entries.map((entry) => (isOld(entry) ? { ...entry, apiVersion } : entry));
}

/** Whether our own entry speaks of another version than the one that is applied now. */
export function hasMoved(entries: readonly ManagedFieldsEntry[] | undefined, apiVersion: string): boolean {
  const ours = entries?.find(isOurs);
  return ours?.apiVersion !== undefined && ours.apiVersion !== apiVersion;
}

/** Members of our last set that the new content no longer has. */
export function droppedFields(ours: FieldSet, desired: KubeObject): FieldSet {
  return new Set([...ours].filter((key) => lookup(pathOf(key), desired) === undefined));
}

/**
 * Foreign *Update* ownership of exactly the dropped fields (and of what lies below them) removed, so that what Git no longer says
 * does disappear with our next apply. Undefined when nobody else holds them. Apply co-owners keep theirs.
 */
export function releaseForeign(
  entries: readonly ManagedFieldsEntry[] | undefined,
  dropped: FieldSet,
): ManagedFieldsEntry[] | undefined {
  if (dropped.size === 0) return undefined;
  let changed = false;
  const kept = (entries ?? []).flatMap((entry) => {
    if (entry.operation !== 'Update' || entry.subresource) return [entry];
    const fields = parseFields(entry.fieldsV1);
    const rest = new Set([...fields].filter((key) => !coveredBy(key, dropped)));
    if (rest.size === fields.size) return [entry];
    changed = true;
    return rest.size === 0 ? [] : [{ ...entry, fieldsV1: formatFields(rest) }];
  });
  return changed ? kept : undefined;
}

/** Whether the key or an ancestor of it is a member. */
export function coveredBy(key: string, set: FieldSet): boolean {
  if (set.has(key)) return true;
  for (const member of set) if (isAbove(member, key)) return true;
  return false;
}
