import { z } from 'zod';
import { formatSelector } from '#proto/selector.ts';
import type { FleetEvent } from '#rollouts/advance.ts';
import type { FleetCommand } from '#rollouts/fleet-commands.ts';
import { PURPOSES, SKIPS, TARGET_STATES, type Whom } from '#rollouts/state.ts';

/** What is kept of what was done, by whom and why: the messages of the AUDIT and HISTORY streams. Times are Unix milliseconds. */

export const AUDIT_KINDS = ['operation', 'rollout', 'removal', 'expiry'] as const;

const entry = z.object({
  v: z.literal(1),
  /** The same for the same deed, however often it is written. */
  id: z.string(),
  at: z.number(),
  kind: z.enum(AUDIT_KINDS),
  /** `pause`, `approve`, …; of a rollout the words of `#rollouts/events.ts`. */
  action: z.string(),
  /** Absent where the hub itself did it, by its rules. */
  by: z.string().optional(),
  groups: z.array(z.string()).optional(),
  reason: z.string().optional(),
  placement: z.string().optional(),
  stage: z.string().optional(),
  /** `before/0`, `after/1`: which gate of the stage. */
  gate: z.string().optional(),
  cluster: z.string().optional(),
  /** In kubectl's syntax; empty for every cluster. */
  selector: z.string().optional(),
  revision: z.string().optional(),
  until: z.number().optional(),
  /** Clusters of a removal: how many, and the first names. */
  count: z.number().optional(),
  clusters: z.array(z.string()).optional(),
  /** Of a stage that went on, or gave a version up: state → clusters that the version left in it. */
  counts: z.partialRecord(z.enum(TARGET_STATES), z.number()).optional(),
  /** Of an order to expedite: what is not waited for. */
  skips: z.array(z.enum(SKIPS)).optional(),
});
export type AuditEntry = Omit<z.infer<typeof entry>, 'v'>;

/** How an operation ended: a message of its own, since the entry is stored before anything is done. */
const result = z.object({ v: z.literal(1), id: z.string(), result: z.string() });
export type AuditResult = Omit<z.infer<typeof result>, 'v'>;

export const APPLY_RESULTS = ['current', 'removed', 'failed', 'regressed', 'superseded', 'stopped'] as const;
export type ApplyResult = (typeof APPLY_RESULTS)[number];

const counts = z.object({
  created: z.number(),
  configured: z.number(),
  pruned: z.number(),
  failed: z.number(),
});
export type AppliedCounts = z.infer<typeof counts>;

/** One attempt on one cluster, when it has ended. What it led from is what the attempt before it led to. */
const apply = z.object({
  v: z.literal(1),
  stage: z.string(),
  revision: z.string(),
  /** Null: the placement was to be removed. */
  digest: z.string().nullable(),
  attempt: z.number(),
  purpose: z.enum(PURPOSES),
  startedAt: z.number(),
  endedAt: z.number(),
  result: z.enum(APPLY_RESULTS),
  message: z.string().optional(),
  counts: counts.optional(),
});
export type ApplyEntry = Omit<z.infer<typeof apply>, 'v'> & {
  readonly cluster: string;
  readonly placement: string;
};

/** The same for the same end of the same attempt, however often it is written. */
export const applyId = ({ cluster, placement, attempt, result }: ApplyEntry): string =>
  `${placement}/${cluster}/${attempt}/${result}`;

/** JSON of a message; `undefined` for what another version wrote or what is none. */
export const writeMessage = (message: AuditEntry | AuditResult): string =>
  JSON.stringify({ v: 1, ...message });
/** Of which cluster and placement it is says its subject: a fleet has many of them. */
export const writeApply = ({ cluster: _, placement: __, ...rest }: ApplyEntry): string =>
  JSON.stringify({ v: 1, ...rest });
export const readEntry = (text: string): AuditEntry | undefined => read(entry, text);
export const readResult = (text: string): AuditResult | undefined => read(result, text);
export function readApply(cluster: string, placement: string, text: string): ApplyEntry | undefined {
  const message = read(apply, text);
  return message && { cluster, placement, ...message };
}

function read<T extends { v: 1 }>(schema: z.ZodType<T>, text: string): Omit<T, 'v'> | undefined {
  try {
    const { v: _, ...message } = schema.parse(JSON.parse(text));
    return message;
  } catch {
    return undefined; // skipped by whoever reads: one unreadable message must not hide the others
  }
}

/** The entry of what a person orders, with what came of it. `id` names the order, however often it is tried. */
export function operationEntry(
  id: string,
  command: FleetCommand,
  at: number,
  events: readonly FleetEvent[] = [],
): AuditEntry {
  const left = events.find(({ counts }) => counts !== undefined);
  const { by, reason } = 'placement' in command ? command.order : command;
  return {
    id,
    at,
    kind: 'operation',
    by,
    ...(reason !== undefined && { reason }),
    ...('placement' in command ? aboutLine(command) : aboutClusters(command)),
    ...(left?.stage !== undefined && { stage: left.stage, counts: left.counts }),
  };
}

type LineCommand = Extract<FleetCommand, { placement: string }>;
type ClusterCommand = Exclude<FleetCommand, LineCommand>;
type About = Pick<AuditEntry, 'action'> & Partial<AuditEntry>;

function aboutLine({ placement, order }: LineCommand): About {
  const version = order.kind === 'pin' ? order.revision : order.version;
  return {
    action: order.kind,
    placement,
    ...(version !== undefined && { revision: version }),
    ...('stage' in order && { stage: order.stage }),
    ...('stages' in order && { stage: order.stages.join(','), skips: [...(order.skips ?? SKIPS)] }),
    ...('groups' in order && { groups: [...order.groups] }),
    ...('whom' in order && named(order.whom)),
    ...('until' in order && order.until !== undefined && { until: order.until }),
  };
}

function aboutClusters(command: ClusterCommand): About {
  return {
    action: command.kind,
    ...('whom' in command && named(command.whom)),
    ...('cluster' in command && { cluster: command.cluster }),
    ...('until' in command && command.until !== undefined && { until: command.until }),
  };
}

export const named = (whom: Whom): Pick<AuditEntry, 'cluster' | 'selector'> =>
  'cluster' in whom ? { cluster: whom.cluster } : { selector: formatSelector(whom.selector) };
