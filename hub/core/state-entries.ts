import { z } from 'zod';
import { selector } from '#proto/selector.ts';
import { SKIPS, TARGET_STATES } from '#rollouts/state.ts';

/** The entries of stored hub state, version 2: what `HubState` holds, by cluster and by line. Absent is as good as empty. */
const v = z.literal(2);
const number = z.number();
const text = z.string();
const count = z.int().nonnegative();

const run = z.object({
  revision: text,
  readAt: text.optional(),
  entryRevision: text,
  digest: text.nullable(),
  attempt: count,
  purpose: z.enum(['rollout', 'catch-up', 'rollback', 'pin', 'recall']),
  publishedHub: number,
  phase: z.enum(['published', 'started', 'current', 'failed', 'removed', 'stopped']),
  verifying: z.literal(true).optional(),
  wasCurrent: z.literal(true).optional(),
  failingHub: number.optional(),
  currentHub: number.optional(),
  reachedHub: number.optional(),
  worse: z.object({ ms: number, sinceHub: number.optional() }).optional(),
  regressed: z.literal(true).optional(),
  failure: text.optional(),
  excused: z.enum(['unhealthy', 'accepted']).optional(),
  again: z.literal(true).optional(),
});
const target = z.object({
  stage: text,
  run: run.optional(),
  state: z.enum(TARGET_STATES),
  since: number,
  reason: text.optional(),
  late: number.optional(),
  kept: z.enum(['relabelled', 'recovered', 'aborted']).optional(),
});

const told = run.pick({ revision: true, readAt: true, entryRevision: true, digest: true, attempt: true });
const leave = z.object({ revision: text, attempt: count, since: number, done: z.literal(true).optional() });
const since = z.record(text, number);

export const clusterEntry = z.object({
  v,
  epoch: count,
  issuedAt: number,
  headHash: text,
  head: text,
  contentHash: text,
  observed: z.record(text, told).optional(),
  leaving: z.record(text, leave).optional(),
  offBranch: z.array(text).optional(),
  silent: z.object({ hub: number, lost: z.boolean() }).optional(),
  /** By placement, as all that follows. */
  targets: z.record(text, target).optional(),
  rejected: z.record(text, z.array(text)).optional(),
  released: since.optional(),
  left: since.optional(),
});

const answer = z.object({ says: z.enum(['yes', 'no', 'away']), message: text.optional() });
const approval = z.object({
  by: text,
  groups: z.array(text),
  reason: text.optional(),
  at: number,
  atHub: number,
});
const gate = z.object({
  of: text.optional(),
  openedAt: number.optional(),
  approvals: z.array(approval).optional(),
  answer: answer.optional(),
  round: number.optional(),
});
const work = z.object({
  version: text,
  floor: number,
  since: number,
  sinceHub: number,
  startedAt: number.optional(),
  revert: z.boolean(),
  hadChanges: z.boolean(),
  departed: number,
  departedHub: number.optional(),
  gates: z.record(text, gate),
  skips: z.array(z.enum(SKIPS)),
  waiting: text.optional(),
});
const stage = z.object({
  name: text,
  work: work.optional(),
  passed: z.array(text),
  passedAt: number.optional(),
  since: number,
});
const pause = z.object({
  cause: z.enum(['operator', 'failure', 'regression', 'rollback', 'recovered']),
  stage: text.optional(),
  version: text.optional(),
  by: text.optional(),
  reason: text,
  since: number,
  until: number.optional(),
  struck: z.array(text).optional(),
});
const rollback = z.object({
  version: text,
  by: text.optional(),
  reason: text,
  since: number,
  stages: z.array(text),
  floor: number,
  stuck: z.array(text),
});
const whom = z.union([z.strictObject({ cluster: text }), z.strictObject({ selector })]);
const order = { by: text, reason: text, until: number.optional() };

export const lineEntry = z.object({
  v,
  stages: z.array(stage),
  pauses: z.array(pause),
  rollback: rollback.optional(),
  bus: z.object({ since: number, lost: z.array(text) }).optional(),
  busAccepted: z.array(text).optional(),
  struck: z.array(text),
  aborted: z.array(text),
  pins: z.array(z.object({ whom, version: text, ...order })),
  attempt: count,
  ended: z.array(
    z.object({
      version: text,
      how: z.enum(['Succeeded', 'RolledBack', 'Failed', 'Aborted', 'Superseded']),
      at: number,
    }),
  ),
  /** A removal that waits for an approval. */
  held: z
    .object({
      setHash: text,
      since: number,
      leaving: count,
      left: count,
      of: count,
      clusters: z.array(text),
    })
    .optional(),
});

export const fleetEntry = z.object({
  v,
  clock: z.object({ hub: number, at: number, running: z.boolean() }),
  freezes: z.array(z.object({ whom, ...order })),
  holds: z.record(text, z.object(order)),
  recovered: z.object({ since: number, over: number.optional() }).optional(),
});
