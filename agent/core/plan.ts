import { hashOf } from '#proto/canonical.ts';
import { displayId, type InventoryEntry, inventoryId } from '#proto/inventory.ts';
import { OWNER_LABEL, type Tool } from './managed-fields.ts';
import { type KubeObject, type ObjectMeta, objectId, splitApiVersion } from './object.ts';
import { objectPolicy } from './object-policy.ts';
import { compareObjects } from './phases.ts';
import type { Wants } from './wants.ts';

/** `tool`: the claimant is no placement, and may be named under `adopt`. */
export type Conflict = { id: string; claimedBy: string; tool?: Tool };

/**
 * Objects that another placement or tool claims; found before any write. A claim by owner label is void when the placement named is
 * known and does not want the object any more: then it is handed over. Two placements that want the same new object both conflict,
 * so that no race decides. `live` holds what exists, as far as it was read.
 */
export function findConflicts(input: {
  placement: string;
  desired: readonly KubeObject[];
  inventory: readonly InventoryEntry[];
  live: ReadonlyMap<string, ObjectMeta>;
  wants: Pick<Wants, 'get' | 'rival'>;
  adopt: readonly Tool[];
}): Conflict[] {
  const { placement, desired, live, wants, adopt } = input;
  const held = new Set(input.inventory.map(inventoryId));
  return desired.flatMap((object): Conflict[] => {
    const id = objectId(object);
    const meta = live.get(id);
    if (isLeftAlone(object, meta)) return [];
    const label = meta?.labels?.[OWNER_LABEL];
    if (label === placement) return [];
    if (label !== undefined) {
      const theirs = wants.get(label);
      return theirs !== undefined && !theirs.has(id) ? [] : [{ id, claimedBy: `placement ${label}` }];
    }
    const tool = toolOf(meta);
    if (tool && !adopt.includes(tool.tool)) return [{ id, claimedBy: tool.name, tool: tool.tool }];
    if (held.has(id)) return [];
    const rival = wants.rival(placement, id);
    return rival === undefined ? [] : [{ id, claimedBy: `placement ${rival}` }];
  });
}

/** What is never written contradicts nobody. */
function isLeftAlone(object: KubeObject, live: ObjectMeta | undefined): boolean {
  const { apply } = objectPolicy(object.metadata);
  return apply === 'ignore' || (apply === 'if-not-present' && live !== undefined);
}

/** Which other tool an object says it belongs to. */
function toolOf(meta: ObjectMeta | undefined): { tool: Tool; name: string } | undefined {
  const { labels = {}, annotations = {} } = meta ?? {};
  const flux = labels['kustomize.toolkit.fluxcd.io/name'] ?? labels['helm.toolkit.fluxcd.io/name'];
  if (flux !== undefined) return { tool: 'flux', name: `Flux (${flux})` };
  const argo = annotations['argocd.argoproj.io/tracking-id'] ?? labels['argocd.argoproj.io/instance'];
  if (argo !== undefined) return { tool: 'argo', name: `Argo CD (${argo.split(':')[0]})` };
  const helm = annotations['meta.helm.sh/release-name'];
  return helm === undefined ? undefined : { tool: 'helm', name: `Helm (release ${helm})` };
}

/** How messages name a conflict: the object, the claimant, and who wanted it; and how to take over from a tool. */
export function conflictMessage(placement: string, conflicts: readonly Conflict[]): string {
  const claims = conflicts.map(
    ({ id, claimedBy }) => `${displayId(id)} is claimed by ${claimedBy}, wanted by placement ${placement}`,
  );
  const tools = [...new Set(conflicts.flatMap(({ tool }) => tool ?? []))];
  const adopt = tools.length > 0 ? [`\`adopt: [${tools.join(', ')}]\` in the placement takes them over`] : [];
  return [...claims, ...adopt].join('; ');
}

export function entryOf(object: KubeObject): InventoryEntry {
  const { group, version } = splitApiVersion(object.apiVersion);
  const { namespace = '', name } = object.metadata;
  return { group, version, kind: object.kind, namespace, name, state: 'intended' };
}

/**
 * The inventory to write before anything is created: what it holds already plus an intended entry for every new id. Undefined when
 * the set of ids does not grow, so that a steady run writes nothing. Law: nothing that it held is lost.
 */
export function writeAhead(
  inventory: readonly InventoryEntry[],
  desired: readonly KubeObject[],
): InventoryEntry[] | undefined {
  const held = new Set(inventory.map(inventoryId));
  const added = desired.filter((object) => !held.has(objectId(object))).map(entryOf);
  return added.length === 0 ? undefined : [...inventory, ...added];
}

/** Entries of the inventory that Git no longer declares, in the order in which they go: the reverse of an apply. */
export function staleEntries(
  inventory: readonly InventoryEntry[],
  desired: ReadonlySet<string>,
): InventoryEntry[] {
  return inventory
    .filter((entry) => !desired.has(inventoryId(entry)))
    .toSorted((a, b) => compareObjects(rankedEntry(b), rankedEntry(a)));
}

