import type { WriteContext } from '../apply/track.ts';
import type { Cluster } from '../cluster.ts';
import type { Kind } from '../kinds/kinds.ts';
import { ignoredFields } from '../kinds/kinds.ts';

export type Validation = 'Strict' | 'Warn' | 'Ignore';

/** One write as the request asked for it. */
export interface Write {
  readonly cluster: Cluster;
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: 'status' | undefined;
  readonly manager: string;
  readonly dryRun: boolean;
  readonly validation: Validation;
  /** Texts for Warning headers; filled while the write is worked on. */
  readonly warnings: string[];
}

/** The view of a write that field ownership needs. */
export function trackingOf(write: Write): WriteContext {
  const { cluster, kind, manager, subresource } = write;
  return {
    types: {
      typeAt: (apiVersion) => cluster.kinds.typeAt(kind, apiVersion),
      ignored: ignoredFields(kind, subresource),
    },
    manager,
    apiVersion: kind.apiVersion,
    subresource,
    now: cluster.timestamp(),
    empty: kind.empty,
  };
}
