import { z } from 'zod';
import { selector } from '../selector.ts';
import {
  API_VERSION,
  approval,
  DRIFT_MODES,
  dnsLabel,
  duration,
  ignoreRule,
  metadata,
  repoPath,
  valueName,
  values,
} from './common.ts';

/** `placements/**` `/*.yaml`: which clusters get which overlay, and how. */
export const placement = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Placement'),
  metadata,
  spec: z.strictObject({
    owner: z.string().optional(),
    runbook: z.string().optional(),
    selector,
    expect: z.strictObject({ minClusters: z.int().nonnegative().optional() }).optional(),
    path: repoPath,
    components: z.array(z.strictObject({ path: repoPath, selector: selector.optional() })).optional(),
    namespace: dnsLabel.optional(),
    createNamespace: z.boolean().optional(),
    values: z
      .strictObject({ required: z.array(valueName).optional(), optional: values.optional() })
      .optional(),
    dependsOn: z.array(dnsLabel).optional(),
    apply: z.enum(['independent', 'atomic']).optional(),
    prune: z.boolean().optional(),
    adopt: z.array(z.enum(['flux', 'argo', 'helm'])).optional(),
    allow: z
      .strictObject({
        namespaces: z.array(z.string()).optional(),
        clusterScoped: z.array(z.string()).optional(),
      })
      .optional(),
    drift: z
      .strictObject({
        mode: z.enum(DRIFT_MODES).optional(),
        extras: z.enum(['report', 'remove']).optional(),
        ignore: z.array(ignoreRule).optional(),
      })
      .optional(),
    health: z
      .strictObject({ timeout: duration.optional(), requireAddress: z.boolean().optional() })
      .optional(),
    serviceAccount: dnsLabel.optional(),
    trust: z.strictObject({ requireSignedCommits: z.boolean().optional() }).optional(),
    strategy: dnsLabel.optional(),
    approvals: z.array(approval).optional(),
  }),
});
export type Placement = z.infer<typeof placement>;
