import type { Json, JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import { FieldSet } from './field-set.ts';
import type { Managers } from './updater.ts';

/** The decoded `metadata.managedFields`: who owns what, and when each last wrote. */
export interface Managed {
  readonly managers: Managers;
  /** RFC 3339, whole seconds; a manager that came through the scale subresource may have none. */
  readonly times: Map<string, string>;
}

export interface ManagerIdentity {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string | undefined;
}

/** One text per manager; appliers keep theirs when they change the API version. */
export function managerKey(identity: ManagerIdentity): string {
  return JSON.stringify({
    manager: identity.manager,
    operation: identity.operation,
    ...(identity.operation === 'Update' ? { apiVersion: identity.apiVersion } : {}),
    ...(identity.subresource ? { subresource: identity.subresource } : {}),
  });
}

/** The identity behind a key; an applier's version is not part of its key and comes back as ''. */
export function parseManagerKey(key: string): ManagerIdentity {
  const { manager = '', operation, apiVersion = '', subresource } = JSON.parse(key) as Record<string, string>;
  return { manager, operation: operation === 'Apply' ? 'Apply' : 'Update', apiVersion, subresource };
}

export function emptyManaged(): Managed {
  return { managers: new Map(), times: new Map() };
}

/** Reads `metadata.managedFields`; undefined when an entry is not of the required form. */
export function decodeManaged(entries: Json | undefined): Managed | undefined {
  const managed = emptyManaged();
  for (const entry of Array.isArray(entries) ? entries : []) {
    if (!isObject(entry)) return undefined;
    const { manager, operation, apiVersion, fieldsType, subresource, time, fieldsV1 } = entry;
    if (operation !== 'Apply' && operation !== 'Update') return undefined;
    if (typeof apiVersion !== 'string' || apiVersion === '' || fieldsType !== 'FieldsV1') return undefined;
    const key = managerKey({
      manager: typeof manager === 'string' ? manager : '',
      operation,
      apiVersion,
      subresource: typeof subresource === 'string' ? subresource : undefined,
    });
    let set: FieldSet;
    try {
      set = FieldSet.fromJson(fieldsV1);
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
    managed.managers.set(key, { set, apiVersion, applied: operation === 'Apply' });
    if (typeof time === 'string') managed.times.set(key, time);
  }
  return managed;
}

/** Writes managedFields in the order the API server uses: applies first, then by time, name, version. */
export function encodeManaged({ managers, times }: Managed): JsonObject[] {
  const entries = [...managers].map(([key, { set, apiVersion, applied }]) => {
    const { manager, subresource } = parseManagerKey(key);
    const time = times.get(key);
    return {
      ...(manager ? { manager } : {}),
      operation: applied ? 'Apply' : 'Update',
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: set.toJson(),
      ...(subresource ? { subresource } : {}),
    };
  });
  const rank = (e: (typeof entries)[number]) =>
    [e.operation, e.time ?? '', e.manager ?? '', e.apiVersion, e.subresource ?? ''].join('\0');
  return entries.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** `[]` or one empty entry: the way a client wipes managedFields. */
export function isReset(entries: Json | undefined): boolean {
  if (!Array.isArray(entries)) return false;
  const [only] = entries;
  return entries.length === 0 || (entries.length === 1 && isObject(only) && Object.keys(only).length === 0);
}
