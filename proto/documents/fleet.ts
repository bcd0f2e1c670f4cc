import { z } from 'zod';
import { labelKey } from '../selector.ts';
import { kubeVersion } from './cluster.ts';
import {
  API_VERSION,
  approval,
  DRIFT_MODES,
  dnsLabel,
  metadata,
  oneDeletion,
  percent,
  publicKeys,
  repoPath,
} from './common.ts';

const labelRule = z.strictObject({
  required: z.boolean().describe('Every cluster must have it.').optional(),
  enum: z.array(z.string()).min(1).describe('The values allowed.').optional(),
  pattern: z
    .string()
    .refine(isRegExp, { message: 'not a regular expression' })
    .describe('A regular expression that values match.')
    .optional(),
});
export type LabelRule = z.infer<typeof labelRule>;

/** Refused rather than ignored: what asks for a check must not run unchecked. */
export const requireSignedCommits = z
  .boolean()
  .refine((required) => !required, 'cannot be required yet: this version does not check signatures')
  .describe('Commits must be signed. This version refuses true: it does not check signatures yet.')
  .optional();

const trust = z.strictObject({
  requireSignedCommits,
  allowedSigners: repoPath.describe('File of allowed signers, as ssh-keygen reads it.').optional(),
  notBefore: z
    .string()
    .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'not the whole id of a commit')
    .describe('No revision older than this one is accepted.')
    .optional(),
});

/** What git-check-ref-format refuses most often; the server has the last word. */
const branch = z
  .string()
  .min(1, 'is empty')
  .refine((name) => !/[\s~^:?*[\\]|\.\.|^[-/]|\/$|\.lock$/.test(name), { message: 'not a branch name' })
  .refine((name) => !name.startsWith('refs/'), { message: 'is a ref; write the name of the branch alone' });

/** `flotilla.yaml`: the one document about the fleet as a whole. */
export const fleet = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Fleet'),
    metadata,
    spec: z.strictObject({
      branch: branch.describe('The only branch that agents accept.'),
      hub: z
        .strictObject({
          publicKeys: publicKeys('server', 'a hub').describe('Keys that may sign desired documents.'),
        })
        .optional(),
      labels: z
        .record(labelKey, labelRule)
        .describe('The closed vocabulary of cluster labels. Without it any label is allowed.')
        .optional(),
      trust: trust.optional(),
      render: z
        .strictObject({
          fallback: z
            .enum(['none', 'kustomize'])
            .describe('kustomize: the pinned binary renders what the engine does not support.')
            .optional(),
        })
        .optional(),
      defaults: z
        .strictObject({
          strategy: dnsLabel.describe('Rollout strategy of placements that name none.').optional(),
          prune: z.boolean().describe('Default: true.').optional(),
          drift: z.strictObject({ mode: z.enum(DRIFT_MODES).optional() }).optional(),
          kubeVersion: kubeVersion.optional(),
          apiVersions: z.array(z.string()).optional(),
        })
        .describe('What holds where a document does not say otherwise.')
        .optional(),
      drift: z
        .strictObject({
          controllers: z
            .array(z.string().min(1))
            .describe('Further field managers that own fields by design.')
            .optional(),
        })
        .optional(),
      guards: z
        .strictObject({
          maxPrune: percent
            .describe('Share of an inventory that is pruned without approval. Default: 30%.')
            .optional(),
          maxAssignmentsRemoved: percent
            .describe('Share of a placement’s assignments removed without approval. Default: 10%.')
            .optional(),
        })
        .optional(),
      approvals: z
        .array(approval.required({ placement: true }).refine(...oneDeletion))
        .describe('Lets go held deletions of placements that are gone.')
        .optional(),
    }),
  })
  .describe('The fleet as a whole.');
export type Fleet = z.infer<typeof fleet>;

function isRegExp(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