const rankedEntry = (entry: InventoryEntry): KubeObject => ({
  apiVersion: entry.group === '' ? entry.version : `${entry.group}/${entry.version}`,
  kind: entry.kind,
  metadata: { name: entry.name, namespace: entry.namespace },
});

export type PruneStep =
  | { type: 'delete'; entry: InventoryEntry; id: string; uid: string; resourceVersion: string }
  /** The entry leaves the inventory and the object is left alone; `stays`: it is there, and nobody's from now on. */
  | { type: 'leave'; entry: InventoryEntry; id: string; why: string; stays: boolean }
  /** Another placement is about to have it: nothing is deleted, and the entry stays until that one has written it. */
  | { type: 'keep'; entry: InventoryEntry; id: string; heir: string };

/**
 * What happens to one stale entry. Only what the inventory names, that exists with the uid we applied (an intended entry: that
 * exists) and still carries our owner label, is deleted; nothing else ever is. What another placement wants is never deleted, and
 * never forgotten before that placement has it: should it be blocked for ever, the object still has an owner.
 */
export function pruneStep(
  placement: string,
  entry: InventoryEntry,
  live: ObjectMeta | undefined,
  wants: Pick<Wants, 'rival'>,
  prune: boolean,
): PruneStep {
  const id = inventoryId(entry);
  const leave = (why: string, stays = true): PruneStep => ({ type: 'leave', entry, id, why, stays });
  if (live === undefined) return leave('already gone', false);
  const owner = live.labels?.[OWNER_LABEL];
  if (owner === undefined) return leave('it no longer carries our owner label');
  if (owner !== placement) return leave(`its owner label names placement ${owner}`);
  if (entry.state === 'applied' && entry.uid !== live.uid)
    return leave('another object has taken the name since');
  const heir = wants.rival(placement, id);
  if (heir !== undefined) return { type: 'keep', entry, id, heir };
  if (live.deletionTimestamp !== undefined) return leave('already being deleted', false);
  const policy = objectPolicy(live);
  if (!prune) return leave('the placement does not prune');
  if (!policy.prune || !policy.reconcile || policy.apply === 'ignore')
    return leave('its annotations keep it from being pruned');
  const { uid, resourceVersion } = live;
  if (uid === undefined || resourceVersion === undefined) return leave('it has no uid');
  return { type: 'delete', entry, id, uid, resourceVersion };
}

export type PruneGuard = {
  /** Share of the inventory, 0 to 1, that may go at once. */
  maxPrune: number;
  /** Set hashes that a commit has approved. */
  approved: ReadonlySet<string>;
  /** False for a removed assignment: its whole inventory is meant to go. */
  goesOn: boolean;
  /** Ids that the placement wants: those in a Namespace that goes would go with it. */
  wanted?: ReadonlySet<string>;
};

export type Held = { setHash: string; ids: readonly string[]; reason: string };

/** So many objects always pass the percentage. */
const ALWAYS_PASS = 3;
const PROTECTED = new Set([
  '/Namespace',
  '/PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
]);

/**
 * Hash over ids alone: one approval covers every cluster on which the same objects would go. The letter keeps YAML from reading it as
 * a number.
 */
export const pruneSetHash = (ids: readonly string[]): string => `p${digestOf(ids).slice(0, 15)}`;

/** As it was told before it began with a letter: an approval given then still counts. */
export const bareSetHash = (ids: readonly string[]): string => digestOf(ids).slice(0, 16);

const digestOf = (ids: readonly string[]): string => hashOf('flotilla-prune-set-v1', ids.toSorted());

function wantedInside(entries: readonly InventoryEntry[], wanted: ReadonlySet<string>): number {
  const namespaces = entries.filter(({ group, kind }) => group === '' && kind === 'Namespace');
  const names = new Set(namespaces.map(({ name }) => name));
  return [...wanted].filter((id) => names.has(id.split('/')[2] ?? '')).length;
}

/** Whether a set of deletions must wait for an approval; undefined lets it go. */
export function guardPrune(
  entries: readonly InventoryEntry[],
  inventorySize: number,
  guard: PruneGuard,
): Held | undefined {
  if (entries.length === 0) return undefined;
  const ids = entries.map(inventoryId);
  const setHash = pruneSetHash(ids);
  if (guard.approved.has(setHash) || guard.approved.has(bareSetHash(ids))) return undefined;
  const guarded = entries.filter((entry) => PROTECTED.has(`${entry.group}/${entry.kind}`));
  if (guarded.length > 0) {
    const names = guarded.map((entry) => displayId(inventoryId(entry))).join(', ');
    const inside = wantedInside(guarded, guard.wanted ?? new Set());
    const warning = inside > 0 ? ` and would take along ${inside} of the objects that Git wants` : '';
    return { setHash, ids, reason: `deleting ${names} needs approval${warning}` };
  }
  const most = Math.max(ALWAYS_PASS, guard.maxPrune * inventorySize);
  if (!guard.goesOn || entries.length <= most) return undefined;
  const reason = `${entries.length} of ${inventorySize} objects would be deleted, more than ${Math.round(guard.maxPrune * 100)}%`;
  return { setHash, ids, reason };
}
