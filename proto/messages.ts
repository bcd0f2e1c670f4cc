import { z } from 'zod';
import { FlotillaError, isFaultCode } from './faults.ts';
import { LIMITS } from './limits.ts';

/**
 * Every message on the bus, version 1 (design/20-protocol). Unknown fields are ignored, an unknown `v` is a fault.
 * Times are RFC 3339 in UTC; revisions are full Git object ids; digests are lower-case hex.
 */
const v = z.literal(1);
const time = z.iso.datetime();
const oid = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const text = z.string().max(LIMITS.text);
const count = z.int().nonnegative();

/** A code of the catalogue; one of a newer version reads as `internal`. */
const faultCode = z
  .string()
  .refine(isFaultCode)
  .or(z.string().transform(() => 'internal' as const));

const fault = z.object({
  code: faultCode,
  message: text,
  source: z.object({ file: z.string(), line: count.optional(), column: count.optional() }).optional(),
});

// ---- hub → agent
const desiredAssignment = z.object({
  placement: dnsLabel,
  /** Where the placement's staged fields, the overlay and its components are read. */
  revision: oid,
  /** Where the cluster's own labels and values are read: equal to `revision` or younger. */
  entryRevision: oid,
  digest: z.string(),
  /** One start of a version on this cluster; status echoes it. Unique for ever. */
  attempt: count,
  rollout: z.string().optional(),
});
export type DesiredAssignment = z.infer<typeof desiredAssignment>;
export type DesiredRemoval = DesiredPayload['removed'][number];

export const desiredPayload = z.object({
  cluster: dnsLabel,
  epoch: count,
  issuedAt: time,
  /** The newest revision at which anything that this cluster reads at once differs. */
  head: oid,
  assignments: z.array(desiredAssignment),
  /** The only order to remove; the agent confirms it in Git at `revision` before it prunes. */
  removed: z.array(
    z.object({
      placement: dnsLabel,
      /** Where the placement is gone or does not select the cluster. */
      revision: oid,
      /** Where the cluster's own entry is read; at `revision` where it is absent. */
      entryRevision: oid.optional(),
      /** As that of an assignment. */
      attempt: count.optional(),
    }),
  ),
  hold: z.object({ placements: z.array(dnsLabel).optional(), until: time }).optional(),
});
export type DesiredPayload = z.infer<typeof desiredPayload>;

// ---- agent → hub
const facts = z.object({
  kubernetesVersion: z.string().optional(),
  distribution: z.string().optional(),
  provider: z.string().optional(),
  nodeCount: count.optional(),
  uid: z.string().optional(),
  agentVersion: z.string().optional(),
});
export type ClusterFacts = z.infer<typeof facts>;

export const hello = z.object({
  v,
  cluster: dnsLabel,
  key: z.string(),
  at: time,
  /** Of the accepted document; 0 before the first. */
  epoch: count,
  head: oid.optional(),
  statusHash: z.string(),
  facts,
});
export type Hello = z.infer<typeof hello>;

export const heartbeat = z.object({
  v,
  cluster: dnsLabel,
  at: time,
  epoch: count,
  statusHash: z.string(),
  faults: z.array(fault).max(20),
});
export type Heartbeat = z.infer<typeof heartbeat>;

export const SYNC_STATES = [
  'SYNCED',
  'PENDING',
  'APPLYING',
  'AWAITING_APPROVAL',
  'FAILED',
  'SUSPENDED',
  'HELD',
  'UNKNOWN',
] as const;
export const DRIFT_STATES = ['NONE', 'DRIFTED', 'ERROR', 'UNKNOWN'] as const;
/** kstatus words. */
export const HEALTH_STATES = [
  'CURRENT',
  'IN_PROGRESS',
  'FAILED',
  'TERMINATING',
  'NOT_FOUND',
  'UNKNOWN',
] as const;
export const DRIFT_KINDS = ['CHANGED', 'MISSING', 'EXTRA'] as const;
export const ACTIONS = ['created', 'configured', 'unchanged', 'pruned', 'skipped', 'failed'] as const;
export type SyncState = (typeof SYNC_STATES)[number];
export type DriftState = (typeof DRIFT_STATES)[number];
export type HealthState = (typeof HEALTH_STATES)[number];
export type DriftKind = (typeof DRIFT_KINDS)[number];
export type Action = (typeof ACTIONS)[number];

const axis = <T extends readonly [string, ...string[]]>(states: T) =>
  z.object({ state: z.enum(states), reason: text.optional(), since: time });

/** `group/Kind/namespace/name`; the core group and cluster scope are empty parts. */
const objectId = z.string().max(600);

const objectStatus = z.object({
  id: objectId,
  apiVersion: z.string(),
  /** What the last apply did with it. */
  action: z.enum(ACTIONS).optional(),
  health: z.enum(HEALTH_STATES),
  healthReason: text.optional(),
  /** False where no rule and no condition tells the health of the kind. */
  assessed: z.boolean(),
  drift: z.enum(DRIFT_STATES),
  images: z.array(z.string()).max(50).optional(),
  /** Why the last apply of it failed, and the code of that fault. */
  error: text.optional(),
  errorCode: faultCode.optional(),
  /** The file in the fleet repo it came from, where known. */
  source: z.string().optional(),
  /** Field managers whose fields were taken over at first contact; of an observing cluster: would be. */
  takenFrom: z.array(z.string().max(200)).max(10).optional(),
});
export type ObjectStatus = z.infer<typeof objectStatus>;

