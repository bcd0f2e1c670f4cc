import { z } from 'zod';
import { cluster } from '#proto/documents/cluster.ts';
import { API_VERSION, dnsLabel, duration } from '#proto/documents/common.ts';
import { labels, parseSelector } from '#proto/selector.ts';
import { SKIPS } from '../state.ts';

/** What a rehearsal is told to happen: how clusters behave, and what people do. Durations as `30s`, `10m`, `2h`. */
const OUTCOMES = ['current', 'failed', 'offline', 'degraded', 'slow', 'flapping'] as const;

const selectorText = z
  .string()
  .min(1, 'is empty')
  .superRefine((text, context) => {
    try {
      parseSelector(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  })
  .describe('Labels of clusters, e.g. "ring=canary,region in (eu,us)".');
const revision = z.string().min(1, 'is empty').describe('Any name that Git knows.');
const by = z.string().min(1, 'is empty').describe('Who does it. Default: rehearsal.').optional();
const reason = z.string().optional();

const rule = z
  .strictObject({
    selector: selectorText.optional(),
    name: dnsLabel.describe('One cluster.').optional(),
    percent: z
      .number()
      .positive('nobody would be chosen')
      .max(100, 'is more than all: 100 is the most')
      .describe('Of the clusters that selector or name leave, chosen by the seed; at least one.')
      .optional(),
    outcome: z.enum(OUTCOMES),
    after: duration.describe('From the start of a target. Default: 20s; for slow 5m.').optional(),
    at: duration.describe('From the change: offline, degraded and flapping begin.').optional(),
    until: duration.describe('From the change: offline, degraded and flapping end.').optional(),
    message: z.string().min(1).max(500).describe('What the agent says.').optional(),
    placement: dnsLabel.describe('Only there.').optional(),
    revision: revision.describe('Only for the version of this revision.').optional(),
  })
  .superRefine((one, context) => {
    const refuse = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (one.outcome === 'degraded' && one.at === undefined)
      context.addIssue({ code: 'custom', message: 'degraded needs `at`: from when on' });
    const isTimed = one.outcome === 'offline' || one.outcome === 'degraded' || one.outcome === 'flapping';
    if (!isTimed && one.at !== undefined) refuse('at', `says nothing for ${one.outcome}; use after`);
    if (!isTimed && one.until !== undefined) refuse('until', `says nothing for ${one.outcome}`);
    if (one.outcome !== 'offline') return;
    if (one.revision !== undefined) refuse('revision', 'a cluster is offline whatever runs there');
    if (one.placement !== undefined) refuse('placement', 'a cluster is offline whatever runs there');
    if (one.after !== undefined) refuse('after', 'says nothing for offline; use at');
  });
export type Rule = z.infer<typeof rule>;

const order = z.strictObject({ placement: dnsLabel, by, reason });
const decision = z.strictObject({
  placement: dnsLabel,
  stage: dnsLabel,
  by,
  groups: z.array(z.string().min(1)).describe('Groups of who decides.').optional(),
  reason,
});
const oneOf = (message: string) => (one: { name?: unknown; selector?: unknown }) =>
  (one.name === undefined) !== (one.selector === undefined) || message;
const whom = { name: dnsLabel.optional(), selector: selectorText.optional() };
const isOne = 'takes either name or selector';
const pinned = z
  .strictObject({ placement: dnsLabel, ...whom, revision, by, reason })
  .refine((one) => oneOf(isOne)(one) === true, isOne);
const unpinned = z
  .strictObject({ placement: dnsLabel, ...whom, by, reason })
  .refine((one) => oneOf(isOne)(one) === true, isOne);
const clusters = z.strictObject({ ...whom, by, reason }).refine((one) => oneOf(isOne)(one) === true, isOne);
const held = z.strictObject({ name: dnsLabel, by, reason });

/** What may happen in an event, each but one key besides `at`. */
const happenings = {
  commit: revision.describe('A revision newer than --to: it becomes the head.').optional(),
  approve: decision.optional(),
  deny: decision.optional(),
  pause: order.optional(),
  resume: order.optional(),
  retry: order.optional(),
  abort: order.optional(),
  rollback: order.optional(),
  expedite: z
    .strictObject({
      placement: dnsLabel,
      stage: dnsLabel,
      skip: z.array(z.enum(SKIPS)).describe('Default: all of them.').optional(),
      by,
      reason,
    })
    .optional(),
  pin: pinned.optional(),
  unpin: unpinned.optional(),
  freeze: clusters.optional(),
  unfreeze: clusters.optional(),
  hold: held.optional(),
  release: held.optional(),
  join: z
    .union([z.string().min(1), cluster], { error: 'takes a path or a Cluster document' })
    .describe('A cluster that is new: a path, relative to the scenario, or the document itself.')
    .optional(),
  leave: dnsLabel.describe('A cluster whose entry is deleted.').optional(),
  relabel: z
    .strictObject({ name: dnsLabel, labels: labels.describe('All its labels from then on.') })
    .optional(),
};
export const HAPPENINGS = Object.keys(happenings) as (keyof typeof happenings)[];

const event = z
  .strictObject({ at: duration.describe('Since the change.'), ...happenings })
  .superRefine((one, context) => {
    const keys = HAPPENINGS.filter((key) => one[key] !== undefined);
    if (keys.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `takes exactly one of ${HAPPENINGS.join(', ')} besides at; has ${keys.join(' and ') || 'none'}`,
      });
  });
export type ScenarioEvent = z.infer<typeof event>;

export const scenario = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Scenario'),
    metadata: z.strictObject({ name: dnsLabel.optional() }).optional(),
    spec: z.strictObject({
      start: z.iso
        .datetime({ offset: true, error: 'not a time such as 2026-11-23T09:00:00Z' })
        .describe('When the change is committed, for windows. Default: the time of the commit.')
        .optional(),
      clusters: z
        .array(rule)
        .describe('How clusters behave; the first rule that matches wins. Default: Current after 20s.')
        .optional(),
      events: z.array(event).describe('In order of time since the change.').optional(),
      until: duration.describe('When it ends at the latest. Default: 24h.').optional(),
    }),
  })
  .describe('What happens in a rehearsal: how clusters behave, and what people do.');
export type Scenario = z.infer<typeof scenario>;
