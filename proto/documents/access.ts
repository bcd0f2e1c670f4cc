import { z } from 'zod';
import { selector } from '../selector.ts';
import { API_VERSION, metadata } from './common.ts';

export const PERMISSIONS = [
  'read',
  'approve',
  'pause',
  'rollback',
  'expedite',
  'pin',
  'freeze',
  'hold',
  'resync',
  'admin',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** `access/**` `/<name>.yaml`: which groups may do what, on which clusters and placements. `pause` includes resume, retry and abort. */
export const access = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Access'),
    metadata,
    spec: z.strictObject({
      rules: z.array(
        z.strictObject({
          groups: z.array(z.string().min(1, 'is empty')).min(1),
          permissions: z
            .array(z.enum(PERMISSIONS))
            .min(1)
            .describe('pause includes resume, retry and abort.'),
          clusters: selector.describe('By the labels of clusters. Default: all.').optional(),
          placements: selector.describe('By the labels of placements. Default: all.').optional(),
        }),
      ),
    }),
  })
  .describe('Which groups may do what.');
export type Access = z.infer<typeof access>;
