import { badRequest, invalid, StatusError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { isObject } from '../json.ts';
import { setDefaults } from '../kinds/defaults.ts';
import type { Kind } from '../kinds/kinds.ts';
import { splitVersion } from '../kinds/kinds.ts';
import { decodeCustom } from '../schema/crd.ts';
import { DecodeError, decodeTyped } from '../schema/decode.ts';
import { fieldsOf } from '../schema/duplicates.ts';
import type { Write } from './context.ts';

/** Reads an object as the kind's own form, defaults set. Throws DecodeError. */
export function decodeObject(kind: Kind, json: JsonObject): { object: JsonObject; unknown: string[] } {
  if (kind.custom) {
    const { value, unknown } = decodeCustom(json, kind.custom);
    return { object: { ...value, apiVersion: kind.apiVersion, kind: kind.kind }, unknown };
  }
  const { value, unknown } = decodeTyped(json, kind.type);
  const object = { ...value, apiVersion: kind.apiVersion, kind: kind.kind };
  setDefaults(object, kind);
  return { object, unknown };
}

/** Parses a request body as a JSON object; the error is that of a create or update. */
function parseBody(text: string, kind: Kind): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${error.message} (${text.slice(0, 100)})`,
    );
  }
  if (!isObject(json as JsonObject)) throw badRequest(`the object provided is no ${kind.kind}`);
  return json as JsonObject;
}

/** Reads the body of a create or update, strictly when the request says so. */
export function decodeBody(write: Write, text: string): JsonObject {
  const { kind, validation, warnings } = write;
  const json = parseBody(text, kind);
  checkGroupVersion(json, kind);
  const cannot = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: `;
  let decoded: ReturnType<typeof decodeObject>;
  try {
    decoded = decodeObject(kind, json);
  } catch (error) {
    throw error instanceof DecodeError ? badRequest(cannot + error.message) : error;
  }
  const problems = strictProblems(decoded.unknown, text);
  if (problems.length > 0 && validation === 'Strict') {
    const prefix = kind.custom ? '' : cannot;
    throw badRequest(`${prefix}strict decoding error: ${problems.join(', ')}`);
  }
  if (validation === 'Warn') warnings.push(...problems);
  return decoded.object;
}

function checkGroupVersion(json: JsonObject, kind: Kind): void {
  const { apiVersion, kind: name } = json;
  const isSame = (apiVersion ?? kind.apiVersion) === kind.apiVersion && (name ?? kind.kind) === kind.kind;
  if (isSame) return;
  const { version } = splitVersion(String(apiVersion));
  throw badRequest(
    `${String(name)} in version "${version}" cannot be handled as a ${kind.kind}: converting (${version}.${String(name)}) to (${kind.group || 'core'}.${kind.kind}): unknown conversion`,
  );
}

/** What a strict reader objects to, in the order of the text. */
function strictProblems(unknown: readonly string[], text: string): string[] {
  const left = new Set(unknown);
  const problems = new Set<string>();
  for (const { path, again } of fieldsOf(text)) {
    if (again) problems.add(`duplicate field "${path}"`);
    if (left.delete(path)) problems.add(`unknown field "${path}"`);
  }
  // A patch names its fields by other paths than the object it leads to.
  for (const path of left) problems.add(`unknown field "${path}"`);
  return [...problems];
}

/** Reads the result of a JSON, merge or strategic patch; `shown` is what the error quotes. */
export function decodePatched(
  write: Write,
  patched: JsonObject,
  patchText: string,
  shown: () => string,
): JsonObject {
  const { kind, validation, warnings } = write;
  const refuse = (detail: string) =>
    invalid({ group: '', resource: '', kind: '' }, '', [
      { type: 'invalid', field: 'patch', value: shown(), detail },
    ]);
  let decoded: ReturnType<typeof decodeObject>;
  try {
    decoded = decodeObject(kind, patched);
  } catch (error) {
    throw error instanceof DecodeError ? refuse(error.message) : error;
  }
  const problems = strictProblems(decoded.unknown, patchText);
  if (problems.length > 0 && validation === 'Strict') {
    throw refuse(`strict decoding error: ${problems.join(', ')}`);
  }
  if (validation === 'Warn') warnings.push(...problems);
  return decoded.object;
}

/** An internal error, as the server words what it did not expect. */
export function internalError(message: string): StatusError {
  return new StatusError(500, '', message);
}
