import { z } from 'zod';
import { PERMISSIONS } from '#proto/documents/access.ts';
import { selector } from '#proto/selector.ts';

/** Narrows what a token may do, whatever its groups are given. */
export const restriction = z.strictObject({
  permissions: z.array(z.enum(PERMISSIONS)).min(1).optional(),
  clusters: selector.optional(),
  placements: selector.optional(),
});
export type Restriction = z.infer<typeof restriction>;

/** Who asks, as the hub knows it. */
export type Viewer = {
  /** The name of the token: what stands in the audit. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** As commits are written under: nobody approves a commit of their own where a gate says so. */
  readonly emails: readonly string[];
  readonly only?: Restriction | undefined;
};

/** May everything, whatever Access documents say. */
export const ADMIN_GROUP = 'flotilla:admin';
