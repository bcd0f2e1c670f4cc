import { z } from 'zod';
import { FlotillaError } from '#proto/faults.ts';

/**
 * What the agent remembers across restarts, beside the rendered objects. Version 1, a contract: kept as JSON in Secrets; unknown
 * members are ignored, an unknown `v` makes the record unreadable.
 */
const v = z.literal(1);
const count = z.int().nonnegative();
const oid = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const reference = z.object({ key: z.string(), chunks: count });

const entry = z.discriminatedUnion('state', [
  z.object({ state: z.literal('unknown') }),
  z.object({ state: z.literal('missing'), revision: oid }),
  z.object({
    state: z.literal('present'),
    revision: oid,
    suspend: z.boolean(),
    observe: z.boolean(),
    decommission: z.enum(['orphan', 'prune']).optional(),
    hasKey: z.boolean(),
  }),
]);

const acceptedRecord = z.object({
  v,
  /** The signed envelope in force, as it came; absent before the first. */
  envelope: z.string().optional(),
  /** The highest tip of the branch seen. */
  tip: oid.optional(),
  /** Keys that may sign, from the last accepted head; absent: the pinned ones. */
  hubKeys: z.array(z.string()).optional(),
  /** `trust.notBefore` of the Fleet, as last read. */
  notBefore: z.string().optional(),
  /** What the cluster's own entry said last. */
  entry: entry.optional(),
});
export type AcceptedRecord = z.infer<typeof acceptedRecord>;

const version = z.object({
  revision: oid,
  digest: z.string(),
  attempt: count,
  /** Staged with the version: whether what leaves it is deleted. */
  prune: z.boolean(),
  bundle: reference,
});
export type VersionRecord = z.infer<typeof version>;

const placementRecord = z.object({
  v,
  placement: z.string(),
  /** What runs: applied wholly. */
  applied: version.optional(),
  /** What is being applied: its attempt has been echoed to the hub. */
  target: version.optional(),
  /** A removal that Git has confirmed and that has begun. */
  removal: z
    .object({
      revision: oid,
      entryRevision: oid.optional(),
      mode: z.enum(['prune', 'decommission', 'orphan']),
    })
    .optional(),
  /** As last read at the newest verified head: JSON of `Policy`. */
  policy: z.json().optional(),
  /** The last number given to a status. */
  seq: count,
});
export type PlacementRecord = z.infer<typeof placementRecord>;

/** @throws FlotillaError state-unreadable */
export function readAccepted(text: string): AcceptedRecord {
  return read(acceptedRecord, text, 'the accepted document');
}

/** @throws FlotillaError state-unreadable */
export function readPlacement(text: string): PlacementRecord {
  return read(placementRecord, text, 'a placement');
}

function read<T>(schema: z.ZodType<T>, text: string, what: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FlotillaError('state-unreadable', `what was kept of ${what} cannot be read`, { cause });
  }
}
