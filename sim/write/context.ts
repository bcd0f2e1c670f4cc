import type { WriteContext } from '../apply/write-context.ts';
import type { Cluster } from '../cluster.ts';
import { ignoredFields } from '../kinds/kinds.ts';
import type { Asked } from './asked.ts';

/** One write in the cluster that it is asked of. */
export interface Write extends Asked {
  readonly cluster: Cluster;
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
