import type { DriftKind } from '#proto/messages.ts';
import { type Controllers, ownedByDesign } from './controllers.ts';
import {
  difference,
  EMPTY,
  type FieldPath,
  type FieldSet,
  hasMemberBelow,
  isAbove,
  lookup,
  pathOf,
  pointerOf,
} from './fieldset.ts';
import { type CompiledRule, concerns, isIgnored } from './ignore.ts';
import { foreignHolders, type Holder, ourFields } from './managed-fields.ts';
import { at, contentHash, type KubeObject, type ManagedFieldsEntry, splitApiVersion } from './object.ts';
import { sameMeaning } from './quantity.ts';

/**
 * Drift is first a question to managedFields (design/40-agent, facts.md): M is the set of our Apply entry in the answer to our last
 * apply. What M holds and the live entry no longer does was changed or removed by others; what others hold and nobody declared is
 * extra. The answer needs no request; only where it is not "none" the live values are fetched.
 */
export type Actor = {
  manager: string;
  operation: string;
  subresource: string | undefined;
  /** RFC 3339; an upper bound, since managedFields keeps one time per entry. Undefined where the entry has none. */
  time: string | undefined;
};

export type Suspects = {
  /** Fields of M that we no longer own → who holds them or is known to have removed them; null when nobody is known to. */
  lost: ReadonlyMap<string, Actor | null>;
  /** Fields that only others hold. */
  extra: ReadonlyMap<string, Actor>;
  /** managedFields cannot be believed (wiped, or our entry is gone): a dry-run must judge. */
  doubtful: boolean;
};

export type DriftRules = {
  ignore: readonly CompiledRule[];
  controllers: Controllers;
  /** Extras can be taken away (`extras: remove`). */
  removeExtras: boolean;
};

/** One field that differs; `path` empty means the whole object. Values are absent where there is none or where redacted. */
export type Finding = {
  kind: DriftKind;
  path: FieldPath;
  pointer: string;
  desired: unknown;
  live: unknown;
  actor: Actor | null;
  healable: boolean;
  redacted: boolean;
};

/** What the last event said of each foreign entry: equal prints mean an unchanged entry. */
export type HolderPrints = ReadonlyMap<string, string>;

const holderKey = (holder: Holder): string =>
  `${holder.manager}\u0000${holder.operation}\u0000${holder.subresource ?? ''}`;

export function holderPrints(entries: readonly ManagedFieldsEntry[] | undefined): HolderPrints {
  return new Map(
    foreignHolders(entries).map((holder) => [
      holderKey(holder),
      contentHash([holder.time, [...holder.fields].sort()]),
    ]),
  );
}

const actorOf = ({ manager, operation, subresource, time }: Holder): Actor => ({
  manager,
  operation,
  subresource,
  time,
});

/**
 * What managedFields say of one event. `previous` is the answer to the event before (with its prints): who removed a field is known
 * only when exactly one foreign entry changed in the event in which we lost it, else null, never a guess.
 * Undefined means: nothing moved that concerns us.
 */
export function suspectDrift(input: {
  ours: FieldSet;
  desired: KubeObject;
  managedFields: readonly ManagedFieldsEntry[] | undefined;
  previous: { suspects: Suspects | undefined; prints: HolderPrints } | undefined;
  rules: DriftRules;
}): Suspects | undefined {
  const { ours, desired, managedFields, previous, rules } = input;
  const still = ourFields(managedFields);
  const holders = foreignHolders(managedFields);
  const spares = (key: string, actor: Actor | null): boolean =>
    isSpared(desired, pathOf(key), actor, ours.has(key), rules);
  const doubtful = still === undefined && ours.size > 0;
  const remover = soleChange(holders, previous?.prints);

  const lost = new Map<string, Actor | null>();
  for (const key of difference(ours, still ?? EMPTY)) {
    const holder = newest(holders.filter((each) => each.fields.has(key)));
    const actor = holder
      ? actorOf(holder)
      : previous?.suspects?.lost.has(key)
        ? previous.suspects.lost.get(key)!
        : remover;
    if (!spares(key, actor)) lost.set(key, actor);
  }
  const extra = new Map<string, Actor>();
  for (const holder of holders) {
    if (rules.controllers(holder.manager)) continue;
    const undeclared = [...holder.fields].filter(
      (key) => !ours.has(key) && !still?.has(key) && !hasMemberBelow(ours, key),
    );
    for (const key of topmost(undeclared)) {
      const actor = actorOf(holder);
      if (!extra.has(key) && !spares(key, actor)) extra.set(key, actor);
    }
  }
  return doubtful || lost.size > 0 || extra.size > 0 ? { lost, extra, doubtful } : undefined;
}

/** The one foreign entry that differs from the event before; null when it is none or several, or when nothing is known before. */
function soleChange(holders: readonly Holder[], before: HolderPrints | undefined): Actor | null {
  if (before === undefined) return null;
  const now = new Set(holders.map(holderKey));
  const gone = [...before.keys()].filter((key) => !now.has(key));
  const changed = holders.filter(
    (holder) => before.get(holderKey(holder)) !== contentHash([holder.time, [...holder.fields].sort()]),
  );
  return changed.length === 1 && gone.length === 0 ? actorOf(changed[0]!) : null;
}

/** Entries without a time (scale) count as newest: the event is their time. */
function newest(holders: readonly Holder[]): Holder | undefined {
  return holders.toSorted((a, b) => ((a.time ?? '~') < (b.time ?? '~') ? 1 : -1))[0];
}

