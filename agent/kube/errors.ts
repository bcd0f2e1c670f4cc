import { type FaultCode, FlotillaError } from '#proto/faults.ts';
import { clip } from '#proto/limits.ts';

/** An answer of the API server that is no success, or no answer at all (`status` 0). */
export class KubeError extends FlotillaError {
  readonly status: number;
  /** `reason` of the Status object: NotFound, Conflict, Invalid, AlreadyExists, Forbidden … */
  readonly reason: string;
  /** ms that the server asks to wait. */
  readonly retryAfter: number | undefined;

  constructor(
    code: FaultCode,
    message: string,
    details: { status: number; reason: string; retryAfter?: number | undefined; cause?: unknown },
  ) {
    super(code, message, details.cause === undefined ? {} : { cause: details.cause });
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfter = details.retryAfter;
  }
}

export const isStatus = (error: unknown, status: number): error is KubeError =>
  error instanceof KubeError && error.status === status;
export const isNotFound = (error: unknown): error is KubeError => isStatus(error, 404);
export const isConflict = (error: unknown): error is KubeError => isStatus(error, 409);
/** The list or watch is older than what the server keeps. */
export const isExpired = (error: unknown): error is KubeError => isStatus(error, 410);

/** The server cannot compare the live object in the API version of some managedFields entry; an unknown field of ours is none. */
export const isSchemaGap = (error: unknown): error is KubeError =>
  error instanceof KubeError &&
  error.message.includes('field not declared in schema') &&
  !error.message.includes('failed to create typed patch object');

/** True where trying the same again can help: no answer, overload, a server error. */
export function isTransient(error: unknown): boolean {
  return error instanceof KubeError && (error.code === 'kube-unreachable' || error.code === 'kube-failed');
}

type Status = {
  reason?: unknown;
  message?: unknown;
  code?: unknown;
  details?: { retryAfterSeconds?: unknown };
};

/**
 * The error for an answer: subject, then reason and message of the server as they are, and what to grant where a right is missing.
 * `actsAs`: the user as whom it was asked, if not the agent itself.
 */
export function errorOf(
  subject: string,
  status: number,
  body: unknown,
  retryAfterHeader?: string | null,
  actsAs?: string,
): KubeError {
  const { reason, message, details } = (typeof body === 'object' && body !== null ? body : {}) as Status;
  const named = typeof reason === 'string' && reason !== '' ? reason : defaultReason(status);
  const text = typeof message === 'string' && message !== '' ? message : `HTTP status ${status}`;
  const grant = status === 403 ? grantFor(text, actsAs) : '';
  const seconds = Number(retryAfterHeader ?? details?.retryAfterSeconds ?? Number.NaN);
  return new KubeError(codeOf(status, text), clip(`${subject}: ${named}: ${text}${grant}`), {
    status,
    reason: named,
    retryAfter: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
  });
}

/** What RBAC lacks, in the words of a rule (the server's message: k8s.io/apiserver, endpoints/handlers/responsewriters). */
function grantFor(message: string, actsAs: string | undefined): string {
  const found =
    /User "([^"]*)" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(
      message,
    );
  if (!found) return '';
  const [, user, verb, resource, group, namespace] = found;
  // Kubernetes 1.36 may ask for finer rights first (KEP 5284); the one that suffices everywhere is told.
  if (verb!.startsWith('impersonate-on:') && actsAs !== undefined) {
    const [account, at] = actsAs.split(':').reverse();
    return `; grant the agent by a Role in namespace ${at} or a ClusterRole: apiGroups: [""], resources: ["serviceaccounts"], resourceNames: ["${account}"], verbs: ["impersonate"]`;
  }
  const role =
    namespace === undefined ? 'a ClusterRole' : `a Role in namespace ${namespace} or a ClusterRole`;
  const who = user === actsAs ? `service account ${actsAs?.split(':').slice(2).join('/')}` : 'the agent';
  // Impersonation is asked of one name, and should be granted for no other.
  const [, name] = /^\S+ "([^"]+)" is forbidden/.exec(message) ?? [];
  const names = verb === 'impersonate' && name ? `, resourceNames: ["${name}"]` : '';
  return `; grant ${who} by ${role}: apiGroups: ["${group}"], resources: ["${resource}"]${names}, verbs: ["${verb}"]`;
}

const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
};
const defaultReason = (status: number): string => REASONS[status] ?? 'Unknown';

/** A field that the schema does not know is answered with 500 by server-side apply, and yet it is the object's own fault. */
function codeOf(status: number, message: string): FaultCode {
  if (message.startsWith('failed to create typed patch object')) return 'kube-rejected';
  if (status === 401 || status === 403) return 'kube-forbidden';
  if (status === 429 || status >= 500) return 'kube-failed';
  return 'kube-rejected';
}

/** No answer: connection refused or reset, time-out, a broken body. */
export const noAnswer = (subject: string, cause: unknown): KubeError =>
  new KubeError('kube-unreachable', `${subject}: ${rootMessage(cause)}`, {
    status: 0,
    reason: 'Unreachable',
    cause,
  });

function rootMessage(error: unknown): string {
  let found = error;
  while (found instanceof Error && found.cause instanceof Error) found = found.cause;
  const text = found instanceof Error ? found.message || found.name : String(found);
  return clip(text || 'no answer', 300);
}

/** Whether the connection was never made, so that nothing can have been done. */
export function neverSent(error: unknown): boolean {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const { code } = each as { code?: unknown };
    if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ENOTFOUND') return true;
  }
  return false;
}
