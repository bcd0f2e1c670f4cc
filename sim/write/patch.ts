import { parseManagerKey } from '../apply/managed-fields.ts';
import { describePath } from '../apply/path.ts';
import { managedFieldsOf, trackApply, trackUpdate } from '../apply/track.ts';
import { checkType, joinErrors } from '../apply/typed.ts';
import type { Conflict } from '../apply/updater.ts';
import { ConflictsError } from '../apply/updater.ts';
import { badRequest, invalid, notFound, StatusError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { clone, isObject, stringAt } from '../json.ts';
import type { Kind } from '../kinds/kinds.ts';
import { applyJsonPatch, PatchApplyError, PatchFormatError } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicPatch } from '../patch/strategic.ts';
import { DecodeError } from '../schema/decode.ts';
import { unpack } from '../store.ts';
import { parseYaml } from '../yaml.ts';
import type { Committed } from './commit.ts';
import { commitCreate, commitUpdate, matchRequest, metadataOf } from './commit.ts';
import type { Write } from './context.ts';
import { trackingOf } from './context.ts';
import { decodeObject, decodePatched, internalError } from './decode.ts';

export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;

export type PatchType = (typeof PATCH_TYPES)[number];

/** A JSON, merge or strategic merge patch of an existing object. */
export function patchObject(write: Write, patchType: PatchType, text: string): Committed {
  const { cluster, kind, namespace, name } = write;
  const before = cluster.store.get(kind, namespace, name);
  if (!before) throw notFound(kind, name);
  const live = unpack(before, kind);
  const next = patched(write, live, patchType, text);
  matchRequest(write, next);
  const managedFields = trackUpdate(live, next, trackingOf(write));
  setManagedFields(next, managedFields);
  return commitUpdate(write, before, next);
}

/** The patched object in the kind's own form. */
export function patched(write: Write, live: JsonObject, patchType: PatchType, text: string): JsonObject {
  const patch = parsePatch(text, patchType);
  try {
    if (patchType === 'application/strategic-merge-patch+json') {
      if (write.kind.custom) {
        throw unsupportedMedia(PATCH_TYPES.filter((type) => type !== patchType).join(', '));
      }
      const result = applyStrategicPatch(live, patch as JsonObject, write.kind.type);
      return decodePatched(write, result, text, () => goMap(patch));
    }
    const result =
      patchType === 'application/json-patch+json'
        ? applyJsonPatch(live, patch)
        : applyMergePatch(live, patch);
    if (!isObject(result)) throw badRequest('the patch does not lead to an object');
    return decodePatched(write, result, text, () => JSON.stringify(result));
  } catch (error) {
    if (error instanceof PatchFormatError) throw badRequest(error.message);
    if (error instanceof PatchApplyError) {
      const message = 'the server rejected our request due to an error in our request';
      throw new StatusError(422, 'Invalid', message, {});
    }
    throw error;
  }
}

/** The 415 for a body in a form that this kind is not read in. */
export function unsupportedMedia(accepted: string): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`;
  return new StatusError(415, 'UnsupportedMediaType', message, {});
}

function parsePatch(text: string, patchType: PatchType): Json {
  let patch: Json;
  try {
    patch = JSON.parse(text) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(`error decoding patch: ${error.message}`);
  }
  if (patchType !== 'application/json-patch+json' && !isObject(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}',
    );
  }
  return patch;
}

function goMap(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(goMap).join(' ')}]`;
  if (!isObject(value)) return value === null ? '<nil>' : String(value);
  const names = Object.keys(value).sort();
  return `map[${names.map((name) => `${name}:${goMap(value[name] ?? null)}`).join(' ')}]`;
}

export function setManagedFields(object: JsonObject, managedFields: JsonObject[]): void {
  const metadata = metadataOf(object);
  if (managedFields.length > 0) metadata.managedFields = managedFields;
  else delete metadata.managedFields;
}

