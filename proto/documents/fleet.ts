import { z } from 'zod';
import { nkeyRole } from '../nkey.ts';
import { API_VERSION, approval, DRIFT_MODES, dnsLabel, metadata, percent, repoPath } from './common.ts';

const hubKey = z.string().refine((key) => nkeyRole(key) === 'server', {
  message: 'not a public key of a hub (it starts with N; a seed SN… is secret)',
});

const labelRule = z.strictObject({
  required: z.boolean().optional(),
  enum: z.array(z.string()).min(1).optional(),
  pattern: z.string().refine(isRegExp, { message: 'not a regular expression' }).optional(),
});

export const trust = z.strictObject({
  requireSignedCommits: z.boolean().optional(),
  allowedSigners: repoPath.optional(),
  notBefore: z.string().optional(),
});

/** `flotilla.yaml`: the one document about the fleet as a whole. */
export const fleet = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Fleet'),
  metadata,
  spec: z.strictObject({
    branch: z.string().min(1),
    hub: z.strictObject({ publicKeys: z.array(hubKey).min(1).max(2) }).optional(),
    labels: z.record(z.string(), labelRule).optional(),
    trust: trust.optional(),
    render: z.strictObject({ fallback: z.enum(['none', 'kustomize']).optional() }).optional(),
    defaults: z
      .strictObject({
        strategy: dnsLabel.optional(),
        prune: z.boolean().optional(),
        drift: z.strictObject({ mode: z.enum(DRIFT_MODES).optional() }).optional(),
        kubeVersion: z.string().optional(),
        apiVersions: z.array(z.string()).optional(),
      })
      .optional(),
    drift: z.strictObject({ controllers: z.array(z.string()).optional() }).optional(),
    guards: z
      .strictObject({ maxPrune: percent.optional(), maxAssignmentsRemoved: percent.optional() })
      .optional(),
    approvals: z.array(approval).optional(),
  }),
});
export type Fleet = z.infer<typeof fleet>;

function isRegExp(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}
