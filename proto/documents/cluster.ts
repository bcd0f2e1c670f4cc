import { z } from 'zod';
import { nkeyRole } from '../nkey.ts';
import { API_VERSION, dnsLabel, metadata, values } from './common.ts';

const agentKey = z.string().superRefine((key, context) => {
  if (/^SU[A-Z2-7]/.test(key)) {
    context.addIssue({
      code: 'custom',
      message: 'is a secret seed, not a public key; it must be considered leaked: make a new key',
      params: { secret: true },
    });
  } else if (nkeyRole(key) !== 'user') {
    context.addIssue({
      code: 'custom',
      message: 'is not a public key of an agent (U… with a valid checksum)',
    });
  }
});

export const CLUSTER_MODES = ['enforce', 'observe'] as const;

/** `clusters/**` `/<name>.yaml`: committing it onboards the cluster, deleting it revokes the agent. */
export const cluster = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Cluster'),
  metadata,
  spec: z.strictObject({
    agent: z.strictObject({ publicKeys: z.array(agentKey).min(1).max(2) }),
    mode: z.enum(CLUSTER_MODES).optional(),
    values: values.optional(),
    placementValues: z.record(dnsLabel, values).optional(),
    suspend: z.boolean().optional(),
    decommission: z.enum(['orphan', 'prune']).optional(),
    kubeVersion: z.string().optional(),
    apiVersions: z.array(z.string()).optional(),
  }),
});
export type Cluster = z.infer<typeof cluster>;
