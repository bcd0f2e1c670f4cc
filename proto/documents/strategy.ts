import { z } from 'zod';
import { cronFault } from '../cron.ts';
import { didYouMean } from '../problems.ts';
import { labelKey, selector } from '../selector.ts';
import {
  API_VERSION,
  dnsLabel,
  durationUpTo,
  metadata,
  milliseconds,
  PERCENT,
  percent,
  percentFault,
  share,
} from './common.ts';

const AMOUNT = 'a whole number of clusters, or a percentage from 0% to 100% such as 10%';
const amountFault = ({ input }: { readonly input: unknown }): string => {
  if (typeof input === 'number' && Number.isInteger(input) && input < 0)
    return 'is less than none: 0 is the least';
  if (typeof input !== 'string') return `takes ${AMOUNT}`;
  if (/^[0-9]+$/.test(input)) return `takes ${AMOUNT}: write ${input} without quotes, or ${input}%`;
  return input.endsWith('%') ? percentFault(input) : `not ${AMOUNT}`;
};
const part = z.string().regex(PERCENT, { error: amountFault, abort: true });
/** A number of clusters, or a share of a stage's members rounded down. */
const amount = z.union([z.int().nonnegative(), part], { error: amountFault });
const concurrency = z
  .union([z.int(), part], { error: amountFault })
  .refine(
    (most) => (typeof most === 'number' ? most : share(most)) > 0,
    'nothing would ever start: 1 is the least, or 1%',
  );
/** Longer than nothing, and at most `most`; `error` says what nothing would mean. */
const positive = (error: string, most: string) =>
  durationUpTo(most).refine((text) => milliseconds(text) > 0, error);
const group = z.string().min(1, 'is empty');

/** More people than that approve nothing: it is a slip of the pen, and the stage would wait for ever. */
const MOST_APPROVALS = 100;
const approvalGate = z.strictObject({
  groups: z.array(group).min(1).describe('Groups whose members may approve.'),
  count: z
    .int()
    .positive()
    .max(MOST_APPROVALS, `more than ${MOST_APPROVALS}, which is the most`)
    .describe(`How many of them. Default: 1, at most ${MOST_APPROVALS}.`)
    .optional(),
  notAuthor: z.boolean().describe('Nobody approves a commit of their own. Default: false.').optional(),
  expires: positive('no approval would ever count', '30d')
    .describe('An approval counts for so long until it is used. At most 30d.')
    .optional(),
});
const webhookGate = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'not an http or https URL' })
    .refine((url) => !/^[a-z]+:\/\/[^/?#]*@/i.test(url), 'holds a user or a password'),
  secret: z
    .string()
    .regex(/^[A-Za-z0-9][-A-Za-z0-9._]{0,127}$/, 'not the name of a secret (letters, digits, -, _ and .)')
    .describe('Name of a secret in the configuration of the hub; never the secret itself.'),
  timeout: positive('no try would ever be answered', '1h')
    .describe('For each try. Default: 30s, at most 1h.')
    .optional(),
  retries: z.int().nonnegative().max(20).describe('Default: 3, at most 20.').optional(),
});
const gate = z
  .strictObject({
    soak: durationUpTo('30d').describe('Everything stays Current for so long. At most 30d.').optional(),
    approval: approvalGate.optional(),
    webhook: webhookGate.optional(),
  })
  .refine((one) => Object.keys(one).length === 1, 'a gate is exactly one of soak, approval and webhook');
export type GateSpec = z.infer<typeof gate>;

const stage = z.strictObject({
  name: dnsLabel,
  selector: selector.describe(
    'Clusters of the stage; the first stage that matches wins. {} is all that are left.',
  ),
  before: z
    .array(
      gate.refine((one) => one.soak === undefined, 'soak belongs in `after`: nothing has started before'),
    )
    .describe('Gates before anything starts.')
    .optional(),
  after: z.array(gate).describe('Gates before the next stage, in order.').optional(),
  maxConcurrent: concurrency.describe('Clusters at work at a time. Default: the whole stage.').optional(),
  orderBy: labelKey.describe('Label that decides the order of clusters. Default: by name.').optional(),
});
export type StageSpec = z.infer<typeof stage>;

const timezone = z.string().superRefine((name, context) => {
  if (isTimezone(name)) return;
  const near = didYouMean(name, Intl.supportedValuesOf('timeZone'));
  context.addIssue({
    code: 'custom',
    message: 'not a time zone such as Europe/Berlin',
    params: { ...(near && { suggestion: near }) },
  });
});

const cron = z.string().superRefine((text, context) => {
  const fault = cronFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

const window = z.strictObject({
  selector: selector.describe('Clusters that it binds. Default: all.').optional(),
  cron: cron.describe('When it opens: minute, hour, day of month, month, day of week.'),
  duration: positive('never opens', '31d').describe('How long it stays open. At most 31d.'),
  timezone: timezone.describe('IANA name, such as Europe/Berlin.'),
});
export type WindowSpec = z.infer<typeof window>;

/** `rollouts/**` `/<name>.yaml`: ordered groups of clusters, with gates. */
export const strategy = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('RolloutStrategy'),
    metadata,
    spec: z.strictObject({
      stages: z
        .array(stage)
        .min(1)
        .superRefine((stages, context) => {
          const first = new Map<string, number>();
          stages.forEach(({ name }, index) => {
            const known = first.get(name);
            if (known === undefined) first.set(name, index);
            else
              context.addIssue({
                code: 'custom',
                path: [index, 'name'],
                message: `is the name of stage ${known + 1} already`,
              });
          });
        })
        .describe('In order; the last one catches all that are left.'),
      failure: z
        .strictObject({
          maxFailed: amount.describe('More failures in a stage stop it. Default: 0.').optional(),
          action: z.enum(['pause', 'rollback']).describe('Default: pause.').optional(),
          minCurrent: z
            .int()
            .positive()
            .describe('Changed clusters that must be Current to pass. Default: 1.')
            .optional(),
        })
        .optional(),
      offline: z
        .strictObject({
          after: positive('every cluster would be offline at once', '7d')
            .describe('Unreachable for so long is offline. Default: 10m, at most 7d.')
            .optional(),
          max: percent
            .describe(
              'More of the connected fleet lost at once (and at least 3) holds every rollout. Default: 20%.',
            )
            .optional(),
        })
        .optional(),
      regression: z
        .strictObject({ window: durationUpTo('30d').describe('Default: 2h, at most 30d.').optional() })
        .describe('Clusters that become unhealthy within it count as failed.')
        .optional(),
      progressDeadline: positive('every cluster would have failed at once', '7d')
        .describe('A cluster not Current by then has failed. Default: 10m, at most 7d.')
        .optional(),
      windows: z.array(window).describe('Times at which something may start.').optional(),
    }),
  })
  .describe('In which order and under which conditions clusters get a change.');
export type RolloutStrategy = z.infer<typeof strategy>;

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
