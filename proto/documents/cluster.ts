import { z } from 'zod';
import { API_VERSION, dnsLabel, metadata, publicKeys, values } from './common.ts';

export const CLUSTER_MODES = ['enforce', 'observe'] as const;
export const kubeVersion = z
  .string()
  .regex(/^v?[0-9]+\.[0-9]+(\.[0-9]+)?$/, 'not a Kubernetes version such as "1.34"')
  .describe('Kubernetes version that charts are rendered for; in quotes.');

/** `clusters/**` `/<name>.yaml`: committing it onboards the cluster, deleting it revokes the agent. */
export const cluster = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Cluster'),
    metadata,
    spec: z.strictObject({
      agent: z.strictObject({
        publicKeys: publicKeys('user', 'an agent').describe(
          'The agent’s public key; two while it is renewed.',
        ),
      }),
      mode: z
        .enum(CLUSTER_MODES)
        .describe('observe: render, compare and report, never write. Default: enforce.')
        .optional(),
      values: values.describe('Values of this cluster for every placement. Never secrets.').optional(),
      placementValues: z
        .record(dnsLabel, values)
        .describe('Values of this cluster for one placement; the most specific of all.')
        .optional(),
      suspend: z.boolean().describe('true: nothing is applied and nothing is corrected.').optional(),
      decommission: z
        .enum(['orphan', 'prune'])
        .describe('Leave or remove what was applied; delete the file when it is reported done.')
        .optional(),
      kubeVersion: kubeVersion.optional(),
      apiVersions: z.array(z.string()).describe('API versions that charts may ask for.').optional(),
    }),
  })
  .describe('One cluster of the fleet.');
export type Cluster = z.infer<typeof cluster>;