/** A server-side apply: creates the object when it does not exist. The body is YAML or JSON. */
export function applyObject(write: Write, text: string, force: boolean): Committed {
  const { cluster, kind, namespace, name, validation } = write;
  if (write.manager === '') throw managerRequired();
  const { config, strictError } = parseYaml(text);
  checkConfig(write, config);
  const before = cluster.store.get(kind, namespace, name);
  if (!before && write.subresource) throw notFound(kind, name);
  const live = before && unpack(before, kind);
  const { object, managedFields } = applied(write, live, config, force);
  if (strictError !== undefined && validation === 'Strict') {
    throw badRequest(`error strict decoding YAML: ${strictError}`);
  }
  if (strictError !== undefined && validation === 'Warn') write.warnings.push(strictError);
  const next = object ? decodeApplied(write, object) : clone(live ?? kind.empty);
  setManagedFields(next, managedFields);
  matchRequest(write, next);
  if (!before) {
    const uid = stringAt(config, 'metadata', 'uid');
    if (uid) throw uidMismatch(write, uid);
    return commitCreate(write, next);
  }
  return commitUpdate(write, before, next);
}

function uidMismatch({ kind, name }: Write, uid: string): StatusError {
  const qualified = kind.group ? `${kind.resource}.${kind.group}` : kind.resource;
  const message = `Operation cannot be fulfilled on ${qualified} "${name}": uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
  const details = { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.resource };
  return new StatusError(409, 'Conflict', message, details);
}

export function managerRequired(): StatusError {
  return invalid({ group: 'meta.k8s.io', resource: '', kind: 'PatchOptions' }, '', [
    { type: 'required', field: 'fieldManager', detail: 'is required for apply patch' },
  ]);
}

function checkConfig(write: Write, config: JsonObject): void {
  const { kind } = write;
  if (config.apiVersion !== kind.apiVersion || config.kind !== kind.kind) {
    const type = gvk(String(config.apiVersion ?? ''), String(config.kind ?? ''));
    throw badRequest(`invalid object type: ${type}`);
  }
  if (managedFieldsOf(config) !== undefined && managedFieldsOf(config) !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const errors = checkType(config, kind.type);
  if (errors.length === 0) return;
  const why = joinErrors(errors);
  throw internalError(`failed to create typed patch object (${idOf(config, kind)}): ${why}`);
}

function applied(
  write: Write,
  live: JsonObject | undefined,
  config: JsonObject,
  force: boolean,
): ReturnType<typeof trackApply> {
  try {
    return trackApply(live, config, force, trackingOf(write));
  } catch (error) {
    throw error instanceof ConflictsError ? applyConflict(error.conflicts) : error;
  }
}

/** What an apply produced, as the kind's own form; unknown fields were refused before. */
function decodeApplied({ kind }: Write, object: JsonObject): JsonObject {
  try {
    return decodeObject(kind, object).object;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const id = idOf(object, kind);
    throw internalError(
      `failed to convert new object (${id}) to proper version: unable to convert unstructured object to ${gvk(kind.apiVersion, kind.kind)}: ${error.message}`,
    );
  }
}

/** A kind as Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=Secret`. */
function gvk(apiVersion: string, kind: string): string {
  return `${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`;
}

/** `namespace/name; group/version, Kind=kind` as the object itself says them. */
function idOf(object: JsonObject, kind: Kind): string {
  const namespace = stringAt(object, 'metadata', 'namespace') ?? '';
  const name = stringAt(object, 'metadata', 'name') ?? '';
  return `${namespace}/${name}; ${gvk(kind.apiVersion, kind.kind)}`;
}

/** The 409 of an apply, worded as managedfields/internal/conflict.go does. */
export function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${describeManager(manager)}`,
    field: describePath(path),
  }));
  const [only] = causes;
  if (causes.length === 1 && only) {
    const message = `Apply failed with 1 conflict: ${only.message}: ${only.field}`;
    return new StatusError(409, 'Conflict', message, { causes });
  }
  const managers = [...new Set(conflicts.map(({ manager }) => manager))].sort();
  const lines = managers.flatMap((manager) => [
    `conflicts with ${describeManager(manager)}:`,
    ...conflicts.filter((c) => c.manager === manager).map((c) => `- ${describePath(c.path)}`),
  ]);
  const message = `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`;
  return new StatusError(409, 'Conflict', message, { causes });
}

function describeManager(key: string): string {
  const { manager, operation, apiVersion, subresource } = parseManagerKey(key);
  const by = `"${manager}"${subresource ? ` with subresource "${subresource}"` : ''}`;
  return operation === 'Update' ? `${by} using ${apiVersion}` : by;
}