const fieldDrift = z.object({
  id: objectId,
  apiVersion: z.string(),
  kind: z.enum(DRIFT_KINDS),
  /** JSON pointer; list elements by merge key, e.g. /spec/template/spec/containers[name=web]/image. Empty: the whole object. */
  path: z.string().max(2_000),
  /** Absent where redacted, unknown or too long. */
  desired: z.json().optional(),
  live: z.json().optional(),
  /** Who holds the live value; null when nobody is known to. */
  manager: z.string().nullable(),
  operation: z.string().nullable(),
  subresource: z.string().optional(),
  /** Upper bound: managedFields keeps one time per entry. */
  changedAt: time.nullable(),
  firstSeen: time,
  redacted: z.boolean(),
  healable: z.boolean(),
  fight: z.boolean(),
});
export type FieldDrift = z.infer<typeof fieldDrift>;

const version = z.object({ revision: oid, digest: z.string() });

export const status = z.object({
  v,
  cluster: dnsLabel,
  placement: dnsLabel,
  /** Grows with every status of this agent and placement, across restarts; older ones are dropped. */
  seq: count,
  at: time,
  epoch: count,
  attempt: count,
  attempted: version.optional(),
  applied: version.optional(),
  /** True once everything of a removed placement is gone from the cluster. */
  removed: z.boolean().optional(),
  sync: axis(SYNC_STATES),
  drift: axis(DRIFT_STATES),
  health: axis(HEALTH_STATES),
  counts: z.object({
    objects: count,
    created: count,
    configured: count,
    unchanged: count,
    pruned: count,
    skipped: count,
    failed: count,
  }),
  objects: z.array(objectStatus).max(LIMITS.objects),
  drifts: z.array(fieldDrift).max(LIMITS.drifts),
  /** Objects and drifts that did not fit. */
  truncated: z.object({ objects: count, drifts: count }),
  faults: z.array(fault).max(50),
  /** Hash of the canonical rendered JSON, Secret values left out. */
  renderHash: z.string().optional(),
});
export type Status = z.infer<typeof status>;

export const EVENT_TYPES = [
  'APPLY_STARTED',
  'APPLY_SUCCEEDED',
  'APPLY_FAILED',
  'DRIFT_DETECTED',
  'DRIFT_RESOLVED',
  'DRIFT_FIGHT',
  'PROBLEM_FOUND',
  'PROBLEM_SOLVED',
] as const;
export const event = z.object({
  v,
  cluster: dnsLabel,
  type: z.enum(EVENT_TYPES),
  at: time,
  placement: dnsLabel.optional(),
  revision: oid.optional(),
  drift: fieldDrift.optional(),
  message: text,
});
export type AgentEvent = z.infer<typeof event>;

/** Asks an agent to publish the statuses again (`rpc.status`) or to check everything anew (`rpc.resync`). */
export const rpcRequest = z.object({ v, id: z.string().max(64), placements: z.array(dnsLabel).optional() });
export type RpcRequest = z.infer<typeof rpcRequest>;

/** On `down.<cluster>.jwt`: a renewed JWT of the agent, used from its next connection on. */
export const renewal = z.object({ v, jwt: z.string().max(16_384) });

// ---- bootstrap over HTTP: GET /v1/agents/<publicKey>
export const bootstrap = z.object({
  v,
  cluster: dnsLabel,
  jwt: z.string(),
  natsUrls: z.array(z.string()).min(1),
  hubKeys: z.array(z.string()).min(1),
});
export type Bootstrap = z.infer<typeof bootstrap>;

/**
 * Reads a message of the bus.
 * @throws FlotillaError desired-version-unknown for another `v`, desired-malformed for anything else that is wrong
 */
export function parseMessage<T>(schema: z.ZodType<T>, data: string | Uint8Array, what: string): T {
  if (data.length > LIMITS.messageBytes)
    throw new FlotillaError(
      'desired-malformed',
      `${what} of ${data.length} bytes exceeds ${LIMITS.messageBytes}`,
    );
  let json: unknown;
  try {
    json = JSON.parse(typeof data === 'string' ? data : Buffer.from(data).toString('utf8'));
  } catch (cause) {
    throw new FlotillaError('desired-malformed', `${what} is not JSON`, { cause });
  }
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const seen = (json as { v?: unknown } | null)?.v;
  if (seen !== undefined && seen !== 1)
    throw new FlotillaError(
      'desired-version-unknown',
      `${what} has version ${String(seen)}, this program knows 1`,
    );
  throw new FlotillaError('desired-malformed', `${what} is malformed: ${z.prettifyError(read.error)}`, {
    cause: read.error,
  });
}
