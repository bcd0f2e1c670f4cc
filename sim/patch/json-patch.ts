import type { Json, JsonObject } from '../json.ts';
import { clone, equal, isObject } from '../json.ts';

/** A patch that cannot be read; answered 400. */
export class PatchFormatError extends Error {}

/** A patch that does not fit the object, a failed `test` among others; answered 422. */
export class PatchApplyError extends Error {}

/** Applies an RFC 6902 patch to a copy of the document. */
export function applyJsonPatch(document: JsonObject, patch: Json): Json {
  if (!Array.isArray(patch)) {
    throw new PatchFormatError(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  }
  let root: Json = clone(document);
  for (const operation of patch) {
    if (!isObject(operation)) throw new PatchFormatError('error decoding patch: an operation is no object');
    root = applyOperation(root, operation);
  }
  return root;
}

function applyOperation(root: Json, operation: JsonObject): Json {
  const { op, value } = operation;
  const path = pointer(operation.path);
  switch (op) {
    case 'add':
      return put(root, path, value ?? null, true);
    case 'replace':
      read(root, path);
      return put(root, path, value ?? null, false);
    case 'remove':
      return removeAt(root, path);
    case 'move': {
      const from = pointer(operation.from);
      const moved = read(root, from);
      return put(removeAt(root, from), path, moved, true);
    }
    case 'copy':
      return put(root, path, clone(read(root, pointer(operation.from))), true);
    case 'test':
      if (!equal(readOrNull(root, path), value ?? null)) {
        throw new PatchApplyError(`testing value ${String(operation.path)} failed: test failed`);
      }
      return root;
    default:
      throw new PatchApplyError(`Unexpected kind: ${String(op)}`);
  }
}

function pointer(text: Json | undefined): string[] {
  if (text === '') return [];
  if (typeof text !== 'string' || !text.startsWith('/')) {
    throw new PatchApplyError('missing or malformed path');
  }
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function missing(path: string[]): PatchApplyError {
  return new PatchApplyError(`doc is missing path: "/${path.join('/')}": missing value`);
}

function read(root: Json, path: string[]): Json {
  let at = root;
  for (const part of path) {
    const next: Json | undefined = Array.isArray(at)
      ? at[index(part, at.length - 1, path)]
      : isObject(at)
        ? at[part]
        : undefined;
    if (next === undefined) throw missing(path);
    at = next;
  }
  return at;
}

/** `test` against null also holds for an absent field. */
function readOrNull(root: Json, path: string[]): Json {
  const parent = read(root, path.slice(0, -1));
  const last = path.at(-1);
  if (last !== undefined && isObject(parent) && parent[last] === undefined) return null;
  return read(root, path);
}

function index(part: string, max: number, path: string[]): number {
  if (!/^(0|[1-9]\d*)$/.test(part) || Number(part) > max) throw missing(path);
  return Number(part);
}

function put(root: Json, path: string[], value: Json, insert: boolean): Json {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(root, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const at = last === '-' ? parent.length : index(last, insert ? parent.length : parent.length - 1, path);
    parent.splice(at, insert ? 0 : 1, value);
  } else if (isObject(parent)) {
    parent[last] = value;
  } else {
    throw missing(path);
  }
  return root;
}

function removeAt(root: Json, path: string[]): Json {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent = read(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(index(last, parent.length - 1, path), 1);
  else if (isObject(parent) && last in parent) delete parent[last];
  else throw missing(path);
  return root;
}
