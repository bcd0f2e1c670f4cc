import { z } from 'zod';
import { nkeyRole } from '../nkey.ts';
import { labels } from '../selector.ts';

/** What all documents of the fleet repo share (design/10-fleet-repo). Strict: an unknown key is an error. */
export const API_VERSION = 'flotilla.dev/v1alpha1';

/** Names become NATS tokens and parts of object names. */
export const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'not a DNS-1123 label (at most 63 of a-z, 0-9 and -, no - at the ends)',
  );

export const metadata = z.strictObject({
  name: dnsLabel.describe('Unique among the documents of its kind, and the name of the file.'),
  labels: labels.describe('What selectors look at.').optional(),
  annotations: z.record(z.string(), z.string()).describe('Free text for people and tools.').optional(),
});

/** A value that a cluster hands to overlays: typed, never a secret. */
const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: 'takes text, a number, true or false',
});
export type Scalar = z.infer<typeof scalar>;

export const valueName = z
  .string()
  .regex(/^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]*$/, 'not a value name (letters, digits and _)');
export const values = z.record(valueName, scalar);

const DURATION = /^([0-9]+(ms|s|m|h|d))+$/;
const notDuration = ({ input }: { readonly input: unknown }): string => {
  if (typeof input === 'number') return 'takes a duration with its unit, such as 30s, 10m, 2h or 1d';
  const isFraction = typeof input === 'string' && /^[0-9]+[.,][0-9]+(ms|s|m|h|d)$/.test(input);
  return `not a duration such as 30s, 10m, 2h or 1d${isFraction ? '; parts are whole, as in 1h30m' : ''}`;
};

/** A duration as people write it, `90s`, `10m`, `1h30m`, `1d`, and at most `most`. */
export const durationUpTo = (most: string) =>
  z
    .string({ error: notDuration })
    .regex(DURATION, { error: notDuration, abort: true })
    .refine((text) => milliseconds(text) <= milliseconds(most), `more than ${most}, which is the most`);

/** As `durationUpTo` ten years: every sum with a time of today is still a time. */
export const duration = durationUpTo('3650d');

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration that the schema has accepted. */
export function milliseconds(text: string): number {
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+)(ms|s|m|h|d)/g)) {
    sum += Number(amount) * UNITS[unit as keyof typeof UNITS];
  }
  return sum;
}

export const PERCENT = /^(100|[0-9]{1,2})%$/;
/** Why something is no whole percentage from 0% to 100%. */
export function percentFault(input: unknown): string {
  const takes = 'a whole percentage from 0% to 100%';
  if (typeof input === 'number')
    return `takes ${takes}${PERCENT.test(`${input}%`) ? `: write ${input}%` : ', such as 10%'}`;
  if (typeof input !== 'string') return `takes ${takes}, such as 10%`;
  if (/^[0-9]+%$/.test(input)) return 'is more than all: 100% is the most';
  if (/^-[0-9]+%$/.test(input)) return 'is less than none: 0% is the least';
  return `not ${takes}, such as 10%`;
}
const notPercent = ({ input }: { readonly input: unknown }) => percentFault(input);
export const percent = z.string({ error: notPercent }).regex(PERCENT, { error: notPercent });

/** Share of a percentage that the schema has accepted, 0 to 1. */
export const share = (text: string): number => Number(text.slice(0, -1)) / 100;

/** A path inside the repository: relative, no `..`, no empty part. `{…}` is allowed where a placement substitutes. */
export const repoPath = z
  .string()
  .min(1, 'is empty')
  .superRefine((path, context) => {
    const parts = path.split('/');
    if (path.startsWith('/') || parts.includes('..')) {
      context.addIssue({
        code: 'custom',
        message: 'leads out of the repository: paths are relative to its root, without ..',
        params: { fault: 'path-escapes' },
      });
    } else if (parts.includes('')) {
      context.addIssue({ code: 'custom', message: 'has an empty part: no // and no / at the end' });
    }
  });

/** A path in which `{name}` and `{label}` stand for what a cluster has. */
export const variablePath = repoPath.refine((path) => /^[^{}]*(\{[^{}]+\}[^{}]*)*$/.test(path), {
  message: 'has a brace without its partner, or nothing between the two',
});

/** `{variables}` of a path that the schema has accepted. */
export const variablesOf = (path: string): string[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name!);

const LEAKED = 'is a secret seed, not a public key; it must be considered leaked: make a new key';

const LETTERS = { user: 'U', server: 'N' } as const;

/** A public key of a role. A seed in its place is named as what it is, and never repeated. */
const publicKey = (role: 'user' | 'server', whose: string) =>
  z
    .string()
    .meta({ pattern: `^${LETTERS[role]}[A-Z2-7]{55}$` })
    .superRefine((key, context) => {
      if (/^S[A-Z][A-Z2-7]/.test(key)) {
        context.addIssue({ code: 'custom', message: LEAKED, params: { fault: 'key-invalid', secret: true } });
      } else if (nkeyRole(key) !== role) {
        context.addIssue({
          code: 'custom',
          message: `is not a public key of ${whose} (${LETTERS[role]}… with a valid checksum)`,
          params: { fault: 'key-invalid' },
        });
      }
    });

/** One or two keys; a second one only while keys change. */
export const publicKeys = (role: 'user' | 'server', whose: string) =>
  z
    .array(publicKey(role, whose))
    .min(1)
    .max(2)
    .refine((keys) => new Set(keys).size === keys.length, 'the same key twice');

export const DRIFT_MODES = ['correct', 'report'] as const;

export const ignoreRule = z.strictObject({
  kind: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  paths: z.array(z.string().startsWith('/', 'a JSON pointer starts with /')).optional(),
  managers: z.array(z.string()).optional(),
  reason: z.string().min(1, 'is empty: say why').describe('Why this drift is meant; shown beside it.'),
  until: z.iso
    .date('not a date such as 2026-12-31')
    .describe('The last day on which it is ignored.')
    .optional(),
});
export type IgnoreRule = z.infer<typeof ignoreRule>;

export const approval = z.strictObject({
  prune: z.string().describe('Hash of the held set of objects.').optional(),
  removal: z.string().describe('Hash of the held set of assignments.').optional(),
  placement: dnsLabel.describe('For a placement that is gone; in flotilla.yaml.').optional(),
  until: z.iso.date('not a date such as 2026-12-31').describe('The last day on which it counts.').optional(),
});
export type CommittedApproval = z.infer<typeof approval>;

/** Arguments of `refine`: an approval names the one deletion that it lets go. */
export const oneDeletion: [(one: Pick<CommittedApproval, 'prune' | 'removal'>) => boolean, string] = [
  ({ prune, removal }) => (prune === undefined) !== (removal === undefined),
  'takes either prune or removal',
];
