import { z } from 'zod';
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
  name: dnsLabel,
  labels: labels.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** A value that a cluster hands to overlays: typed, never a secret. */
export const scalar = z.union([z.string(), z.number(), z.boolean()]);
export type Scalar = z.infer<typeof scalar>;

export const valueName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a value name (letters, digits and _)');
export const values = z.record(valueName, scalar);
export type Values = z.infer<typeof values>;

/** A duration as people write it: `90s`, `10m`, `2h`, `1d`. */
export const duration = z
  .string()
  .regex(/^([0-9]+(ms|s|m|h|d))+$/, 'not a duration such as 30s, 10m, 2h or 1d');

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration that the schema has accepted. */
export function milliseconds(text: string): number {
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+)(ms|s|m|h|d)/g)) {
    sum += Number(amount) * UNITS[unit as keyof typeof UNITS];
  }
  return sum;
}

export const percent = z.string().regex(/^(100|[0-9]{1,2})%$/, 'not a percentage such as 10%');

/** Share of a percentage that the schema has accepted, 0 to 1. */
export const share = (text: string): number => Number(text.slice(0, -1)) / 100;

/** A path inside the repository: relative, no `..`, no empty part. `{…}` is allowed where a placement substitutes. */
export const repoPath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith('/') && !path.split('/').some((part) => part === '..' || part === ''), {
    message: 'leads out of the repository: paths are relative to its root, without .. and //',
  });

export const DRIFT_MODES = ['correct', 'report'] as const;

export const ignoreRule = z.strictObject({
  kind: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  paths: z.array(z.string().startsWith('/', 'a JSON pointer starts with /')).optional(),
  managers: z.array(z.string()).optional(),
  reason: z.string().min(1),
  until: z.iso.date().optional(),
});
export type IgnoreRule = z.infer<typeof ignoreRule>;

export const approval = z.strictObject({
  prune: z.string().optional(),
  removal: z.string().optional(),
  placement: dnsLabel.optional(),
  until: z.iso.date().optional(),
});
export type CommittedApproval = z.infer<typeof approval>;
