import { trackUpdate } from '../apply/track.ts';
import type { Cluster } from '../cluster.ts';
import type { JsonObject } from '../json.ts';
import type { Kind } from '../kinds/kinds.ts';
import { unpack } from '../store.ts';
import { commitCreate, commitUpdate } from '../write/commit.ts';
import type { Write } from '../write/context.ts';
import { trackingOf } from '../write/context.ts';
import { decodeObject } from '../write/decode.ts';
import { setManagedFields } from '../write/patch.ts';

export const MANAGER = 'kube-controller-manager';

function writeOf(cluster: Cluster, kind: Kind, namespace: string, name: string, manager: string): Write {
  return {
    cluster,
    kind,
    namespace,
    name,
    subresource: undefined,
    manager,
    dryRun: false,
    validation: 'Ignore',
    warnings: [],
  };
}

/** Creates an object as a controller would. */
export function createAs(cluster: Cluster, kind: Kind, json: JsonObject, manager: string): void {
  const { object } = decodeObject(kind, json);
  const metadata = object.metadata as JsonObject;
  const namespace = String(metadata.namespace ?? '');
  const write = writeOf(cluster, kind, namespace, String(metadata.name), manager);
  setManagedFields(object, trackUpdate(undefined, object, trackingOf(write)));
  commitCreate(write, object);
}

/** Changes an object as a controller would, through its status or as a whole. A gone object is left alone. */
export function updateAs(
  cluster: Cluster,
  kind: Kind,
  namespace: string,
  name: string,
  subresource: 'status' | undefined,
  change: (object: JsonObject) => void,
  manager = MANAGER,
): void {
  const stored = cluster.store.get(kind, namespace, name);
  if (!stored) return;
  const write = { ...writeOf(cluster, kind, namespace, name, manager), subresource };
  const changed = unpack(stored, kind);
  change(changed);
  const { object } = decodeObject(kind, changed);
  setManagedFields(object, trackUpdate(unpack(stored, kind), object, trackingOf(write)));
  commitUpdate(write, stored, object);
}
