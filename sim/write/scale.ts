import { FieldSet } from '../apply/field-set.ts';
import type { Managed } from '../apply/managed-fields.ts';
import { decodeManaged, emptyManaged, encodeManaged } from '../apply/managed-fields.ts';
import { fieldElement } from '../apply/path.ts';
import { managedFieldsOf, trackApply, trackUpdate } from '../apply/track.ts';
import { ConflictsError } from '../apply/updater.ts';
import { badRequest, invalid, notFound } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { isObject, numberAt, objectAt, stringAt, stringMap, valueAt } from '../json.ts';
import type { Kind, ScalePaths } from '../kinds/kinds.ts';
import { builtIn } from '../schema/built-in.ts';
import type { Stored } from '../store.ts';
import { unpack } from '../store.ts';
import { parseYaml } from '../yaml.ts';
import { commitUpdate, metadataOf } from './commit.ts';
import type { Write } from './context.ts';
import { trackingOf } from './context.ts';
import { decodeBody } from './decode.ts';
import type { PatchType } from './patch.ts';
import { applyConflict, managerRequired, patched, setManagedFields } from './patch.ts';

const API_VERSION = 'autoscaling/v1';
const SCALE_TYPE = builtIn('Scale');
const REPLICAS = ['f:spec', 'f:replicas'];

/** The Scale kind in the form reading and patching need it; it is served as a subresource only. */
const SCALE: Kind = {
  group: 'autoscaling',
  version: 'v1',
  apiVersion: API_VERSION,
  kind: 'Scale',
  listKind: 'ScaleList',
  resource: 'scales',
  singular: 'scale',
  shortNames: [],
  categories: [],
  namespaced: true,
  type: SCALE_TYPE,
  status: false,
  scale: undefined,
  generation: false,
  custom: undefined,
  empty: { kind: 'Scale', apiVersion: API_VERSION, metadata: {}, spec: {}, status: { replicas: 0 } },
};

/** GET of the scale subresource. */
export function readScale(kind: Kind, stored: Stored): string {
  return JSON.stringify(scaleOf(unpack(stored, kind), pathsOf(kind)));
}

/** PUT or PATCH of the scale subresource: sets the replicas of the parent, owned through `subresource: scale`. */
export function writeScale(write: Write, patchType: PatchType | 'PUT', text: string, force: boolean): string {
  const { cluster, kind, namespace, name } = write;
  const paths = pathsOf(kind);
  const before = cluster.store.get(kind, namespace, name);
  if (!before) throw notFound(kind, name);
  const parent = unpack(before, kind);
  const live = scaleOf(parent, paths);
  setManagedFields(live, toScale(parent, paths));
  const next = nextScale({ ...write, kind: SCALE }, live, patchType, text, force);
  const replicas = numberAt(next, 'spec', 'replicas') ?? 0;
  if (replicas < 0) {
    throw invalid(SCALE, name, [
      {
        type: 'invalid',
        field: 'spec.replicas',
        value: replicas,
        detail: 'must be greater than or equal to 0',
      },
    ]);
  }
  const scaled = unpack(before, kind);
  put(scaled, paths.spec, replicas);
  setManagedFields(scaled, toParent(parent, next, kind, paths));
  const given = metadataOf(next).resourceVersion;
  if (given !== undefined) metadataOf(scaled).resourceVersion = given;
  const { text: written } = commitUpdate({ ...write, subresource: undefined }, before, scaled);
  return JSON.stringify(scaleOf(JSON.parse(written) as JsonObject, paths));
}

function pathsOf(kind: Kind): ScalePaths {
  if (!kind.scale) throw new Error(`${kind.kind} has no scale subresource`);
  return kind.scale;
}