/** Members without a list element above that stands for them, and without the marks of maps: the fields to name. */
function topmost(keys: readonly string[]): string[] {
  const all = new Set(keys);
  const elements = keys.filter((key) => !pathOf(key).at(-1)!.startsWith('f:'));
  return keys.filter((key) => !elements.some((element) => isAbove(element, key)) && !isMapMark(all, key));
}

/** `.` of a map or struct: says that it exists, while its fields have members of their own. */
const isMapMark = (fields: FieldSet, key: string): boolean =>
  pathOf(key).at(-1)!.startsWith('f:') && hasMemberBelow(fields, key);

/** Whether a field is somebody's by design or by an ignore rule: then it is not drift. */
export function isSpared(
  desired: KubeObject,
  path: FieldPath,
  actor: Actor | null,
  declared: boolean,
  rules: DriftRules,
): boolean {
  if (path[0] === 'f:status') return true;
  if (actor !== null && rules.controllers(actor.manager) && !(declared && isNobody(actor))) return true;
  const aggregated = at(desired, 'aggregationRule') !== undefined;
  if (ownedByDesign(desired.kind, pointerOf(path), { declared, aggregated })) return true;
  return isIgnored(rules.ignore, {
    kind: desired.kind,
    namespace: desired.metadata.namespace ?? '',
    name: desired.metadata.name,
    path,
    manager: actor?.manager ?? null,
    object: desired,
  });
}

/** In this name the server holds what stood there while managedFields said nothing: nobody has taken it from us. */
const isNobody = ({ manager }: Actor): boolean => manager === 'before-first-apply';

/** The whole object is gone. */
export function missingObject(desired: KubeObject, rules: DriftRules): Finding[] {
  if (isSpared(desired, [], null, true, rules)) return [];
  return [
    {
      kind: 'MISSING',
      path: [],
      pointer: '',
      desired: undefined,
      live: undefined,
      actor: null,
      healable: true,
      redacted: false,
    },
  ];
}

/**
 * The drifts among the suspects, with values. A lost field whose live value means the same as ours is none: only its ownership moved.
 * `would` is the answer of a dry-run apply: given, it is the judge for every field of `ours` (normalised by the server as the live
 * object is), and suspects only say who.
 */
export function findDrift(input: {
  ours: FieldSet;
  desired: KubeObject;
  live: KubeObject;
  suspects: Suspects;
  rules: DriftRules;
  would?: KubeObject | undefined;
}): Finding[] {
  const { ours, desired, live, suspects, rules, would } = input;
  const { group } = splitApiVersion(desired.apiVersion);
  const redacted = group === '' && desired.kind === 'Secret';
  const findings: Finding[] = [];
  const add = (kind: DriftKind, path: FieldPath, want: unknown, have: unknown, actor: Actor | null) =>
    findings.push({
      kind,
      path,
      pointer: pointerOf(path),
      desired: redacted ? undefined : want,
      live: redacted ? undefined : have,
      actor,
      healable: kind === 'EXTRA' ? rules.removeExtras : live.metadata.deletionTimestamp === undefined,
      redacted,
    });

  const judged = would === undefined ? [...suspects.lost.keys()] : [...ours];
  const goneElements: string[] = [];
  for (const key of judged.sort((a, b) => a.length - b.length)) {
    if (goneElements.some((element) => isAbove(element, key))) continue;
    const path = pathOf(key);
    const want = lookup(path, would ?? desired);
    if (want === undefined) continue;
    const have = lookup(path, live);
    if (have === undefined && !path.at(-1)!.startsWith('f:')) goneElements.push(key);
    const same = have !== undefined && (isContainerMark(ours, key) || sameMeaning(group, path, want, have));
    const actor = suspects.lost.get(key) ?? null;
    if (same || isSpared(desired, path, actor, true, rules)) continue;
    add(have === undefined ? 'MISSING' : 'CHANGED', path, lookup(path, desired) ?? want, have, actor);
  }
  for (const [key, actor] of suspects.extra) {
    const have = lookup(pathOf(key), live);
    if (have !== undefined) add('EXTRA', pathOf(key), undefined, have, actor);
  }
  return findings.sort((a, b) => (a.pointer < b.pointer ? -1 : 1));
}

/** A list element or map that is a member beside its own fields: there is nothing to compare but those. */
const isContainerMark = (ours: FieldSet, key: string): boolean =>
  !pathOf(key).at(-1)!.startsWith('f:') || hasMemberBelow(ours, key);

/**
 * What the content of an object that Git still declares has been handed to others: fields of ours that a spared manager (an HPA, an
 * ignore rule) holds now. They are left out of the payload while that lasts, so that our next apply does not take them back.
 */
export function handedOver(
  desired: KubeObject,
  managedFields: readonly ManagedFieldsEntry[] | undefined,
  rules: DriftRules,
): FieldPath[] {
  const paths: FieldPath[] = [];
  for (const holder of foreignHolders(managedFields)) {
    for (const key of holder.fields) {
      const path = pathOf(key);
      if (!path.at(-1)!.startsWith('f:') || isMapMark(holder.fields, key)) continue;
      if (lookup(path, desired) === undefined || path[0] === 'f:status') continue;
      if (isSpared(desired, path, actorOf(holder), true, rules)) paths.push(path);
    }
  }
  return paths;
}

/**
 * Whether somebody may take over a field of ours by design, whom we have not heard of yet: an autoscaler the replicas, anybody what is
 * ignored. An apply then says which state it was made for.
 */
export function mayBeHandedOver(desired: KubeObject, { ignore }: DriftRules): boolean {
  const { kind, metadata } = desired;
  const judged = { kind, namespace: metadata.namespace ?? '', name: metadata.name };
  return at(desired, 'spec', 'replicas') !== undefined || ignore.some((rule) => concerns(rule, judged));
}
