import { z } from 'zod';
import { selector } from '../selector.ts';
import { API_VERSION, dnsLabel, metadata, values } from './common.ts';

/** `values/**` `/<name>.yaml`: values shared by the clusters that a selector matches; with `placement`, for that placement only. */
export const sharedValues = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Values'),
    metadata,
    spec: z.strictObject({
      selector: selector.describe('Clusters that have these values; {} is all.'),
      placement: dnsLabel
        .describe(
          'Only for this placement, which must declare every name; wins over values for all placements.',
        )
        .optional(),
      values: values.describe('Text, numbers, true or false. Never secrets.'),
    }),
  })
  .describe('Values shared by clusters.');
export type SharedValues = z.infer<typeof sharedValues>;
