import type { Json, JsonObject } from './json.ts';

/** One entry of `details.causes`. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** An error answered as a Kubernetes Status, in the words of apimachinery's api/errors. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  /** Seconds for a Retry-After header. */
  readonly retryAfter: number | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject, retryAfter?: number) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.retryAfter = retryAfter;
  }

  toJson(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** What an error is about: plural and group, as messages and details name it. */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}

function qualified({ group, resource }: ResourceName): string {
  return group ? `${resource}.${group}` : resource;
}

function detailsOf(of: ResourceName, name: string, kind = of.resource): JsonObject {
  return { name, ...(of.group ? { group: of.group } : {}), kind };
}

export function notFound(of: ResourceName, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(of)} "${name}" not found`, detailsOf(of, name));
}

export function unknownResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(of: ResourceName, name: string, isGoing: boolean): StatusError {
  return new StatusError(
    409,
    'AlreadyExists',
    `${isGoing ? 'object is being deleted: ' : ''}${qualified(of)} "${name}" already exists`,
    detailsOf(of, name),
  );
}

export function conflict(of: ResourceName, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(of, name));
}

export const MODIFIED =
  'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(of: ResourceName, name: string, why: string, causes?: Cause[]): StatusError {
  const details = { ...detailsOf(of, name), ...(causes ? { causes: causes.map((c) => ({ ...c })) } : {}) };
  return new StatusError(403, 'Forbidden', `${qualified(of)} "${name}" is forbidden: ${why}`, details);
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** A problem of one field, in the words of field.Error. */
export interface FieldError {
  readonly type: 'invalid' | 'required' | 'forbidden' | 'unsupported' | 'duplicate' | 'type';
  readonly field: string;
  readonly value?: Json | undefined;
  readonly detail?: string;
}

const FIELD_ERRORS = {
  invalid: ['FieldValueInvalid', 'Invalid value'],
  required: ['FieldValueRequired', 'Required value'],
  forbidden: ['FieldValueForbidden', 'Forbidden'],
  unsupported: ['FieldValueNotSupported', 'Unsupported value'],
  duplicate: ['FieldValueDuplicate', 'Duplicate value'],
  type: ['FieldValueTypeInvalid', 'Invalid value'],
} as const;

function fieldMessage({ type, value, detail }: FieldError): string {
  const [, title] = FIELD_ERRORS[type];
  const shown = type === 'required' || type === 'forbidden' ? '' : `: ${JSON.stringify(value ?? null)}`;
  return `${title}${shown}${detail ? `: ${detail}` : ''}`;
}

export function invalid(of: ResourceName, name: string, errors: readonly FieldError[]): StatusError {
  const kind = of.group ? `${of.kind}.${of.group}` : of.kind;
  const texts = errors.map((e) => `${e.field}: ${fieldMessage(e)}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const causes = errors.map((e) => ({
    reason: FIELD_ERRORS[e.type][0],
    message: fieldMessage(e),
    field: e.field,
  }));
  const details = {
    ...(name ? { name } : {}),
    ...(of.group ? { group: of.group } : {}),
    ...(of.kind ? { kind: of.kind } : {}),
    causes,
  };
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, details);
}