function nextScale(
  write: Write,
  live: JsonObject,
  patchType: PatchType | 'PUT',
  text: string,
  force: boolean,
): JsonObject {
  const context = { ...trackingOf(write), subresource: 'scale' };
  if (patchType === 'application/apply-patch+yaml') {
    if (write.manager === '') throw managerRequired();
    const { config } = parseYaml(text);
    if (config.kind !== 'Scale') throw badRequest(`invalid object type: ${String(config.kind)}`);
    try {
      const { object, managedFields } = trackApply(live, config, force, context);
      const next = object ?? live;
      setManagedFields(next, managedFields);
      return next;
    } catch (error) {
      throw error instanceof ConflictsError ? applyConflict(error.conflicts) : error;
    }
  }
  const next = patchType === 'PUT' ? decodeBody(write, text) : patched(write, live, patchType, text);
  setManagedFields(next, trackUpdate(live, next, context));
  return next;
}

function scaleOf(parent: JsonObject, paths: ScalePaths): JsonObject {
  const pick = (name: string) => stringAt(parent, 'metadata', name);
  const metadata: JsonObject = {};
  for (const name of ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp']) {
    const value = pick(name);
    if (value !== undefined) metadata[name] = value;
  }
  const replicas = numberAt(parent, ...paths.spec.split('.'));
  const selector = paths.selector === undefined ? undefined : selectorText(parent, paths.selector);
  return {
    kind: 'Scale',
    apiVersion: API_VERSION,
    metadata,
    spec: replicas ? { replicas } : {},
    status: {
      replicas: numberAt(parent, ...paths.status.split('.')) ?? 0,
      ...(selector ? { selector } : {}),
    },
  };
}

function selectorText(parent: JsonObject, path: string): string {
  const value = valueAt(parent, ...path.split('.'));
  if (typeof value === 'string') return value;
  const labels = stringMap(isObject(value) ? value.matchLabels : undefined);
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `${name}=${text}`)
    .join(',');
}

function put(parent: JsonObject, path: string, value: number): void {
  const names = path.split('.');
  const holder = objectAt(parent, ...names.slice(0, -1));
  const last = names.at(-1);
  if (holder && last !== undefined) holder[last] = value;
}

function replicasPath({ spec }: ScalePaths): string[] {
  return spec.split('.').map(fieldElement);
}

/** The parent's entries that own replicas, as entries of the Scale (managedfields/scalehandler.go). */
function toScale(parent: JsonObject, paths: ScalePaths): JsonObject[] {
  const { managers, times } = decodeManaged(managedFieldsOf(parent)) ?? emptyManaged();
  const out: Managed = emptyManaged();
  for (const [key, entry] of managers) {
    if (!entry.set.has(replicasPath(paths))) continue;
    out.managers.set(key, { set: FieldSet.of(REPLICAS), apiVersion: API_VERSION, applied: entry.applied });
    const time = times.get(key);
    if (time !== undefined) out.times.set(key, time);
  }
  return encodeManaged(out);
}

/** The parent's entries after a write to its Scale: whoever lost replicas there loses it here. */
function toParent(parent: JsonObject, scale: JsonObject, kind: Kind, paths: ScalePaths): JsonObject[] {
  const path = replicasPath(paths);
  const before = decodeManaged(managedFieldsOf(parent)) ?? emptyManaged();
  const scaled = (decodeManaged(managedFieldsOf(scale)) ?? emptyManaged()).managers;
  const out: Managed = { managers: new Map(), times: before.times };
  for (const [key, entry] of before.managers) {
    if (!entry.set.has(path) || scaled.has(key)) {
      out.managers.set(key, entry);
      if (entry.set.has(path)) scaled.delete(key);
      continue;
    }
    const set = entry.set.difference(FieldSet.of(path));
    if (!set.isEmpty) out.managers.set(key, { ...entry, set });
  }
  for (const [key, { set, applied }] of scaled) {
    if (!set.has(REPLICAS)) continue;
    out.managers.set(key, { set: FieldSet.of(path), apiVersion: kind.apiVersion, applied });
  }
  return encodeManaged(out);
}
